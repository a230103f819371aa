"""Clean images degraded on the host: crops for a batch, crops for validation, whole images."""

import hashlib
import pathlib
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float32, UInt8, UInt64

from senm_jax.data import draws
from senm_jax.degradations import kinds, parameters
from senm_jax.ops import keys


class Degraded(NamedTuple):
    """One image and what was made of it."""

    clean: Float32[np.ndarray, "H W 3"]
    """What is to be restored: the clean image cut to a multiple of the scale, or its luma."""
    noisy: Float32[np.ndarray, "h w 3"]
    told: Float32[np.ndarray, "k"]
    """What describes the degradation, see `degradations.base.Degradation.tell`."""


class Degrader:
    """A kind of degradation with its parameters, ready to be applied to images one by one.

    Each image is computed by itself and on the CPU, where JAX has that, so that its bits depend on
    nothing but the image and the draws.

    Attributes:
      about: kind and parameters as JSON values.
      scale: clean size over noisy.
      luma: whether images are three equal channels afterwards, the luma.
      level: standard deviation, on the [0, 1] scale, of white noise of one strength; else None.
    """

    def __init__(self, of: parameters.Parameters, per_batch: bool = False):
        """``per_batch``: the rows of a batch share their parameters.

        Raises:
            ValueError: a file that the parameters name cannot be used.
        """
        with _on_cpu():
            self._made = kinds.make(of)
        self._per_batch = per_batch
        self.about = parameters.about(of) | ({"per_batch": True} if per_batch else {})
        if curves := getattr(of, "curves_file", ""):
            self.about["curves"] = hashlib.sha256(pathlib.Path(curves).read_bytes()).hexdigest()
        self.scale, self.luma = self._made.scale, getattr(of, "luma", False)
        strengths = np.unique(getattr(of, "sigma_255", ()))
        self.level = strengths[0] / 255 if len(strengths) == 1 else None
        self._drawn = jax.jit(self._draw)
        self._compiled = jax.jit(self._degrade)

    def __call__(
        self, clean: Float32[np.ndarray, "H W 3"], bits: np.uint64,
        shared: np.uint64 | None = None,
    ) -> Degraded:
        """The image in [0, 1] degraded by draws that are a function of ``bits``; parameters are
        drawn by ``shared`` where it is given.

        Raises:
            ValueError: the image is smaller than the scale.
        """
        height, width = (side // self.scale * self.scale for side in clean.shape[:2])
        if not (height and width):
            raise ValueError(f"expected an image of at least {self.scale} pixels a side, got "
                             f"{clean.shape[0]} x {clean.shape[1]}")
        clean = np.ascontiguousarray(clean[:height, :width])
        with _on_cpu():
            drawn, told = self._drawn(_words(bits if shared is None else shared))
            if self._made.on_host:
                noisy = self._degrade(_words(bits), clean, drawn)
            else:
                noisy = self._compiled(_words(bits), clean, drawn)
            target = self._made.target(clean)
        return Degraded(np.asarray(target), np.asarray(noisy), np.asarray(told))

    def rows(
        self, clean: UInt8[np.ndarray, "n H W 3"], bits: UInt64[np.ndarray, "n"],
        shared: np.uint64 | None = None,
    ) -> dict[str, np.ndarray]:
        """The group ``paired`` of a batch, made of clean crops; ``shared`` is of the whole batch.

        ``clean`` uint8, ``noisy`` float32 neither clipped nor rounded (but where the degradation
        itself is), ``degradation`` float32 [n, k] if anything describes it, ``configuration`` -1,
        and ``level``, the standard deviation of noisy - clean, NaN where their sizes differ.
        """
        made = [self(image / np.float32(255), own, shared if self._per_batch else None)
                for image, own in zip(clean, bits, strict=True)]
        cleans, noisy, told = (np.stack(part) for part in zip(*made, strict=True))
        levels = np.full(len(made), np.nan, np.float32)
        if cleans.shape == noisy.shape:
            levels = (noisy - cleans).std(axis=(1, 2, 3), ddof=1)
        rows = {
            "clean": np.rint(cleans * 255).astype(np.uint8), "noisy": noisy,
            "configuration": np.full(len(made), -1, np.int32), "level": levels,
        }
        return rows | ({"degradation": told} if told.shape[1] else {})

    def _draw(self, words):
        drawn = self._made.draw(keys.named(jax.random.wrap_key_data(words), "parameters"))
        return drawn, self._made.tell(drawn).astype(jnp.float32)

    def _degrade(self, words, clean, drawn):
        key = keys.named(jax.random.wrap_key_data(words), "noise")
        return self._made.degrade(key, clean, drawn)


def bits(count: int, *names: str | int) -> UInt64[np.ndarray, "count"]:
    """What the draws of ``count`` images depend on, a function of the names alone."""
    return draws.raw(count, "degradation", *names)


def _words(bits: np.uint64) -> np.ndarray:
    """The 64 bits as data of a random key."""
    return np.array([int(bits) >> 32, int(bits) & 0xFFFFFFFF], np.uint32)


def _on_cpu():
    try:
        return jax.default_device(jax.local_devices(backend="cpu")[0])
    except RuntimeError:  # JAX_PLATFORMS leaves it out
        return jax.default_device(jax.local_devices()[0])
