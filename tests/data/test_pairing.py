"""Clean and noisy files are matched by name, the closest name first."""

from pathlib import Path

import pytest

from senm_jax.data import pairing

CLEAN, NOISY = Path("c"), Path("n")


def match(clean: list[str], noisy: list[str]):
    pairs, left = pairing.match(
        CLEAN, NOISY, [CLEAN / name for name in clean], [NOISY / name for name in noisy]
    )
    return [(str(a), str(b)) for a, b in pairs], [str(path) for path in left]


@pytest.mark.parametrize(
    ("clean", "noisy"),
    [
        ("a.png", "a.png"),
        ("sub/a.png", "sub/a.jpg"),
        ("canon_bag_clean.jpg", "canon_bag_noisy.jpg"),
        ("0001_GT_SRGB_010.PNG", "0001_NOISY_SRGB_010.PNG"),
        ("5D_mean.JPG", "5D_real.JPG"),
        ("clean-7.tif", "noisy-7.png"),
    ],
)
def test_names_that_belong_together(clean, noisy):
    assert match([clean, "zz.png"], ["other.png", noisy]) == (
        [(f"c/{clean}", f"n/{noisy}")],
        ["c/zz.png", "n/other.png"],
    )


@pytest.mark.parametrize(
    ("clean", "noisy"),
    [("a.png", "sub/a.png"), ("cleanroom.png", "noisyroom.png"), ("a1.png", "a2.png")],
)
def test_names_that_do_not(clean, noisy):
    assert match([clean], [noisy])[0] == []


def test_the_closest_name_wins():
    pairs, left = match(["a.png", "a.jpg"], ["a.jpg", "a.tif"])
    assert pairs == [("c/a.jpg", "n/a.jpg"), ("c/a.png", "n/a.tif")]
    assert left == []


def test_names_that_could_mean_two_files_match_nothing():
    pairs, left = match(["a.png", "a.bmp"], ["a.jpg"])
    assert pairs == []
    assert left == ["c/a.bmp", "c/a.png", "n/a.jpg"]


def test_one_folder_for_both_sides_is_refused(tmp_path):
    with pytest.raises(ValueError, match="given as clean and as noisy"):
        pairing.match(tmp_path, tmp_path, [], [])


def test_two_files_are_a_pair(tmp_path):
    first, second = tmp_path / "x.png", tmp_path / "y.png"
    first.touch()
    second.touch()
    assert pairing.match(first, second, [first], [second]) == ([(first, second)], [])
