"""Camera response curves: the brightness a camera writes for the irradiance of its sensor.

A bank of curves is two arrays, ``irradiance`` and ``brightness`` [n, samples], both rising from 0
to 1 along each row. `generate` makes plausible ones by formula; measured ones, such as Grossberg
and Nayar's 201 (2004, "Modeling the space of camera response functions"), go in their place as an
.npz file with these two arrays.
"""

import os
import zipfile

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float32, Int

Bank = tuple[Float32[np.ndarray, "n s"], Float32[np.ndarray, "n s"]]
"""``(irradiance, brightness)``."""
SAMPLES = 1024
_STEPS = np.array([0.8191725134, 0.6710436067, 0.5497004779])
"""Powers of 1 / x where x^4 = x + 1: multiples of them, modulo 1, fill the unit cube evenly."""


def generate(count: int) -> Bank:
    """The bank of ``count`` curves, the same for every caller.

    A power u = I^p, p from 1/3 to 1/1.2; then a mixture of u and the S-shaped 3 u^2 - 2 u^3, the
    latter's share up to 0.9; then a shoulder (1 - exp(-a u)) / (1 - exp(-a)), a from 0.01 to 2.
    """
    drawn = (0.5 + np.arange(1, count + 1)[:, None] * _STEPS) % 1
    power, share, bend = drawn.T[..., None]
    irradiance = np.broadcast_to(np.linspace(0, 1, SAMPLES), (count, SAMPLES))
    u = irradiance ** (1 / (1.2 + 1.8 * power))
    u = u + 0.9 * share * (3 * u**2 - 2 * u**3 - u)
    bend = 0.01 + 1.99 * bend
    brightness = np.expm1(-bend * u) / np.expm1(-bend)
    return irradiance.astype(np.float32), brightness.astype(np.float32)


def load(path: str | os.PathLike) -> Bank:
    """The bank in an .npz file.

    Raises:
        ValueError: it is none, or its arrays are not two banks of rising curves in [0, 1].
    """
    try:
        with np.load(path) as file:
            bank = tuple(file[name].astype(np.float32) for name in ("irradiance", "brightness"))
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path}: expected an .npz file with the arrays irradiance and "
                         f"brightness ({error})") from None
    for name, curves in zip(("irradiance", "brightness"), bank):
        rising = curves.ndim == 2 and curves.shape == bank[0].shape and curves.shape[1] > 1
        if not (rising and (np.diff(curves) >= 0).all() and 0 <= curves.min() <= curves.max() <= 1):
            raise ValueError(f"{path}: expected {name} [curves, samples] in [0, 1], of one shape "
                             f"with the other array, each row rising; got shape {curves.shape}")
    return bank


def respond(
    light: Float[Array, "*s"], bank: Bank, which: Int[Array, ""] | int
) -> Float[Array, "*s"]:
    """The brightness of light in [0, 1] by curve ``which``, linear between its samples."""
    irradiance, brightness = (jnp.asarray(side)[which] for side in bank)
    return jnp.interp(light, irradiance, brightness)


def invert(
    image: Float[Array, "*s"], bank: Bank, which: Int[Array, ""] | int
) -> Float[Array, "*s"]:
    """The light that curve ``which`` turns into this brightness, the inverse of `respond`."""
    return respond(image, bank[::-1], which)
