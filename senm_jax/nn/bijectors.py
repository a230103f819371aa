"""Bijectors of images: maps with an inverse, and the log-determinant of each direction.

``forward`` runs from data to base noise, ``inverse`` back. Both take an image [b, h, w, c] and the
features [b, h, w, f] that the map depends on (or a tuple of what it depends on), which
unconditional maps ignore, and give the result and the log|det| of its Jacobian in nats, one float32
number a row. Networks inside couplings compute in their own type; all else is float32.

The forms are those of D. Kim et al., "sRGB Real Noise Modeling via Noise-Aware Sampling with
Normalizing Flows", ICLR 2024, as released: an affine map divides on the way to the latent, so that
the way back to an image can only contract.
"""

from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from senm_jax.nn import blocks, initial
from senm_jax.ops import pixels

Result = tuple[Float[Array, "_ _ _ _"], Float[Array, "_"]]
"""The image on the other side and the log-determinant of each row."""
Features = Float[Array, "_ _ _ _"] | tuple | None

EXACT = jax.lax.Precision.HIGHEST
"""Of the products that are undone later: a round trip is as good as they are."""


class Squeeze(nn.Module):
    """Each 2x2 cell's pixels as channels, in the order of `pixels.unshuffle`; log-det 0."""

    def forward(self, u: Float[Array, "b h w c"], features: Features = None) -> Result:
        """Half the height and width; ValueError unless both are even."""
        if u.shape[1] % 2 or u.shape[2] % 2:
            raise ValueError(
                f"squeeze: expected an even height and width, got {u.shape[1]}x{u.shape[2]}"
            )
        return pixels.unshuffle(u, 2), jnp.zeros(u.shape[0])

    def inverse(self, v: Float[Array, "b h w c"], features: Features = None) -> Result:
        """Twice the height and width; ValueError unless 4 divides the channels."""
        if v.shape[-1] % 4:
            raise ValueError(f"squeeze: expected channels by fours, got {v.shape[-1]}")
        return pixels.shuffle(v, 2), jnp.zeros(v.shape[0])


class ActNorm(nn.Module):
    """``v = (u + bias) * exp(log_scale)`` by channel; log-det ``h w sum(log_scale)``.

    Initialised so that the first batch it sees leaves it with mean 0 and deviation 1 in every
    channel: variables are to be made by ``forward`` on data.
    """

    @nn.compact
    def coefficients(
        self, u: Float[Array, "b h w c"]
    ) -> tuple[Float[Array, "c"], Float[Array, "c"]]:
        """Bias and log scale; from ``u`` where they are not there yet."""
        axes = (0, 1, 2)
        bias = self.param("bias", lambda key: -jnp.mean(u, axes))

        def log_scale(key):
            deviation = jnp.sqrt(jnp.mean(jnp.square(u + bias), axes))
            return -jnp.log(deviation + 1e-6)  # a constant channel has deviation 0

        return bias, self.param("log_scale", log_scale)

    def forward(self, u: Float[Array, "b h w c"], features: Features = None) -> Result:
        """Towards the latent."""
        bias, log_scale = self.coefficients(u)
        return (u + bias) * jnp.exp(log_scale), _everywhere(jnp.sum(log_scale), u)

    def inverse(self, v: Float[Array, "b h w c"], features: Features = None) -> Result:
        """Towards the image."""
        bias, log_scale = self.coefficients(v)
        return v * jnp.exp(-log_scale) - bias, -_everywhere(jnp.sum(log_scale), v)


