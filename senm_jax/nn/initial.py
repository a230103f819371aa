"""Initial values drawn on the host: nothing to compile, and the same bits on every device.

Drawing each of some hundred kernels on the device costs a compiled program per shape. NumPy's
Philox generator, seeded by the parameter's own key, needs none.
"""

import functools
import math
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import scipy.linalg
import scipy.special
from jaxtyping import Array, Float, Int

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


def normal(std: float) -> Initializer:
    """Normal with standard deviation ``std``."""
    return lambda key, shape, dtype=jnp.float32: _draw(_normal, std, key, shape, dtype)


def truncated_normal(scale: float) -> Initializer:
    """Normal within two of its deviations, of variance scale / fan_in (after the cut)."""
    return lambda key, shape, dtype=jnp.float32: _draw(
        _truncated, math.sqrt(scale / math.prod(shape[:-1])) / _TRUNCATED_STD, key, shape, dtype
    )


def rotation(
    key: jax.Array, size: int
) -> tuple[Float[Array, "n n"], Int[Array, "n"], Float[Array, "n"]]:
    """A random orthogonal matrix as its pivoted LU factors: (lu, order, sign).

    ``lu`` packs the factors: below its diagonal those of L, whose own diagonal is 1, above it
    those of U, and on it log|diag U|; ``sign`` has the signs of U's diagonal. Row i of the matrix
    is row ``order[i]`` of L U.
    """

    def factors(generator):
        orthogonal, _ = np.linalg.qr(generator.standard_normal((size, size)))
        place, lower, upper = scipy.linalg.lu(orthogonal)
        diagonal = np.diag(upper)
        lu = np.tril(lower, -1) + np.triu(upper, 1) + np.diag(np.log(np.abs(diagonal)))
        return (lu.astype(np.float32), place.argmax(1).astype(np.int32),
                np.sign(diagonal).astype(np.float32))

    matrix, vector = (jax.ShapeDtypeStruct((size,) * rank, jnp.float32) for rank in (2, 1))
    order = jax.ShapeDtypeStruct((size,), jnp.int32)
    return _on_host(factors, key, (matrix, order, vector))


def _uniform(generator: np.random.Generator, shape) -> np.ndarray:
    return 2 * generator.random(shape, np.float32) - 1


def _normal(generator: np.random.Generator, shape) -> np.ndarray:
    return generator.standard_normal(shape, np.float32)


_TRUNCATED_STD = 0.8796256610342398
"""Of a standard normal cut at 2."""


def _truncated(generator: np.random.Generator, shape) -> np.ndarray:
    low = scipy.special.ndtr(-2)
    return scipy.special.ndtri(low + (1 - 2 * low) * generator.random(shape)).astype(np.float32)


def _draw(kind, scale: float, key: jax.Array, shape: tuple[int, ...], dtype) -> jax.Array:
    drawn = _on_host(
        lambda generator: np.float32(scale) * kind(generator, shape),
        key, jax.ShapeDtypeStruct(shape, jnp.float32),
    )
    return drawn.astype(dtype)


def _on_host(function: Callable[[np.random.Generator], Any], key: jax.Array, shapes: Any) -> Any:
    """``function`` of a generator seeded by the key: arrays of ``shapes``."""
    call = functools.partial(_seeded, function)
    bits = jax.random.key_data(key) if jnp.issubdtype(key.dtype, jax.dtypes.prng_key) else key
    if not isinstance(bits, jax.core.Tracer):
        return jax.tree.map(jnp.asarray, call(bits))
    return jax.pure_callback(call, shapes, bits)


def _seeded(function: Callable[[np.random.Generator], Any], bits: jax.Array) -> Any:
    return function(np.random.Generator(np.random.Philox(np.asarray(bits).tolist())))
