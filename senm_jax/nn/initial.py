"""Initial values drawn on the host: nothing to compile, and the same bits on every device.

Drawing each of some hundred kernels on the device costs a compiled program per shape. NumPy's
Philox generator, seeded by the parameter's own key, needs none.
"""

import math
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

Initializer = nn.initializers.Initializer


def variables(module: nn.Module, key: jax.Array, *inputs: Any, **kwargs: Any) -> dict[str, Any]:
    """What ``module.init(key, *inputs, **kwargs)`` gives, without running the network.

    ``inputs`` are trees of `jax.ShapeDtypeStruct`; the network is traced for its shapes while
    whatever depends on the key alone is computed at once.
    """
    found = {}

    def trace(*inputs):
        with jax.ensure_compile_time_eval():
            found.update(module.init(key, *inputs, **kwargs))

    jax.eval_shape(trace, *inputs)
    return found


def fan_in_uniform(gain: float = 1.0) -> Initializer:
    """Uniform within gain / sqrt(fan_in); with gain 1 PyTorch's default weight."""
    return lambda key, shape, dtype=jnp.float32: _draw(
        _uniform, gain / math.sqrt(math.prod(shape[:-1])), key, shape, dtype
    )


def fan_in_normal(gain: float) -> Initializer:
    """Normal with standard deviation gain / sqrt(fan_in)."""
    return lambda key, shape, dtype=jnp.float32: _draw(
        _normal, gain / math.sqrt(math.prod(shape[:-1])), key, shape, dtype
    )


def uniform(bound: float) -> Initializer:
    """Uniform within ``bound`` of 0."""
    return lambda key, shape, dtype=jnp.float32: _draw(_uniform, bound, key, shape, dtype)


def _uniform(generator: np.random.Generator, shape) -> np.ndarray:
    return 2 * generator.random(shape, np.float32) - 1


def _normal(generator: np.random.Generator, shape) -> np.ndarray:
    return generator.standard_normal(shape, np.float32)


def _draw(kind, scale: float, key: jax.Array, shape: tuple[int, ...], dtype) -> jax.Array:
    def on_host(bits):
        generator = np.random.Generator(np.random.Philox(np.asarray(bits).tolist()))
        return np.float32(scale) * kind(generator, shape)

    bits = jax.random.key_data(key) if jnp.issubdtype(key.dtype, jax.dtypes.prng_key) else key
    if not isinstance(bits, jax.core.Tracer):
        return jnp.asarray(on_host(bits), dtype)
    return jax.pure_callback(on_host, jax.ShapeDtypeStruct(shape, jnp.float32), bits).astype(dtype)
