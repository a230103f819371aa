"""A method is a record of pure functions; the train step and the tools know nothing else of it."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax

Tree = Any
Variables = Mapping[str, Mapping[str, Tree]]
"""``{player: {"params": tree, "statistics": tree}}``."""


class Context(NamedTuple):
    """What a player's loss may read besides the parameters it is differentiated by."""

    variables: Variables
    """Every player's variables as they stand; earlier players' are already updated."""
    batch: Mapping[str, Mapping[str, jax.Array]]
    """Grouped by domain: ``paired`` (clean, noisy), ``source`` (clean), ``target`` (noisy)."""
    key: jax.Array
    """This step's and this player's key."""
    step: jax.Array
    """The number of this step, int32; the first is 1."""
    handed: Mapping[str, Any]
    """What the players before this one in the same step handed on."""


class Outcome(NamedTuple):
    """What a loss returns beside its value."""

    metrics: Mapping[str, jax.Array]
    """Scalars by name, the terms of the loss first and in its order."""
    statistics: Tree = {}
    """This player's updated running statistics."""
    handed: Mapping[str, Any] = {}
    """What the players after this one need; no forward pass runs twice."""
    moved: Mapping[str, Tree] = {}
    """Updated running statistics of other players, whose networks this loss ran."""


class Reach(NamedTuple):
    """What tiling must know of a network."""

    multiple: int
    """Image height and width must be multiples of this."""
    radius: int
    """An output pixel depends on no input pixel (and no draw) further away than this."""
    scale: int = 1
    """Output size over input size."""
    any_size: bool = False
    """Whether the network has a rule of its own for images whose sizes are no multiples: they are
    given to it as they are, and only tiles keep to multiples."""


def whole_cells(reach: Reach | None, size: tuple[int, int]) -> tuple[int, int]:
    """The largest height and width within ``size`` that the network takes; sides too short stay."""
    multiple = reach.multiple if reach else 1
    height, width = (side // multiple * multiple or side for side in size)
    return height, width


def pair_scale(method: "Method") -> int:
    """Clean size over noisy of the pairs that a method learns from: a restorer's own scale."""
    return 1 if method.restore_reach is None else method.restore_reach.scale


class Judgement(NamedTuple):
    """How well each of a method's configurations explains each row's noisy image."""

    bits: jax.Array
    """[b, n] what the 8-bit image, given the clean one, costs to tell: bits per pixel and channel.
    """
    log_odds: jax.Array
    """[b, n] log-likelihoods in nats but for a number of each row's own."""


class Method(NamedTuple):
    """Players, their losses, and what the trained method can do.

    ``init(key, batch) -> Variables``
    ``loss(player, params, context) -> (loss, Outcome)``
    ``sample(variables, clean, key, conditions, origin) -> noisy``  (noise models)
    ``restore(variables, noisy, key, origin) -> clean``  (whatever can restore)
    ``imitate(variables, clean, noisy) -> conditions``  under which `sample` draws noise like
    that of ``noisy``; ``clean`` is None where only the noisy image is known.
    ``judge(variables, clean, noisy) -> Judgement`` of an 8-bit noisy image by configuration.
    ``content(variables, domain, image, key) -> list of arrays [b, ...]``, one for each level: the
    content as training draws it from images of the domain ``source`` or ``target``; ``key`` is
    one for all.
    ``infer(variables, noisy) -> latent`` [b, h2, w2, k], the mean of what tells how ``noisy`` is
    degraded, and ``restore_with(variables, noisy, latent) -> clean`` under that of any image.

    ``clean`` and ``noisy`` are float32 [b, h, w, 3] in [0, 1]; ``key`` is one typed key per row,
    shape [b]; ``conditions`` maps each name of `conditions` to float32 [b]; ``origin`` is int32
    [b, 2], where in its image (row, column) each row's upper left pixel lies, so that draws
    belong to places of an image and not to a tiling of it.
    """

    players: tuple[str, ...]
    init: Callable
    loss: Callable
    sample: Callable | None = None
    restore: Callable | None = None
    imitate: Callable | None = None
    imitate_needs_clean: bool = False
    """Whether `imitate` must be given the clean image too."""
    judge: Callable | None = None
    configurations: tuple[str, ...] = ()
    """Names of the camera configurations that it tells apart. Its batches' ``configuration`` counts
    in them, and a noisy patch of another is refused. A config's field ``hyper.configurations`` that
    is empty becomes those of the training stores."""
    needs_levels: str = ""
    """Where its loss reads the ``level`` of pairs, so that stores whose pairs lack it are refused:
    what else can be done, for the message."""
    content: Callable | None = None
    infer: Callable | None = None
    restore_with: Callable | None = None
    conditions: Mapping[str, float] = {}
    """Name and default of every condition that `sample` takes."""
    strength: str | None = None
    """The condition that is the noise's standard deviation and is corrected on every image by
    trials at the other conditions' defaults (`inference.strength`); None where `sample` is given
    all conditions as they are."""
    ranges: Mapping[str, tuple[float, float]] = {}
    """(lowest, highest) of conditions that synthesis draws uniformly where it is told nothing."""
    sample_reach: Reach | None = None
    takes_level: bool = False
    """Whether `restore` removes noise of the one standard deviation ``hyper.level``, on the [0, 1]
    scale, which `runs.at_level` changes."""
    restore_reach: Reach | None = None
    """None where an output pixel depends on the whole image."""
