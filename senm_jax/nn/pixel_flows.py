"""The small flows of camera noise that came before NAFlow: Noise Flow and Flow-sRGB.

They map the noise of every pixel, noisy - clean, to as many standard normal numbers. Noise Flow:
A. Abdelhamed, M. A. Brubaker, M. S. Brown, "Noise Flow: Noise Modeling with Conditional
Normalizing Flows", ICCV 2019, in the form for sRGB images that later papers compare with.
Flow-sRGB: S. Kousha, A. Maleky, M. S. Brown, M. A. Brubaker, "Modeling sRGB Camera Noise with
Normalizing Flows", CVPR 2022. Both as the released code has them.

The bijectors here follow the contract of `nn.bijectors`; the features that they depend on are a
`camera_scaling.Given`. Those with batch normalisation have a field ``train``: then they use the
statistics of the batch they are given, rows depend on each other, and the density is not exactly
that of the flow with running statistics, which is the one to sample from and to judge by.
"""

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from senm_jax.nn import blocks, camera_scaling, initial, norm
from senm_jax.nn.bijectors import base, chain, invertible_conv

Given = camera_scaling.Given
Image = Float[Array, "_ _ _ _"]

COUPLING_RADIUS = 2
"""So far does a coupling look, in pixels."""


class ShiftAndLogScale(nn.Module):
    """What a coupling does to the channels it moves, from what it does not change.

    3x3 convolution, batch normalisation, ReLU, 1x1 convolution, batch normalisation, ReLU, and a
    3x3 convolution that starts at zero under a learnt gain; it has one channel more, which is 1
    beyond the image's border and 0 within. The log scale is ``bound tanh(.)``, both learnt.
    """

    train: bool
    width: int = 4

    @nn.compact
    def __call__(self, x: Image, channels: int) -> tuple[Image, Image]:
        """Shift and log scale of ``channels`` channels each."""
        h = x
        for name, size in (("first", 3), ("second", 1)):
            h = blocks.conv(
                h.shape[-1], self.width, size=size, name=name, dtype=jnp.float32,
                kernel_init=initial.normal(0.05 * self.width / 512), bias_init=blocks.zeros,
            )(h)
            h = nn.relu(norm.BatchNorm(name=f"{name}_norm")(h, train=self.train))
        last = blocks.conv(
            self.width + 1, 2 * channels, kernel_init=blocks.zeros, bias_init=blocks.zeros,
            name="last", dtype=jnp.float32,
        )
        # 1 beyond the border, where convolutions see 0, is 1 everywhere plus -1 within.
        out = last(jnp.concatenate([h, -jnp.ones_like(h[..., :1])], -1))
        out = out + jnp.sum(last.variables["params"]["kernel"][:, :, -1], (0, 1))
        out = out * jnp.exp(3 * self.param("log_gain", blocks.zeros, (2 * channels,), jnp.float32))
        bound = self.param("bound", nn.initializers.constant(1e-4), (), jnp.float32)
        return out[..., :channels], bound * jnp.tanh(out[..., channels:])


class AffineCoupling(nn.Module):
    """``v2 = u2 exp(log_scale) + shift`` of all but the first half of the channels, which is kept.

    Of an odd number of channels the smaller part is kept. A leaf gives
    ``coefficients(kept, channels, given)``: shift and log scale of the channels that are moved.
    """

    train: bool

    def forward(self, u: Image, features: Given) -> base.Result:
        """Towards the latent; ValueError for a single channel."""
        kept, moved = _parts(u)
        shift, log_scale = self.coefficients(kept, moved.shape[-1], features)
        v = jnp.concatenate([kept, moved * jnp.exp(log_scale) + shift], -1)
        return v, camera_scaling.total(log_scale, moved)

    def inverse(self, v: Image, features: Given) -> base.Result:
        """Towards the noise; ValueError for a single channel."""
        kept, moved = _parts(v)
        shift, log_scale = self.coefficients(kept, moved.shape[-1], features)
        u = jnp.concatenate([kept, (moved - shift) * jnp.exp(-log_scale)], -1)
        return u, -camera_scaling.total(log_scale, moved)


class NoiseCoupling(AffineCoupling):
    """Noise Flow's coupling: the kept channels alone decide."""

    @nn.compact
    def coefficients(self, kept: Image, channels: int, given: Given) -> tuple[Image, Image]:
        """Shift and log scale of the ``channels`` that are moved."""
        return ShiftAndLogScale(self.train, name="network")(kept, channels)


