"""Results as sections of a report: tables with a row for each run, and `pictures`."""

import math
from collections.abc import Mapping, Sequence

from senm_jax.evaluation import content, noise, patches, pgap, pictures, report, restoration

_INF = math.inf
NOISE_COLUMNS = (
    report.Column("akld", "AKLD", ".4f", 0),
    report.Column("kld_senm_vae_grey", "KLD, SeNM-VAE's (grey values)", ".4f", 0),
    report.Column("kld_naflow", "KLD, NAFlow's", ".4f", 0),
    report.Column("kld_naflow_rounded", "KLD, NAFlow's of rounded noise", ".4f", 0),
    report.Column("kld_neca", "KLD, NeCA's", ".4f", 0),
    report.Column("correlation_error", "spatial correlation error", ".4f", 0),
    report.Column("generated_correlation_right", "correlation, right neighbour", ".3f"),
    report.Column("real_correlation_right", "real, right", ".3f"),
    report.Column("generated_correlation_below", "correlation, below neighbour", ".3f"),
    report.Column("real_correlation_below", "real, below", ".3f"),
    report.Column("generated_correlation_colours", "correlation of the colours", ".3f"),
    report.Column("real_correlation_colours", "real, colours", ".3f"),
    report.Column("variance_error", "variance-against-intensity error", ".4f", 0),
    report.Column("generated_std", "noise std", ".4f"),
    report.Column("real_std", "real noise std", ".4f"),
    report.Column("std_ratio", "std over real", ".3f", 1),
)
COST_COLUMNS = (
    report.Column("parameters_used", "parameters in use", ",d"),
    report.Column("parameters", "parameters in all", ",d"),
    report.Column("images_per_second", "images a second", ",.2f"),
)
RESTORER_COLUMNS = (
    report.Column("restored_psnr_rgb", "PSNR, dB (RGB, 8-bit)", ".3f", _INF),
    report.Column("noisy_psnr_rgb", "noisy input", ".3f"),
    report.Column("restored_ssim_2d", "SSIM 2-D (KAIR)", ".4f", _INF),
    report.Column("noisy_ssim_2d", "noisy input", ".4f"),
    report.Column("restored_ssim_3d", "SSIM 3-D (SIDD)", ".4f", _INF),
    report.Column("noisy_ssim_3d", "noisy input", ".4f"),
    report.Column("restored_lpips", "LPIPS (AlexNet)", ".4f", 0),
)
PGAP_COLUMNS = (
    report.Column("noisy", "noisy input, dB", ".3f"),
    report.Column("real", "learnt from real pairs, dB", ".3f"),
    report.Column("synthetic", "learnt from synthetic pairs, dB", ".3f"),
    report.Column("pgap", "PGap, dB", ".3f"),
)
CONTENT_COLUMNS = (
    report.Column("content_mmd", "MMD of contents, clean against noisy", ".4f", 0),
    report.Column("content_mmd_floor", "clean against clean", ".4f"),
)
_GROUP, _PATCHES = report.Column("group", "configuration"), report.Column("patches", "patches", "d")
_RUN = report.Column("run", "run")
_ENLARGED = ("noisy input", "noisy input enlarged by bicubic interpolation")

NOISE_TEXT = (
    "For every test pair the noise model is given the clean image and the conditions it reads off "
    "the pair (or, where the row's name says so, one camera configuration for all, or one at "
    "random for each patch), and draws one image, clipped to [0, 1] and, except for AKLD and "
    "NAFlow's KLD, rounded to 8 bits like the real one. Noise is noisy minus clean on the [0, 1] "
    "scale.",
    "AKLD compares local variances (independent draws of the same white noise stand at about "
    "0.043, not at 0); the three KLDs are different quantities in nats: of grey image values, and "
    "of noise in 256 and in 64 bins. These are means over patches. The spatial correlation error "
    "is the RMS difference of the pooled noise correlation at offsets up to 6 pixels, the centre "
    "left out; the correlation of the colours is that of two channels' differences of neighbouring "
    "pixels, mean of the three. The variance-against-intensity error is the summed absolute "
    "difference of the noise variances in 16 bins of the clean value of each channel, weighted by "
    "pixels, over the summed real variance.",
)
RESTORER_TEXT = (
    "Restored images are clipped and rounded to 8 bits; figures are means over patches. The 2-D "
    "SSIM is KAIR's, DANet's and NAFlow's, the 3-D one that of the SIDD server, NAFNet and MIRNet: "
    "papers mix the two.",
)
PGAP_TEXT = (
    "PGap is the PSNR of the restorer trained on real pairs minus that of the one trained on "
    "synthetic pairs by the same recipe, on the same patches; smaller is better.",
)

