"""The pictures of a report's sections: crops, correlation maps, variance curves."""

from collections.abc import Sequence

import numpy as np

from senm_jax.evaluation import drawings, noise, report, restoration

_CHANNELS = (("R", "#c22"), ("G", "#181"), ("B", "#22c"))


def noise_crops(results: Sequence[noise.Result]) -> report.Figure:
    """Two lines a patch: images, and below them their noise, magnified alike."""
    rows = []
    for examples in zip(*(result.examples for result in results), strict=True):
        clean = drawings.centre(examples[0].clean)
        noisy = [drawings.centre(examples[0].noisy)]
        noisy += [drawings.centre(example.generated) for example in examples]
        factor = drawings.magnification(_noise(noisy[0], clean))
        rows.append([report.picture(image, 2) for image in (clean, *noisy)])
        residuals = [drawings.residual(_noise(image, clean), factor) for image in noisy]
        rows.append([f"noise x {factor}", *(report.picture(image, 2) for image in residuals)])
    return report.Figure(
        "Crops of test patches, each pixel shown as four; below, the noise around middle grey.",
        ("clean", "real noisy", *(result.name for result in results)), rows,
    )


def correlation_maps(results: Sequence[noise.Result]) -> report.Figure:
    """Every run's pooled correlation of the noise by offset, the real one first."""
    maps = [results[0].correlation["real"], *(r.correlation["generated"] for r in results)]
    radius = len(maps[0]) // 2
    return report.Figure(
        f"Correlation of the noise with that up to {radius} pixels away, all patches and channels "
        "pooled: red above 0, blue below, white at 0; point at a cell for its value.",
        ("real", *(result.name for result in results)),
        [[drawings.heat_map(values) for values in maps]],
    )


def variance_curves(results: Sequence[noise.Result]) -> report.Figure:
    """Every run's variance of the noise by clean value and channel, beside the real one."""
    def lines(result):
        sides = (("real", False), ("generated", True))
        return [
            drawings.Line(f"{name} {side}", colour, curve.intensity[channel],
                          curve.variance[channel] * 255**2, dashed)
            for channel, (name, colour) in enumerate(_CHANNELS)
            for side, dashed in sides
            for curve in [result.variance[side]]
        ]

    cells = [drawings.lines(lines(result), "clean value", "variance, 8-bit levels squared")
             for result in results]
    return report.Figure(
        "Variance of the noise against the clean value, by channel.",
        [result.name for result in results], [cells],
    )


def restored_crops(results: Sequence[restoration.Result]) -> report.Figure:
    """A line a patch: the noisy crop, every run's restored one, the clean one."""
    rows = []
    for examples in zip(*(result.examples for result in results), strict=True):
        images = [examples[0].noisy, *(example.restored for example in examples),
                  examples[0].clean]
        rows.append([report.picture(drawings.centre(image), 2) for image in images])
    noisy = "noisy" if results[0].about["scale"] == 1 else "noisy, bicubic"
    return report.Figure(
        "Crops of test patches, each pixel shown as four.",
        (noisy, *(result.name for result in results), "clean"), rows,
    )


def _noise(image: np.ndarray, clean: np.ndarray) -> np.ndarray:
    return (image.astype(np.float64) - clean) / 255
