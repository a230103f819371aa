"""A Gaussian blur followed by direct decimation: every ``scale``-th pixel is kept.

The super-resolution setting of MZSR (Soh et al. 2020) and of VDIR (Soh and Cho 2022, Section IV).
Both call the kernel's parameters widths; they are the eigenvalues of its covariance, variances in
squared pixels: with these, and not with standard deviations, Set5 gives the papers' bicubic rows.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from senm_jax.degradations import base, parameters
from senm_jax.ops import keys

RADIUS = 7
"""A kernel has 15 x 15 taps."""


def kernel(
    first: Float[Array, ""] | float, second: Float[Array, ""] | float,
    angle: Float[Array, ""] | float,
) -> Float[Array, "15 15"]:
    """The Gaussian of covariance R(angle) diag(first, second) R(-angle), at whole offsets.

    Columns are x, rows y; the taps add up to 1.
    """
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    y, x = jnp.mgrid[-RADIUS : RADIUS + 1, -RADIUS : RADIUS + 1].astype(jnp.float32)
    along, across = cos * x + sin * y, cos * y - sin * x
    taps = jnp.exp(-0.5 * (along**2 / first + across**2 / second))
    return taps / taps.sum()


def decimate(
    clean: Float[Array, "h w c"], taps: Float[Array, "k k"], scale: int
) -> Float[Array, "H W c"]:
    """The blurred image's pixels at rows and columns 0, scale, 2 scale ...; borders are mirrored
    with the edge repeated."""
    radius = taps.shape[0] // 2
    padded = jnp.pad(clean, ((radius, radius), (radius, radius), (0, 0)), mode="symmetric")
    planes = jax.lax.conv_general_dilated(
        padded.transpose(2, 0, 1)[..., None], taps[::-1, ::-1, None, None], (scale, scale),
        "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC"), precision=jax.lax.Precision.HIGHEST,
    )
    return planes[..., 0].transpose(1, 2, 0)


def draw_widths(key: Key[Array, ""], scale: int) -> dict[str, Float[Array, ""]]:
    """MZSR's draws: the first width from [1, 2.5 scale], the second from [1, the first], the angle
    from [0, pi], each uniform."""
    first = base.uniform(keys.named(key, "first"), (1.0, 2.5 * scale))
    second = 1 + (first - 1) * jax.random.uniform(keys.named(key, "second"))
    return {"first": first, "second": second,
            "angle": base.uniform(keys.named(key, "angle"), (0.0, jnp.pi))}


def make(of: parameters.Blur) -> base.Degradation:
    """The kernel is told, row by row."""

    def draw(key):
        if not of.widths:
            drawn = draw_widths(key, of.scale)
        else:
            drawn = {"first": of.widths[0], "second": of.widths[-1], "angle": of.angle}
        return {"kernel": kernel(**drawn)}

    return base.Degradation(
        draw=draw,
        degrade=lambda key, clean, drawn: decimate(clean, drawn["kernel"], of.scale),
        tell=lambda drawn: drawn["kernel"].reshape(-1),
        scale=of.scale,
    )
