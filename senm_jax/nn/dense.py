"""Densely connected 3x3 convolutions, with a backward pass that suits a CPU's caches.

XLA's own gradient of a 3x3 kernel runs on a CPU well below the rate of the convolution itself,
and differentiating a growing concatenation writes it out once more. Here the kernels'
gradients are matrix products of small tiles, each used while it lies in the cache; and the input's
is summed at once, where XLA keeps all that it is a sum of until it is asked for.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float

Images = Sequence[Float[Array, "b h w _"]]
Kernels = Sequence[Float[Array, "3 3 _ _"]]
Biases = Sequence[Float[Array, "_"]]

TILE = 1152
"""Most positions in a tile of the kernels' gradients."""
JOINED = 2
"""Kernels in a row whose gradients are one product: half the programs to compile and to keep, for a
twelfth more of these gradients' arithmetic at the published sizes."""
WIDE = 128
"""Channels from which on the kernels' gradients are tiled on a CPU; narrower ones are XLA's own."""


@jax.custom_vjp
def dense(
    x: Float[Array, "b h w c"], first: Float[Array, "b h w g"], kernels: Kernels, biases: Biases
) -> Float[Array, "b h w d"]:
    """The last result of a chain of 3x3 convolutions that pad with zeros.

    The first of them sees ``x`` and leaky ``first``; each later one also the leaky results of all
    before it. Forward-mode differentiation is not defined.
    """
    return _forward(x, first, kernels, biases)[0]


def dense_inside(
    inside: Bool[Array, "b h w 1"], x: Float[Array, "b h w c"], first: Float[Array, "b h w g"],
    kernels: Kernels, biases: Biases,
) -> Float[Array, "b h w d"]:
    """`dense` on images that end where ``inside`` does: each convolution sees zeros beyond."""
    return _forward(x, first, kernels, biases, lambda a: jnp.where(inside, a, 0))[0]


def leaky(x: Float[Array, "*s"]) -> Float[Array, "*s"]:
    """Leaky ReLU of slope 0.2."""
    return jax.nn.leaky_relu(x, 0.2)


def _forward(x, first, kernels, biases, cut=lambda a: a):
    seen, h = [cut(x)], first
    for kernel, bias in zip(kernels, biases, strict=True):
        seen.append(cut(leaky(h)))
        h = _convolve(jnp.concatenate(seen, -1), kernel) + bias
    return h, (seen, kernels)


def _backward(saved, g):
    seen, kernels = saved
    to_seen, gs = None, []
    for activation, kernel in zip(reversed(seen[1:]), reversed(kernels), strict=True):
        gs.insert(0, g)
        sees = kernel.shape[2]
        to_input = _convolve(g, jnp.flip(kernel, (0, 1)).swapaxes(2, 3))
        to_seen = to_input if to_seen is None else to_seen[..., :sees] + to_input
        to_seen = lax.optimization_barrier(to_seen)
        g = to_seen[..., sees - activation.shape[-1]:]
        g = jnp.where(activation >= 0, g, 0.2 * g)  # the sign is the pre-activation's
    to_x = lax.optimization_barrier(to_seen[..., : seen[0].shape[-1]])
    biases = tuple(jnp.sum(each, (0, 1, 2)) for each in gs)
    return to_x, g, tuple(kernel_gradients(seen, gs)), biases


dense.defvjp(_forward, _backward)


def kernel_gradients(seen: Images, gs: Images) -> list[Float[Array, "3 3 _ _"]]:
    """The kernels' gradients, given all activations and each convolution's cotangent."""
    if sum(each.shape[-1] for each in seen) < WIDE:
        return direct_gradients(seen, gs)
    return lax.platform_dependent(seen, gs, cpu=tiled_gradients, default=direct_gradients)


def direct_gradients(seen: Images, gs: Images) -> list[Float[Array, "3 3 _ _"]]:
    """`kernel_gradients` as XLA differentiates a convolution."""
    found = []
    for i, g in enumerate(gs):
        inputs = jnp.concatenate(seen[: i + 2], -1)
        kernel = jax.ShapeDtypeStruct((3, 3, inputs.shape[-1], g.shape[-1]), g.dtype)
        found += jax.linear_transpose(lambda k, inputs=inputs: _convolve(inputs, k), kernel)(g)
    return found


def tiled_gradients(seen: Images, gs: Images) -> list[Float[Array, "3 3 _ _"]]:
    """`kernel_gradients` by matrix products of tiles, some image rows high.

    `JOINED` kernels in a row share a product, for all that the last of them sees.
    """
    b, height, width, _ = gs[0].shape
    rows = max(n for n in range(1, height + 1)
               if height % n == 0 and (n == 1 or b * n * width <= TILE))
    firsts = range(0, len(gs), JOINED)
    groups = [gs[i: i + JOINED] for i in firsts]
    padded = [jnp.pad(jnp.concatenate(group, -1), ((0, 0), (1, 1), (1, 1), (0, 0)))
              for group in groups]

    def add_tile(sums, tile):
        inputs = jnp.concatenate(
            [lax.dynamic_slice_in_dim(each, tile * rows, rows, 1) for each in seen], -1
        ).reshape(b * rows * width, -1)
        added = []
        for total, g in zip(sums, padded, strict=True):
            near = lax.dynamic_slice_in_dim(g, tile * rows, rows + 2, 1)
            shifted = jnp.concatenate(
                [near[:, 2 - i: 2 - i + rows, 2 - j: 2 - j + width]
                 for i in range(3) for j in range(3)], -1
            ).reshape(b * rows * width, -1)
            product = lax.dot_general(
                inputs[:, : total.shape[0]], shifted, (((0,), (0,)), ((), ())),
                preferred_element_type=jnp.float32,
            )
            added.append(total + product)
        return added, None

    sees = np.cumsum([each.shape[-1] for each in seen])[1:]
    zeros = [jnp.zeros((sees[i: i + JOINED][-1], 9 * g.shape[-1]), jnp.float32)
             for i, g in zip(firsts, padded, strict=True)]
    sums, _ = lax.scan(add_tile, zeros, jnp.arange(height // rows))
    found = []
    for total, group in zip(sums, groups, strict=True):
        features = [g.shape[-1] for g in group]
        kernels = total.reshape(-1, 3, 3, sum(features)).transpose(1, 2, 0, 3)
        found += jnp.split(kernels, np.cumsum(features)[:-1], -1)
    return [kernel[:, :, :n].astype(g.dtype)
            for kernel, n, g in zip(found, sees, gs, strict=True)]


def _convolve(x, kernel):
    return lax.conv_general_dilated(
        x, kernel, (1, 1), ((1, 1), (1, 1)), dimension_numbers=("NHWC", "HWIO", "NHWC")
    )
