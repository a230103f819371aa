"""Results of `degraded` as a section of a report."""

import math
from collections.abc import Sequence

from senm_jax.degradations import parameters
from senm_jax.evaluation import degraded, drawings, report

COLUMNS = (
    report.Column("name", "restored by"),
    report.Column("psnr_y", "PSNR, dB (Y, 8-bit)", ".2f", math.inf),
    report.Column("ssim_y", "SSIM (Y)", ".4f", math.inf),
    report.Column("psnr_rgb", "PSNR, dB (RGB, 8-bit)", ".2f", math.inf),
    report.Column("ssim_rgb", "SSIM 2-D (RGB)", ".4f", math.inf),
)
TEXT = (
    "Clean photographs are degraded as the title says and restored; figures are means over them, "
    "of images clipped and rounded to 8 bits. Y is MATLAB's luma rounded to 8 bits, or the image "
    "itself where that is the luma. Where images are enlarged, as many pixels as the scale are "
    "left out at each border; the first row is MATLAB's bicubic interpolation then, and else the "
    "degraded image.",
)


def of_degraded(
    photographs: degraded.Photographs, results: Sequence[degraded.Result]
) -> report.Section:
    """The section of one degradation: a table with a row for each way to restore, and crops."""
    about = photographs.degrader.about
    values = [f"{key}={parameters.text(value)}" for key, value in about["parameters"].items()
              if value not in ([], "")]
    title = ",".join([about["name"], *values])
    count = len(photographs.files)
    rows = [{"name": result.name, **result.figures} for result in results]
    present = [column for column in COLUMNS if column.key in rows[0]]
    crops = [[report.picture(drawings.centre(result.shown[file]), 2) for result in results]
             for file in results[0].shown]
    return report.Section(
        title, (*TEXT, f"{count} photographs, seed {photographs.seed} of the draws."),
        [report.Table(f"{title}: {count} photographs", present, rows)],
        [report.Figure("Crops, each pixel shown as four.", [r.name for r in results], crops)],
        {"degradation": about, "seed": photographs.seed, "results": [
            {"name": result.name, "about": result.about, "figures": result.figures,
             "each": result.each}
            for result in results
        ]},
    )