class InvertibleConv(nn.Module):
    """``v = W u`` at every pixel, W kept as its LU factors (see `initial.rotation`).

    ``W = P L (U + diag(sign exp(s)))``; log-det ``h w sum(s)``. The permutation and the signs are
    drawn once, with a random rotation, and are no parameters: they lie in ``statistics``.
    """

    @nn.compact
    def factors(self, channels: int) -> tuple[Array, Array, Array, Float[Array, "c"]]:
        """Lower and upper factor [c, c], the order of rows, and s."""
        drawn = {}

        def draw(key):
            drawn["lu"], drawn["order"], drawn["sign"] = initial.rotation(key, channels)
            return drawn["lu"]

        lu = self.param("lu", draw)
        order = self.variable("statistics", "order", lambda: drawn["order"]).value
        sign = self.variable("statistics", "sign", lambda: drawn["sign"]).value
        log_diagonal = jnp.diagonal(lu)
        lower = jnp.tril(lu, -1) + jnp.eye(channels)
        upper = jnp.triu(lu, 1) + jnp.diag(sign * jnp.exp(log_diagonal))
        return lower, upper, order, log_diagonal

    def forward(self, u: Float[Array, "b h w c"], features: Features = None) -> Result:
        """Towards the latent."""
        lower, upper, order, log_diagonal = self.factors(u.shape[-1])
        weight = jnp.matmul(lower, upper, precision=EXACT)[order]
        v = jnp.einsum("bhwi,oi->bhwo", u, weight, precision=EXACT)
        return v, _everywhere(jnp.sum(log_diagonal), u)

    def inverse(self, v: Float[Array, "b h w c"], features: Features = None) -> Result:
        """Towards the image."""
        lower, upper, order, log_diagonal = self.factors(v.shape[-1])
        unordered = jnp.eye(v.shape[-1])[order].T
        half = jax.scipy.linalg.solve_triangular(
            lower, unordered, lower=True, unit_diagonal=True
        )
        weight = jax.scipy.linalg.solve_triangular(upper, half)
        u = jnp.einsum("bhwi,oi->bhwo", v, weight, precision=EXACT)
        return u, -_everywhere(jnp.sum(log_diagonal), v)


class Coefficients(nn.Module):
    """Shift and scale of an affine map, from what does not change under it.

    1x1 convolution, ActNorm, ReLU, a residual block (3x3, ReLU, 1x1, ActNorm), and a 1x1
    convolution that starts at zero under a learnt gain; the scale is sigmoid(. + 2) + ``floor``,
    about 0.88 at first. Looks one pixel far.
    """

    hidden: int
    floor: float
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(
        self, x: Float[Array, "b h w i"], channels: int
    ) -> tuple[Float[Array, "b h w o"], Float[Array, "b h w o"]]:
        """Shift and scale of ``channels`` channels each, float32."""
        hidden, dtype = self.hidden, self.dtype
        h = nn.relu(normed_conv("first", x, hidden, 1, dtype))
        inner = nn.relu(blocks.conv(hidden, hidden, name="wide", dtype=dtype)(h))
        h = h + normed_conv("second", inner, hidden, 1, dtype)
        return shift_and_scale(zero_conv(self, h, 2 * channels, 1, dtype), self.floor)


def normed_conv(
    name: str, x: Float[Array, "b h w i"], features: int, size: int, dtype: Any
) -> Float[Array, "b h w o"]:
    """A convolution that starts normal with deviation 0.05, then ActNorm; float32.

    For the compact method of a module, under which their parameters lie.
    """
    conv = blocks.conv(
        x.shape[-1], features, size=size, bias=False, kernel_init=initial.normal(0.05), name=name,
        dtype=dtype,
    )
    return ActNorm(name=f"{name}_norm").forward(conv(x).astype(jnp.float32))[0]


def zero_conv(
    module: nn.Module, x: Float[Array, "b h w i"], features: int, size: int, dtype: Any
) -> Float[Array, "b h w o"]:
    """A convolution under a learnt gain, ``exp(3 log_gain)``, that starts at zero; float32.

    For the compact method of ``module``, under which their parameters lie.
    """
    out = blocks.conv(
        x.shape[-1], features, size=size, kernel_init=blocks.zeros, bias_init=blocks.zeros,
        name="last", dtype=dtype,
    )(x).astype(jnp.float32)
    return out * jnp.exp(3 * module.param("log_gain", blocks.zeros, (features,), jnp.float32))


def shift_and_scale(
    out: Float[Array, "b h w c2"], floor: float
) -> tuple[Float[Array, "b h w c"], Float[Array, "b h w c"]]:
    """Even channels, and sigmoid(odd channels + 2) + ``floor``."""
    return out[..., ::2], nn.sigmoid(out[..., 1::2] + 2) + floor


