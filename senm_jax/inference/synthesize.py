"""Training pairs from clean images: a noise model applied to all of them, written as it goes.

What is made of an image is a function of the run, the seed, the image and its name (see
`cleans.Clean`), not of the other images. Killed and called again in the same way, it goes on and
ends with the same bytes.

For super-resolution the clean images are first reduced by a scale (`cleans.reduced`), and what the
noise model makes of the small images is paired with the large ones.
"""

import dataclasses
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tqdm
from jaxtyping import Float, Float32, UInt8

import senm_jax
from senm_jax.data import compare, images, writing
from senm_jax.data import store as store_
from senm_jax.inference import apply, cleans, conditions, results, stream, tiles
from senm_jax.training import runs

MANIFEST = "synthesis.json"


@dataclasses.dataclass(frozen=True)
class Options:
    """How noisy images are drawn."""

    seed: int = 0
    level: str | None = None
    """See `conditions.make`."""
    temperature: str | None = None
    pre_noise: str | None = None
    configuration: str | None = None
    match_mean: bool = False
    """Whether each noisy image's channel means are shifted to those of its clean image."""
    tile: int | None = None
    batch: int | None = None
    """Tiles computed together."""
    heat: str | None = None
    """See `conditions.make`."""
    scale: int = 1
    """Clean size over noisy."""


def to_store(
    run: runs.Run, clean: str | os.PathLike, out: str | os.PathLike, options: Options,
    per_image: int | None = None, patch: int = 256,
) -> stream.Summary:
    """Makes the store ``out`` of pairs; every record holds how it was drawn, and its level where
    both sides are of one size.

    Args:
        run: a noise model's.
        clean: a patch store, whose source and paired clean patches are taken, or a folder of
            images or one image, which patches are cut from.
        out: the store's folder, which must not exist.
        options: how noisy images are drawn.
        per_image: noisy versions of each patch of a store (None: 1), or patches cut from each
            image (None: as many as cover it, at most 32).
        patch: side of (clean) patches cut from images, pixels.

    Raises:
        ValueError: the run is no noise model, the conditions are not its own, nothing is clean,
            the patches cannot be reduced by the scale, or ``out`` exists.
    """
    out, problems, scale = Path(out), [], options.scale
    apply.require(run, "sample")
    if cleans.is_store(clean):
        source = store_.Store.open(clean)
        size, sources = source.patch, cleans.of_store(source, per_image or 1, scale)
        about = {"clean": _absolute(clean), "fingerprint": source.fingerprint}
    else:
        size = (patch, patch)
        sources = cleans.of_image_patches(
            clean, patch, per_image, options.seed, out.absolute(), problems, scale
        )
        inputs = [each.digest for each in cleans.inputs(clean, sources)]
        about = {"clean": _absolute(clean), "names": _names(sources), "inputs": _hash(inputs)}
    if not sources:
        raise ValueError(_none(clean, problems))
    draw = _conditions(run, options)
    origin = {"digest": runs.digests(run.variables)["total"], "method": run.config.method,
              "seed": options.seed}
    plan = apply.layout(run, "sample", [each.size for each in sources], options.tile, options.batch)
    liked = conditions.fingerprints(run, options.level, options.configuration)
    about |= _about(run, options) | ({"like": liked} if liked else {})
    with writing.Writer(out, patch=size, about=about, resume=True, scale=scale) as writer:
        done = [record["origin"]["name"] for record in writer.records("paired")]
        first, made = [each.name for each in sources].index(done[-1]) + 1 if done else 0, 0
        # What the call before has gone past without making it, it could not read.
        problems += cleans.faults(sources[:first], but=set(done))
        for each, target, noisy, drawn in _generate(
            run, sources, lambda i: i >= first, draw, options, plan, problems
        ):
            writer.add(
                "paired", clean=target, noisy=images.quantise(noisy, 8),
                level=drawn.get("level") if scale == 1 else None, source=each.source,
                position=each.position, origin={**origin, "name": each.name, "conditions": drawn},
            )
            made += 1
        if not made + len(done):
            raise ValueError(_none(clean, problems))
    return stream.Summary(made, len(done), tuple(problems))


