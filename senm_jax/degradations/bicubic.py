"""Low resolution as MATLAB's imresize makes it: bicubic with antialiasing."""

from jaxtyping import Array, Float

from senm_jax.degradations import base, parameters
from senm_jax.ops import resize


def reduce(clean: Float[Array, "h w c"], scale: int) -> Float[Array, "H W c"]:
    """The image at 1 / ``scale`` of its size, which must be a multiple of it; not clipped."""
    return resize.bicubic(clean, 1 / scale)


def make(of: parameters.Bicubic) -> base.Degradation:
    """Nothing is drawn and nothing told."""
    return base.Degradation(
        draw=lambda key: {},
        degrade=lambda key, clean, drawn: reduce(clean, of.scale),
        scale=of.scale,
    )
