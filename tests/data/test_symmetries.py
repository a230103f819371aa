"""The crops' symmetries are those of the papers' code book."""

import numpy as np

from senm_jax.data import symmetries


def test_symmetries_are_the_code_book():
    image = np.arange(4 * 4 * 3, dtype=np.uint8).reshape(4, 4, 3)
    expected = [
        image, np.flipud(np.rot90(image)), np.flipud(image), np.rot90(image, 3),
        np.flipud(np.rot90(image, 2)), np.rot90(image), np.rot90(image, 2),
        np.flipud(np.rot90(image, 3)),
    ]  # fmt: skip
    assert len({turned.tobytes() for turned in map(np.ascontiguousarray, expected)}) == 8
    for code, turned in enumerate(expected):
        np.testing.assert_array_equal(symmetries.turned(image, code), turned)
        out = np.empty_like(image)
        symmetries.turn_into(out, image, code)
        np.testing.assert_array_equal(out, turned)
