"""The conditions that each generated image is drawn under: fixed, ranges, or like real images.

An image's conditions are a function of the seed, its name and what it shows, so they depend
neither on the other images nor on what was made before.
"""

import math
import os
from collections.abc import Callable, Sequence

import numpy as np
import scipy.special

from senm_jax.data import draws
from senm_jax.data import store as store_
from senm_jax.inference import imitation, likeness

Read = Callable[[], likeness.Image]
Draw = Callable[[str, Read], dict[str, float]]
"""The conditions of the clean image of this name, which is read where they go with its content."""


def make(
    run, seed: int, level: str | None = None, temperature: str | None = None,
    pre_noise: str | None = None, configuration: str | None = None, heat: str | None = None,
) -> Draw:
    """How conditions are drawn.

    Args:
        run: the noise model's run; ``config.data.stores`` names what it was trained on.
        seed: of all draws.
        level: "A", "A:B" (uniform), "sidd" (the shot and read noise rule of `sidd_level`) or
            "like:STORE": that of one of the store's pairs, moved to what pairs of the image's
            texture have (see `likeness`), or where it has none that of one of its noisy patches.
            Of several training stores, those with pairs are taken where there are any.
        temperature: "A" or "A:B"; None is the method's own range, or its default.
        pre_noise: likewise.
        configuration: the name of one of the method's camera configurations, "random" (each
            image's own, all alike likely), or "like:STORE".
        heat: as ``temperature``.

    Where neither level nor configuration is given and the method takes one, it is like that of
    the run's training stores.

    Raises:
        ValueError: the method takes no such condition, or the words cannot be understood.
    """
    method = run.method
    plain = {"temperature": temperature, "pre_noise": pre_noise, "heat": heat}
    for name, asked in {"level": level, **plain}.items():
        if asked is not None and name not in method.conditions:
            raise ValueError(
                f"{_flag(name)}: this method takes {sorted(method.conditions) or 'no conditions'}"
            )
    if configuration is not None and not method.configurations:
        raise ValueError(
            f"--configuration: this method knows none, got {configuration!r}; leave it out"
        )
    parts = [lambda name, read: dict(method.conditions)]
    parts += [_uniformly(name, *ends, seed) for name, ends in method.ranges.items()]
    paths = _likened(run, level, configuration)
    if paths is not None:
        parts.append(_like(run, seed, paths))
    elif configuration is not None:
        parts.append(_named(method, configuration, seed))
    elif level == "sidd":
        parts.append(lambda name, read: {"level": sidd_level(*_uniform(2, seed, name, "level"))})
    elif level is not None:
        parts.append(_between("level", level, seed))
    parts += [_between(name, asked, seed)
              for name, asked in plain.items() if asked is not None]
    return lambda name, read: {
        key: value for part in parts for key, value in part(name, read).items()
    }


def fingerprints(run, level: str | None, configuration: str | None) -> list[str]:
    """Those of the stores that conditions are like, where they are like any."""
    return [_open(path).fingerprint for path in _likened(run, level, configuration) or ()]


def _likened(run, level: str | None, configuration: str | None) -> Sequence[str] | None:
    """The stores that conditions are like; None where they are told, or there are none."""
    chosen = level if configuration is None else configuration
    if chosen is None:
        like = "level" in run.method.conditions or run.method.configurations
        return run.config.data.stores if like else None
    return [chosen.removeprefix("like:")] if chosen.startswith("like:") else None


def _named(method, configuration: str, seed: int) -> Draw:
    known = method.configurations
    if known and configuration == "random":
        return lambda name, read: {
            known[int(_uniform(1, seed, name, "configuration")[0] * len(known))]: 1.0
        }
    if configuration not in known:
        raise ValueError(
            f"--configuration: this method knows {', '.join(known)}, got {configuration!r}"
        )
    return lambda name, read: {configuration: 1.0}


def sidd_level(first: float, second: float) -> float:
    """The level that a shot and read noise model gives two uniform numbers in (0, 1).

    log10 shot ~ U(log10 0.00068674, log10 0.02194856); log10 read = 1.85 log10 shot + 0.30 +
    N(0, 0.20^2); level = sqrt(shot + read), about 0.026 to 0.16: SeNM-VAE's rule for SIDD.
    """
    low, high = math.log10(0.00068674), math.log10(0.02194856)
    log_shot = low + (high - low) * first
    log_read = 1.85 * log_shot + 0.30 + 0.20 * float(scipy.special.ndtri(second))
    return math.sqrt(10**log_shot + 10**log_read)


def _like(run, seed: int, paths: Sequence[str | os.PathLike]) -> Draw:
    if not paths:
        option = "configuration" if run.method.configurations else "level"
        raise ValueError(
            f"--{option}: the run names no training stores to be like; give a {option}"
        )
    stores = [_open(path) for path in paths]
    stores = [store for store in stores if "paired" in store.domains] or stores
    examples = [each for store in stores for each in imitation.examples(run, store)]
    if "level" in run.method.conditions and "paired" in stores[0].domains:
        return _of_like_texture(examples, seed)
    return lambda name, read: _one(examples, seed, name).conditions


def _of_like_texture(pairs: Sequence[imitation.Example], seed: int) -> Draw:
    line = likeness.line(
        [each.conditions["level"] for each in pairs], [each.texture for each in pairs]
    )
    seen = {}

    def draw(name, read):
        if name not in seen:
            seen[name] = likeness.texture(read())
        pair = _one(pairs, seed, name)
        level = line.moved(pair.conditions["level"], pair.texture, seen[name])
        return pair.conditions | {"level": level}

    return draw


def _one(examples: Sequence[imitation.Example], seed: int, name: str) -> imitation.Example:
    return examples[int(_uniform(1, seed, name, "like")[0] * len(examples))]


def _open(path: str | os.PathLike) -> store_.Store:
    try:
        return store_.Store.open(path)
    except ValueError as error:
        raise ValueError(
            f"{error}; or say by --level or --configuration what to draw, as the method has it"
        ) from None


_MOST = {"level": 1.0, "pre_noise": 1.0}
"""Of the conditions that are standard deviations in [0, 1] units."""


def _between(condition: str, text: str, seed: int) -> Draw:
    """A number, or a range A:B that is drawn from uniformly."""
    most = _MOST.get(condition, math.inf)
    try:
        ends = [float(word) for word in text.split(":")]
    except ValueError:
        ends = []
    low, high = (ends * 2)[:2] if ends else (math.nan, math.nan)
    if len(ends) > 2 or not 0 <= low <= high <= most or math.isinf(high):
        known = ", 'sidd' or 'like:STORE'" if condition == "level" else ""
        raise ValueError(
            f"{_flag(condition)}: expected a number from 0 {'up' if most > 1 else 'to 1'} or a "
            f"range A:B{known}, got {text!r}"
        )
    return _uniformly(condition, low, high, seed)


def _uniformly(condition: str, low: float, high: float, seed: int) -> Draw:
    return lambda name, read: {
        condition: low + (high - low) * _uniform(1, seed, name, condition)[0]
    }


def _flag(condition: str) -> str:
    return f"--{condition.replace('_', '-')}"


def _uniform(count: int, seed: int, name: str, purpose: str) -> list[float]:
    """Uniform numbers in the open interval (0, 1), a function of the names alone."""
    bits = draws.raw(count, "conditions", seed, name, purpose)
    return [(int(each >> np.uint64(12)) + 0.5) * 2.0**-52 for each in bits]