class Coupling(nn.Module):
    """``v2 = u2 / scale - shift`` of the second half, both from the first half and the features."""

    hidden: int
    floor: float = 0.001
    dtype: Any = jnp.float32
    kind: type[nn.Module] = Coefficients
    """Of the network: `Coefficients`, or what is built and called like it."""

    def setup(self):
        self.network = self.kind(self.hidden, self.floor, self.dtype)

    def forward(self, u: Float[Array, "b h w c"], features: Features = None) -> Result:
        """Towards the latent; ValueError for an odd number of channels."""
        kept, moved = _halves(u)
        shift, scale = self._coefficients(kept, features)
        moved, log_det = _divide(moved, shift, scale)
        return jnp.concatenate([kept, moved], -1), log_det

    def inverse(self, v: Float[Array, "b h w c"], features: Features = None) -> Result:
        """Towards the image; ValueError for an odd number of channels."""
        kept, moved = _halves(v)
        shift, scale = self._coefficients(kept, features)
        moved, log_det = _multiply(moved, shift, scale)
        return jnp.concatenate([kept, moved], -1), log_det

    def _coefficients(self, kept, features):
        given = kept if features is None else jnp.concatenate([kept, features], -1)
        return self.network(given, kept.shape[-1])


class Injector(nn.Module):
    """``v = u / scale - shift`` of all channels, both from the features alone."""

    hidden: int
    floor: float = 0.001
    dtype: Any = jnp.float32
    kind: type[nn.Module] = Coefficients
    """Of the network: `Coefficients`, or what is built and called like it."""

    def setup(self):
        self.network = self.kind(self.hidden, self.floor, self.dtype)

    def forward(self, u: Float[Array, "b h w c"], features: Float[Array, "b h w f"]) -> Result:
        """Towards the latent."""
        return _divide(u, *self.network(features, u.shape[-1]))

    def inverse(self, v: Float[Array, "b h w c"], features: Float[Array, "b h w f"]) -> Result:
        """Towards the image."""
        return _multiply(v, *self.network(features, v.shape[-1]))


class Chain(nn.Module):
    """Bijectors one after another: ``forward`` applies the first one first."""

    layers: Sequence[nn.Module]

    def forward(self, u: Float[Array, "b h w c"], features: Features = None) -> Result:
        """Towards the latent."""
        log_det = jnp.zeros(u.shape[0])
        for layer in self.layers:
            u, more = layer.forward(u, features)
            log_det += more
        return u, log_det

    def inverse(self, v: Float[Array, "b h w c"], features: Features = None) -> Result:
        """Towards the image."""
        log_det = jnp.zeros(v.shape[0])
        for layer in reversed(self.layers):
            v, more = layer.inverse(v, features)
            log_det += more
        return v, log_det


class Repeat(nn.Module):
    """A bijector so many times in a row, each with parameters of its own, compiled once.

    Parameters are stacked along a new first axis.
    """

    layer: nn.Module
    length: int

    def forward(self, u: Float[Array, "b h w c"], features: Features = None) -> Result:
        """Towards the latent."""
        return self._run("forward", u, features)

    def inverse(self, v: Float[Array, "b h w c"], features: Features = None) -> Result:
        """Towards the image."""
        return self._run("inverse", v, features)

    def _run(self, direction, u, features):
        def step(layer, carry, features):
            u, log_det = carry
            u, more = getattr(layer, direction)(u, features)
            return (u, log_det + more), None

        run = nn.scan(
            step, variable_axes={"params": 0, "statistics": 0}, split_rngs={"params": True},
            in_axes=nn.broadcast, length=self.length, reverse=direction == "inverse",
        )
        return run(self.layer, (u, jnp.zeros(u.shape[0])), features)[0]


def _everywhere(log_det: Float[Array, ""], x: Float[Array, "b h w c"]) -> Float[Array, "b"]:
    """The log-determinant of one pixel, counted at every pixel of each row."""
    return jnp.full(x.shape[0], x.shape[1] * x.shape[2] * log_det)


def _halves(x):
    if x.shape[-1] % 2:
        raise ValueError(f"coupling: expected an even number of channels, got {x.shape[-1]}")
    return jnp.split(x, 2, -1)


def _divide(u, shift, scale):
    return u / scale - shift, -jnp.sum(jnp.log(scale), (1, 2, 3))


def _multiply(v, shift, scale):
    return (v + shift) * scale, jnp.sum(jnp.log(scale), (1, 2, 3))
