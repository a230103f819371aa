"""CBDNet's camera: an image is taken back to light, photographed with noise, and developed again.

Guo et al. 2019, "Toward convolutional blind denoising of real photographs", in the form of its
released code, which VDIR (Soh and Cho 2022) takes for its real-noise model:

1. a response curve, a mosaic or none, and for each channel the noise levels are drawn;
2. light is what the curve's inverse makes of the image;
3. noise is added to it (`heteroscedastic`), not clipped;
4. a mosaic keeps one channel a pixel, in 16 bits, and is interpolated (`ops.bayer`), in 16 bits;
5. the result is clipped to [0, 1] and the curve applied.

The text of the paper has JPEG compression behind this; the code has none.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from senm_jax.degradations import base, heteroscedastic, jpeg, parameters, response_curves
from senm_jax.ops import bayer, keys

NO_MOSAIC = len(bayer.PATTERNS)
"""The pattern of an image that is taken in full colour."""
DEEP = 65535


def develop(
    light: Float[Array, "h w 3"], pattern: Int[Array, ""] | int
) -> Float[Array, "h w 3"]:
    """Step 4, and the clip of step 5: in [0, 1]; ``pattern``: of `bayer.PATTERNS`, or none.

    An image of one row or column, which no mosaic fits, is left in full colour.
    """
    clipped = jnp.clip(light, 0, 1)
    if min(light.shape[:2]) < 2:
        return clipped
    held = bayer.channels(jnp.minimum(pattern, NO_MOSAIC - 1), *light.shape[:2])
    raw = jnp.round(bayer.mosaic(clipped, held) * DEEP) / DEEP
    colours = jnp.clip(jnp.round(bayer.demosaic(raw, held) * DEEP) / DEEP, 0, 1)
    return jnp.where(pattern == NO_MOSAIC, clipped, colours)


def photograph(
    key: Key[Array, ""],
    clean: Float[Array, "h w 3"],
    drawn: dict[str, Array],
    bank: response_curves.Bank,
    law: str,
) -> Float[Array, "h w 3"]:
    """Steps 2 to 5, in [0, 1], not rounded.

    ``drawn``: ``curve``, a place in the bank of `response_curves`; ``pattern`` as in `develop`;
    ``signal`` and ``read``, a level for each channel.
    """
    light = response_curves.invert(clean, bank, drawn["curve"])
    noisy = heteroscedastic.add(key, light, drawn["signal"], drawn["read"], law)
    return response_curves.respond(develop(noisy, drawn["pattern"]), bank, drawn["curve"])


def make(of: parameters.CameraPipeline) -> base.Degradation:
    """Everything is drawn for each image; nothing is told. JPEG needs the host.

    Raises:
        ValueError: the file of curves is not one.
    """
    path = of.curves_file
    bank = response_curves.load(path) if path else response_curves.generate(of.curves)
    known = (*bayer.PATTERNS, "none")
    patterns = jnp.asarray([known.index(name) for name in of.patterns])

    def draw(key):
        drawn = heteroscedastic.draw(of, keys.named(key, "levels"))
        drawn["curve"] = jax.random.randint(keys.named(key, "curve"), (), 0, len(bank[0]))
        drawn["pattern"] = jax.random.choice(keys.named(key, "pattern"), patterns)
        if of.jpeg:
            drawn["quality"] = jax.random.randint(
                keys.named(key, "quality"), (), of.jpeg[0], of.jpeg[-1] + 1)
        return drawn

    def take(key, clean, drawn):
        return photograph(key, clean, drawn, bank, of.law)

    if not of.jpeg:
        return base.Degradation(draw, take)
    compiled = jax.jit(take)

    def take_and_compress(key, clean, drawn):
        taken = np.asarray(compiled(key, jnp.asarray(clean), drawn))
        return jpeg.apply(taken, int(drawn["quality"]), grey=False)

    return base.Degradation(draw, take_and_compress, on_host=True)
