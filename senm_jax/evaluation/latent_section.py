"""Results of `latent` as a section of a report."""

import colorsys
import html
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, UInt8

from senm_jax.evaluation import latent, report

CASES = tuple(report.Column(case, f"latent of {case}, dB", ".3f", np.inf) for case in latent.SWAPS)
NEAREST = report.Column("nearest", "nearest of the same kind", ".3f", 1)
SWAP_TEXT = (
    f"Clean crops with white noise of sigma {latent.SIGMA_255} are restored under the mean of the "
    "latent inferred from themselves, from themselves flipped, and from the clean crop with noise "
    f"of sigma {latent.SWAPS['weaker noise'][1]} and {latent.SWAPS['stronger noise'][1]}: PSNR of "
    "R, G and B in 8 bits, mean over crops. A latent that tells the noise alone loses little by "
    "the flip and much by another level.",
)
MAP_TEXT = (
    "Each point of the map is the mean over places of one crop's latent, placed by t-SNE "
    f"(perplexity {latent.PERPLEXITY:g}, or a third of the points). The last column is the share "
    "of points whose nearest other point, by the latent itself, is of the same kind (one sigma, or "
    "one store).",
)
_SIZE, _THUMBNAIL, _THUMBNAILS, _CELL = 520, 28, 150, 4


def of_latents(results: Sequence[latent.Result], title: str = "Latent") -> report.Section:
    """The section of runs' latents: PSNR under others' latents, crops, and the maps."""
    swapped = [result for result in results if result.psnr]
    columns = (report.Column("run", "run"), *(CASES if swapped else ()), NEAREST)
    rows = [{"run": result.name, **result.psnr, "nearest": result.map.nearest}
            for result in results]
    about = results[0].about
    stores = ", ".join([about["store"], *about["beside"]])
    what = f"Crops of {stores}; {len(results[0].map.labels)} points, seed {about['seed']}."
    return report.Section(
        title, (*(SWAP_TEXT if swapped else ()), *MAP_TEXT, what),
        [report.Table("", columns, rows)],
        [*(_swaps(result) for result in swapped), *(_map(result) for result in results)],
        {"results": [
            {"name": result.name, "about": result.about, "psnr": result.psnr,
             "labels": result.map.labels, "latents": result.map.latents,
             "places": result.map.places}
            for result in results
        ]},
    )


def _swaps(result: latent.Result) -> report.Figure:
    """Two lines a crop: what was restored, and below each the latent's channels."""
    rows = []
    for swap in result.swaps:
        channels = np.concatenate([np.moveaxis(swap.latents[case], -1, 0) for case in latent.SWAPS])
        least, most = float(channels.min()), float(channels.max())
        rows.append([report.picture(image, 2)
                     for image in (swap.clean, swap.noisy, *swap.restored.values())])
        rows.append(["", "latent", *(
            "".join(report.picture(_grey(channel, least, most), _CELL)
                    for channel in np.moveaxis(swap.latents[case], -1, 0))
            for case in swap.restored
        )])
    return report.Figure(
        f"{result.name}: crops, each pixel shown as four, and below the latents' channels, all of "
        "a crop from black at their least to white at their largest.",
        ("clean", "noisy", *result.swaps[0].restored), rows,
    )


def _grey(
    channel: Float[np.ndarray, "h w"], least: float, most: float
) -> UInt8[np.ndarray, "h w 3"]:
    value = (channel - least) / max(most - least, 1e-12)
    return np.rint(255 * np.repeat(value[..., None], 3, -1)).astype(np.uint8)


def _map(result: latent.Result) -> report.Figure:
    """The points by colour, and some of the crops where their points are."""
    kinds = list(dict.fromkeys(sorted(result.map.labels, key=_natural)))
    colours = {kind: _colour(i / max(len(kinds) - 1, 1)) for i, kind in enumerate(kinds)}
    low, high = result.map.places.min(0), result.map.places.max(0)
    at = 20 + (_SIZE - 40) * (result.map.places - low) / np.maximum(high - low, 1e-12)
    points = [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colours[label]}">'
              f"<title>{html.escape(label)}</title></circle>"
              for (x, y), label in zip(at, result.map.labels, strict=True)]
    for i, kind in enumerate(kinds):
        points.append(f'<text x="6" y="{16 + 15 * i}" fill="{colours[kind]}">'
                      f"{html.escape(kind)}</text>")
    half = _THUMBNAIL / 2
    crops = [f'<image x="{at[i, 0] - half:.1f}" y="{at[i, 1] - half:.1f}" width="{_THUMBNAIL}"'
             f' height="{_THUMBNAIL}" href="{report.data(_reduced(result.map.crops[i]))}"/>'
             for i in range(0, len(at), -(-len(at) // _THUMBNAILS))]
    return report.Figure(
        f"{result.name}: the latents of {len(at)} crops by t-SNE.", ("by kind", "crops"),
        [[_svg(points), _svg(crops)]],
    )


def _svg(parts: Sequence[str]) -> str:
    return (f'<svg width="{_SIZE}" height="{_SIZE}" style="font:12px sans-serif">'
            f'<rect width="100%" height="100%" fill="#f8f8f8"/>{"".join(parts)}</svg>')


def _reduced(crop: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "s t 3"]:
    """Every pixel that a thumbnail has room for."""
    step = -(-max(crop.shape[:2]) // _THUMBNAIL)
    return crop[::step, ::step]


def _natural(label: str) -> tuple:
    """Orders ``sigma 5`` before ``sigma 10``."""
    return tuple(int(word) if word.isdigit() else 0 for word in label.split()), label


def _colour(share: float) -> str:
    """From blue at 0 to red at 1."""
    red, green, blue = colorsys.hsv_to_rgb(0.67 * (1 - share), 0.9, 0.8)
    return f"#{round(255 * red):02x}{round(255 * green):02x}{round(255 * blue):02x}"