class ConditionalCoupling(AffineCoupling):
    """Flow-sRGB's coupling: the clean image decides too; a `Factor` multiplies the log scale."""

    settings: camera_scaling.CameraSettings

    @nn.compact
    def coefficients(self, kept: Image, channels: int, given: Given) -> tuple[Image, Image]:
        """Shift and log scale of the ``channels`` that are moved."""
        seen = jnp.concatenate([kept, given.clean], -1)
        shift, log_scale = ShiftAndLogScale(self.train, name="network")(seen, channels)
        factor = Factor(self.settings, self.train, name="factor")(given.configuration)
        return shift, log_scale * camera_scaling.by_row(factor)


class Factor(nn.Module):
    """One number for each row's configuration, by a residual network on its ISO and camera.

    Both as one-hot vectors; a linear layer to ``width``, ``depth`` blocks of twice batch
    normalisation (over the rows), ReLU and a linear layer, and a linear layer to one number.
    """

    settings: camera_scaling.CameraSettings
    train: bool
    width: int = 5
    depth: int = 3

    @nn.compact
    def __call__(self, configuration: Int[Array, "b"]) -> Float[Array, "b"]:
        """The factor; ValueError for a single row in training, which has no batch statistics."""
        cameras, isos = self.settings.counts()
        one_hot = [nn.one_hot(self.settings.iso(configuration), isos),
                   nn.one_hot(self.settings.camera(configuration), cameras)]
        h = _linear("first", isos + cameras, self.width)(jnp.concatenate(one_hot, -1))
        for block in range(self.depth):
            inner = h
            for place in ("first", "second"):
                name = f"block_{block}_{place}"
                inner = norm.BatchNorm(epsilon=1e-3, name=f"{name}_norm")(inner, train=self.train)
                small = initial.uniform(1e-3) if place == "second" else None
                inner = _linear(name, self.width, self.width, small)(nn.relu(inner))
            h = h + inner
        return _linear("last", self.width, 1)(h)[:, 0]


def noise_flow(
    settings: camera_scaling.CameraSettings, couplings: int, *, train: bool
) -> chain.Chain:
    """Noise Flow for sRGB: couplings, each behind a 1x1 convolution, a gain layer after the first
    half of them and a signal layer last.

    The release counts 2,330 parameters with 8 couplings, 5 cameras and 5 ISOs. Of those 96 lie in
    the masked triangles of LU factors and 10 are coefficients that the gain layer leaves unused;
    the 2,224 others are ours.
    """
    steps = [layer for _ in range(couplings)
             for layer in (invertible_conv.InvertibleConv(), NoiseCoupling(train))]
    half = couplings // 2 * 2
    gain, signal = camera_scaling.GainLayer(settings), camera_scaling.SignalLayer(settings)
    return chain.Chain([*steps[:half], gain, *steps[half:], signal])


def flow_srgb(
    settings: camera_scaling.CameraSettings, groups: int, *, train: bool
) -> chain.Chain:
    """Flow-sRGB: ``groups`` of a conditional linear map and two conditional couplings, each behind
    a 1x1 convolution.

    The release counts 6,160 parameters with 4 groups and its 25 configurations, 5 ISOs of each of
    5 cameras. Of those 96 lie in the masked triangles of LU factors; the 6,064 others are ours.
    """
    step = [invertible_conv.InvertibleConv, lambda: ConditionalCoupling(train, settings)]
    group = [lambda: camera_scaling.ConditionalLinear(len(settings.cameras)), *step, *step]
    return chain.Chain([make() for _ in range(groups) for make in group])


def _parts(x: Float[Array, "b h w c"]) -> tuple[Array, Array]:
    kept = x.shape[-1] // 2
    if not kept:
        raise ValueError("coupling: expected 2 channels or more, got 1")
    return x[..., :kept], x[..., kept:]


def _linear(name: str, inputs: int, outputs: int, start: initial.Initializer | None = None):
    """A linear layer with PyTorch's default start, or another."""
    return nn.Dense(
        outputs, kernel_init=start or blocks.uniform_fan_in,
        bias_init=start or blocks.bias_within(inputs), name=name,
    )
