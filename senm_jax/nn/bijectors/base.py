"""What every bijector takes and gives."""

import jax.numpy as jnp
from jaxtyping import Array, Float

Result = tuple[Float[Array, "_ _ _ _"], Float[Array, "_"]]
"""The image on the other side and the log-determinant of each row."""
Features = Float[Array, "_ _ _ _"] | tuple | None


def everywhere(log_det: Float[Array, ""], x: Float[Array, "b h w c"]) -> Float[Array, "b"]:
    """The log-determinant of one pixel, counted at every pixel of each row."""
    return jnp.full(x.shape[0], x.shape[1] * x.shape[2] * log_det)