CONTENT_TEXT = (
    "The maximum mean discrepancy between ten contents that the model infers from a clean image "
    "and ten from its noisy version, mean over patches: 0 to 10, and where the domains' difference "
    "is hidden from the content no more than between two sets of ten from the clean image. "
    "Compare the order of models, not the values with a paper's.",
)


def of_noise(results: Sequence[noise.Result], title: str = "Noise models") -> report.Section:
    """The section of noise models on one store: tables by run and by configuration, pictures."""
    return report.Section(
        title, (*NOISE_TEXT, _costs(results), _what(results)),
        tables(results, NOISE_COLUMNS, COST_COLUMNS),
        [pictures.noise_crops(results), pictures.correlation_maps(results),
         pictures.variance_curves(results)],
        {"results": [
            {"name": result.name, "about": result.about, "figures": result.rows,
             "cost": result.cost, "correlation": result.correlation,
             "variance": {side: curve._asdict() for side, curve in result.variance.items()}}
            for result in results
        ]},
    )


def of_restorers(
    results: Sequence[restoration.Result], title: str = "Restorers"
) -> report.Section:
    """The section of restorers on one store: tables by run and by configuration, crops."""
    columns = [_as_measured(column, results[0]) for column in RESTORER_COLUMNS
               if column.key in results[0].rows[patches.ALL]]
    return report.Section(
        title, (*RESTORER_TEXT, _what(results)), tables(results, columns),
        [pictures.restored_crops(results)],
        {"results": [
            {"name": result.name, "about": result.about, "figures": result.rows,
             "each": result.each}
            for result in results
        ]},
    )


def of_pgap(results: Sequence[pgap.Result], title: str = "PGap") -> report.Section:
    """The section of synthetic restorers against a real one: tables by run and by configuration."""
    real = results[0].real
    return report.Section(
        title, (*PGAP_TEXT, f"Learnt from real pairs: {real.name}."),
        tables(results, [_as_measured(column, results[0].real) for column in PGAP_COLUMNS]), (),
        {"pgap": {"real": real.about, "synthetic": [
            {"name": result.name, "about": result.synthetic.about, "figures": result.rows}
            for result in results
        ]}},
    )


def of_content(
    results: Sequence[content.Result], title: str = "Inferred content"
) -> report.Section:
    """The section of contents inferred from pairs: tables by run and by configuration."""
    return report.Section(
        title, (*CONTENT_TEXT, _what(results)), tables(results, CONTENT_COLUMNS), (),
        {"results": [{"name": result.name, "about": result.about, "figures": result.rows}
                     for result in results]},
    )


def _what(results: Sequence) -> str:
    """The sentence that says what was measured."""
    about = results[0].about
    return (
        f"Test store {about['store']} (fingerprint {about['fingerprint'][:16]}), "
        f"{len(about['indices'])} patches, seed {about['seed']}. Runs: "
        + ", ".join(f"{r.name} = {r.about['run']} at step {r.about['step']}" for r in results) + "."
    )


def _costs(results: Sequence[noise.Result]) -> str:
    """The sentences that say what parameters and speed are of."""
    timed = results[0].about["sampling"]
    height, width = timed["patch"]
    return (
        "Parameters in use are those that a sampled image depends on. Images a second count "
        "256x256 pixels as one image and sampling alone, with the trials of its strength that a "
        f"method may make, without compiling; timed in this run on patches of {height}x{width} "
        f"on {timed['device']}."
    )


def tables(
    results: Sequence, columns: Sequence[report.Column],
    cost_columns: Sequence[report.Column] = (),
) -> list[report.Table]:
    """A row for each run over all patches and, with several configurations, over their mean.

    Columns of a run's ``cost`` stand in the first table alone.
    """
    of_runs = (_RUN, _PATCHES, *columns)
    first = [{"run": result.name, **result.rows[patches.ALL],
              **(result.cost if cost_columns else {})} for result in results]
    tables = [report.Table(_capital(patches.ALL), (*of_runs, *cost_columns), first)]
    several = [result for result in results if patches.MEAN in result.rows]
    if several:
        mean = [{"run": result.name, **result.rows[patches.MEAN]} for result in several]
        tables.append(report.Table(_capital(patches.MEAN), of_runs, mean))
    plain = [column._replace(ideal=None) for column in columns]
    return tables + [
        report.Table(f"{result.name} by configuration", (_GROUP, _PATCHES, *plain),
                     _grouped(result.rows))
        for result in several
    ]


def _as_measured(column: report.Column, result: restoration.Result) -> report.Column:
    """The column of the noisy input says so where that was enlarged to be measured."""
    enlarged = result.about["scale"] != 1
    return column._replace(label=column.label.replace(*_ENLARGED)) if enlarged else column


def _grouped(rows: Mapping[str, patches.Row]) -> list[dict]:
    return [{"group": group, **row} for group, row in rows.items()]


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
