"""Results of `classification` as a section of a report."""

from collections.abc import Sequence

from senm_jax.evaluation import classification, report, sections

COLUMNS = (
    report.Column("bpd", "bits per pixel and channel", ".4f", 0),
    report.Column("released_bits", "bits per pixel as NAFlow's release counts", ".4f"),
    report.Column("accuracy", "share told rightly", ".4f", 1),
)
TEXT = (
    "Every noisy patch is judged, given its clean one, under each camera configuration that the "
    "run knows; the likeliest is what it is told to be. Bits are what the 8-bit noisy patch costs "
    "under the configuration it has. NAFlow's release counts bits per pixel, and the "
    "dequantisation for one channel of three: three times the former, less 16.",
)


def of_configurations(
    results: Sequence[classification.Result], title: str = "Camera configurations"
) -> report.Section:
    """The section of methods that judge configurations: costs, and what was taken for what."""
    about = results[0].about
    what = (
        f"Test store {about['store']} (fingerprint {about['fingerprint'][:16]}), "
        f"{len(about['indices'])} patches."
    )
    left_out = [
        f"{result.name} does not know, and leaves out: "
        + ", ".join(f"{name} ({count})" for name, count in result.left_out.items()) + "."
        for result in results if result.left_out
    ]
    return report.Section(
        title, (*TEXT, what, *left_out),
        [*sections.tables(results, COLUMNS), *(_confusion(result) for result in results)], (),
        {"results": [
            {"name": result.name, "about": result.about, "figures": result.rows,
             "configurations": result.configurations, "confusion": result.confusion,
             "left_out": result.left_out}
            for result in results
        ]},
    )


def _confusion(result: classification.Result) -> report.Table:
    """Patches by true configuration, where there are any, and found one."""
    names = result.configurations
    rows = [
        {"true": name, **dict(zip(names, counts.tolist(), strict=True))}
        for name, counts in zip(names, result.confusion, strict=True)
        if counts.any()
    ]
    columns = [report.Column("true", "configuration")]
    columns += [report.Column(name, name, "d") for name in names]
    return report.Table(
        f"{result.name}: patches by configuration (row) and what they were told to be",
        columns, rows,
    )