def to_images(
    run: runs.Run, clean: str | os.PathLike, out: str | os.PathLike, options: Options,
    per_image: int | None = None,
) -> stream.Summary:
    """Writes 8-bit PNG images to ``out/noisy``, named as the clean ones, and ``synthesis.json``.

    ``clean`` is as in `to_store`, images taken whole; of a store's patches the clean ones are
    written too, to ``out/clean``, and so are images, cut to multiples of the scale, where that is
    above 1. With ``per_image`` above 1 names end in the version's number.
    Images there already are kept where what they are made of is what it was (`results.claim`).

    Raises:
        ValueError: as `to_store`; or ``out`` holds what another call made, or a file of a result's
            name.
    """
    out, problems, versions, scale = Path(out), [], per_image or 1, options.scale
    apply.require(run, "sample")
    if out.resolve() == Path(clean).resolve():
        raise ValueError(f"{out}: holds the clean images; take another folder")
    if cleans.is_store(clean):
        sources = cleans.of_store(store_.Store.open(clean), versions, scale)
        names = [each.name.split(" #")[0].replace(" ", "_") for each in sources]
    else:
        sources = cleans.of_images(clean, versions, out.absolute(), problems, scale)
        names = _stems([each.source for each in sources])
    if not sources:
        raise ValueError(_none(clean, problems))
    draw = _conditions(run, options)
    if versions > 1:
        names = [f"{name}.{i % versions}" for i, name in enumerate(names)]
    targets = [out / "noisy" / f"{name}.png" for name in names]
    brings_clean = scale != 1 or cleans.is_store(clean)
    about = _about(run, options) | {"clean": _absolute(clean), "names": _names(sources)}
    drawn = [_drawn(draw, each) for each in tqdm.tqdm(
        sources, desc="drawing conditions", unit="image", delay=1)]
    inputs = [each._replace(digest=_hash([each.digest, conditions_]))
              for each, conditions_ in zip(cleans.inputs(clean, sources), drawn, strict=True)]
    made_of = dict(zip(targets, inputs, strict=True))
    if brings_clean:
        made_of |= {_clean_of(target, out): each for target, each in made_of.items()}
    results.claim(out / MANIFEST, about, made_of, conditions=dict(zip(names, drawn, strict=True)))
    plan = apply.layout(run, "sample", [each.size for each in sources], options.tile, options.batch)
    missing = [not target.exists() for target in targets]
    made = 0
    place = {each.name: i for i, each in enumerate(sources)}
    for each, clean_pixels, noisy, _ in _generate(
        run, sources, missing.__getitem__, draw, options, plan, problems
    ):
        target = targets[place[each.name]]
        if brings_clean:
            _write(_clean_of(target, out), stream.to_float(clean_pixels))
        _write(target, noisy)
        made += 1
    return stream.Summary(made, len(missing) - sum(missing), tuple(problems))


def _generate(
    run: runs.Run, sources: Sequence[cleans.Clean], wanted, draw: conditions.Draw,
    options: Options, plan: tiles.Layout | None, problems: list[str],
) -> Iterator[tuple[cleans.Clean, np.ndarray, Float32[np.ndarray, "h w 3"], dict[str, float]]]:
    """(clean image, its target, its noisy version, the conditions) of each wanted source."""

    def drawn(i, view):
        return draw(sources[i].name, lambda: stream.to_float(view.source))

    def compute(numbers, views, tick):
        return apply.sample_all(
            run, [stream.to_float(each.source) for each in views],
            [apply.image_key(options.seed, sources[i].name) for i in numbers],
            [drawn(i, view) for i, view in zip(numbers, views, strict=True)], plan, tick,
        )

    with stream.precision(run):
        for i, view, noisy in stream.process(
            [each.size for each in sources], plan, wanted, lambda i: sources[i].read(), compute,
            problems, "synthesizing", lambda i: sources[i].name,
        ):
            if options.match_mean:
                noisy = compare.match_mean(noisy, stream.to_float(view.source))
            yield sources[i], view.target, noisy, drawn(i, view)


def _none(clean: str | os.PathLike, problems: Sequence[str]) -> str:
    return f"{clean}: no image can be used: " + "; ".join(problems[:5])


def _drawn(draw: conditions.Draw, each: cleans.Clean) -> dict[str, float] | None:
    """The conditions of a clean image; None where it cannot be read, which `_generate` reports."""
    try:
        return draw(each.name, lambda: stream.to_float(each.read().source))
    except (ValueError, OSError):
        return None


def _conditions(run: runs.Run, options: Options) -> conditions.Draw:
    return conditions.make(
        run, options.seed, options.level, options.temperature, options.pre_noise,
        options.configuration, options.heat,
    )


def _about(run: runs.Run, options: Options) -> dict[str, Any]:
    return {
        "made_by": "senm-jax synthesize", "version": senm_jax.__version__,
        "run": _absolute(run.path), "step": run.step, "method": run.config.method,
        "digest": runs.digests(run.variables)["total"], **dataclasses.asdict(options),
    }


def _names(sources: Sequence[cleans.Clean]) -> str:
    """A hash of the names of all images, by which a later call knows them again."""
    return _hash([[each.name, each.position] for each in sources])


def _absolute(path: str | os.PathLike) -> str:
    return str(Path(path).resolve())


def _clean_of(noisy: Path, out: Path) -> Path:
    return out / "clean" / noisy.relative_to(out / "noisy")


def _hash(content: Sequence) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _stems(names: Sequence[str]) -> list[str]:
    """Paths without their suffix; all of them with it where two would be the same."""
    stem = {name: str(Path(name).with_suffix("")) for name in dict.fromkeys(names)}
    apart = len(set(stem.values())) == len(stem)
    return [stem[name] if apart else name for name in names]


def _write(path: Path, pixels: Float[np.ndarray, "h w 3"]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    blank: UInt8[np.ndarray, "h w 3"] = np.zeros((1, 1, 3), np.uint8)
    images.write(path, images.Photo(blank, 8, None, False, None, None, str(path)), pixels)
