"""What a compiled training step, or generation, costs against what it must do."""

import functools
import resource
import time
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from senm_jax.data import degrading
from senm_jax.methods import base
from senm_jax.training import assembly, platform, settings

MATRIX = 2048
"""Side of the square matrices whose product gives the machine's matrix rate."""
CONVOLUTION = (8, 64, 64, 64)
"""Input of the 3x3 convolution, of as many channels out, that gives its convolution rate."""
BACKWARD = 3
"""Arithmetic of a step over that of its forward passes: each product has two in the backward."""


def step(config: settings.Settings, repeats: int) -> dict[str, float]:
    """Costs of a config's compiled step on random images.

    ``needed_gflop``: `BACKWARD` times two operations for each multiply-add of the convolutions
    and products in the players' losses as they are written; ``compiled_gflop``: the compiler's
    count for all devices, with the rounds of loops that it leaves out. ``times_rate_gflop``
    is the step's time times the matrix rate of the same run: what the machine could have computed
    meanwhile.

    Raises:
        ValueError: the method learns nothing.
    """
    if not settings.make_method(config).players:
        raise ValueError(f"config.method: {config.method} learns nothing, it has no training step")
    batch = _random_batch(config, config.data.crop)
    began = time.perf_counter()
    job = assembly.assemble(config, batch)
    trace_s = time.perf_counter() - began
    losses = jax.make_jaxpr(functools.partial(_losses, job.method))
    forward = macs(losses(job.abstract.variables, batch).jaxpr)
    jax.clear_caches()  # of what was traced for the count alone, which the process would hold
    uncounted = _later_rounds(job.traced.jaxpr.jaxpr)
    state, put = job.fresh(batch), job.put(batch)
    began = time.perf_counter()
    compiled = job.compile()
    compile_s = time.perf_counter() - began

    def run():
        nonlocal state
        state, metrics = compiled(state, put)
        return metrics

    rows = sum(config.data.rows.values())
    costs = _measure(compiled, run, repeats, job.mesh.size, uncounted)
    return {
        "rows": rows,
        "needed_gflop": 2e-9 * BACKWARD * forward,
        "forward_gmac_per_row": 1e-9 * forward / rows,
        **costs,
        "rows_per_second": rows / costs["time_s"],
        "trace_s": trace_s,
        "compile_s": compile_s,
    }


def sample(
    method: base.Method, config: settings.Settings, side: int, images: int, repeats: int
) -> dict[str, float]:
    """Costs of generating ``images`` whole images of ``side`` x ``side`` pixels at a time."""
    variables = method.init(jax.random.key(0), _random_batch(config, side))
    clean = jnp.asarray(np.random.default_rng(0).random((images, side, side, 3), np.float32))
    arguments = (
        variables,
        clean,
        jax.random.split(jax.random.key(1), images),
        {name: jnp.full(images, value) for name, value in method.conditions.items()},
        jnp.zeros((images, 2), jnp.int32),
    )
    began = time.perf_counter()
    compiled = platform.jit(method.sample).lower(*arguments).compile()
    compile_s = time.perf_counter() - began
    jaxpr = jax.make_jaxpr(method.sample)(*arguments).jaxpr
    needed, uncounted = macs(jaxpr), _later_rounds(jaxpr)
    costs = _measure(compiled, lambda: compiled(*arguments), repeats, 1, uncounted)
    return {
        "images": images,
        "needed_gflop": 2e-9 * needed,
        "gflop_per_image": costs["compiled_gflop"] / images,
        **costs,
        "images_per_second": images / costs["time_s"],
        "compile_s": compile_s,
    }


def macs(jaxpr: Any, every_round: bool = True) -> int:
    """Multiply-adds of the convolutions and matrix products in a jaxpr and those within it.

    Of a loop every round counts, or the first alone, as in XLA's count; of branches that of this
    platform, or else the dearest.
    """
    total = 0
    for equation in jaxpr.eqns:
        outputs = sum(variable.aval.size for variable in equation.outvars)
        if equation.primitive.name == "conv_general_dilated":
            kernel = equation.invars[1].aval.shape
            out_axis = equation.params["dimension_numbers"].rhs_spec[0]
            total += outputs * int(np.prod(kernel)) // kernel[out_axis]
        elif equation.primitive.name == "dot_general":
            (contracted, _), _ = equation.params["dimension_numbers"]
            shape = equation.invars[0].aval.shape
            total += outputs * int(np.prod([shape[axis] for axis in contracted]))
        inner = _taken(equation)
        rounds = equation.params["length"] if equation.primitive.name == "scan" else 1
        total += (rounds if every_round else 1) * sum(macs(each, every_round) for each in inner)
    return total


def _later_rounds(jaxpr: Any) -> int:
    """Multiply-adds that XLA's count leaves out."""
    return macs(jaxpr) - macs(jaxpr, every_round=False)


def _taken(equation: Any) -> list:
    """The jaxprs within an equation that are run."""
    inner = _within(equation)
    if equation.primitive.name != "cond":
        return inner
    named = equation.params.get("branches_platforms") or ()
    for branch, platforms in zip(inner, named, strict=False):
        if platforms is None or jax.default_backend() in platforms:
            return [branch]
    return [max(inner, key=macs)]


def _within(equation: Any) -> list:
    found = jax.tree.leaves(list(equation.params.values()), is_leaf=_is_jaxpr)
    return [getattr(inner, "jaxpr", inner) for inner in found if _is_jaxpr(inner)]


def _is_jaxpr(value: Any) -> bool:
    return hasattr(value, "eqns") or hasattr(value, "jaxpr")


def _losses(method: base.Method, variables: base.Variables, batch: Mapping) -> list[jax.Array]:
    """Every player's loss at the first step, each with what the ones before handed on."""
    losses, handed = [], {}
    for player in method.players:
        context = base.Context(variables, batch, jax.random.key(0), jnp.int32(1), handed)
        loss, outcome = method.loss(player, variables[player]["params"], context)
        losses.append(loss)
        handed = handed | outcome.handed
    return losses


def _random_batch(config: settings.Settings, side: int) -> dict[str, dict]:
    rows, shape, degrader = config.data.rows, (side, side, 3), settings.make_degrader(config)
    sides = {"paired": ("clean", "noisy"), "source": ("clean",), "target": ("noisy",)}
    generator = np.random.default_rng(0)
    batch = {
        domain: {
            side: generator.integers(0, 256, (count, *shape), np.uint8) for side in sides[domain]
        }
        for domain, count in rows.items()
        if count
    }
    if "paired" in batch:
        batch["paired"]["level"] = np.full(rows["paired"], 0.05, np.float32)
    for images in batch.values():
        if "noisy" in images:
            images["configuration"] = np.zeros(len(images["noisy"]), np.int32)
    scale = base.pair_scale(settings.make_method(config))
    if "paired" in batch and (degrader or scale != 1):
        large = (rows["paired"], *(length * scale for length in shape[:2]), 3)
        clean = batch["paired"]["clean"] = generator.integers(0, 256, large, np.uint8)
        if degrader:
            batch["paired"] = degrader.rows(clean, degrading.bits(len(clean), "bench"))
    return batch


def _measure(
    compiled: Any, run: Callable[[], Any], repeats: int, devices: int, uncounted: int
) -> dict:
    """Least time of ``repeats`` runs after one that does not count, and rates of the machine.

    ``uncounted``: multiply-adds that the compiler's count leaves out.
    """
    jax.block_until_ready(run())
    time_s = _least(run, repeats)
    matrix_rate, convolution_rate = _rates()
    memory = compiled.memory_analysis()
    cost = compiled.cost_analysis()
    flops = devices * (cost[0] if isinstance(cost, list) else cost)["flops"] + 2 * uncounted
    held = memory.temp_size_in_bytes + memory.argument_size_in_bytes
    held += memory.output_size_in_bytes - memory.alias_size_in_bytes  # donated arguments'
    return {
        "compiled_gflop": 1e-9 * flops,
        "time_s": time_s,
        "gflop_per_second": 1e-9 * flops / time_s,
        "matrix_gflop_per_second": matrix_rate,
        "convolution_gflop_per_second": convolution_rate,
        "times_rate_gflop": time_s * matrix_rate,
        "compiled_memory_gb": devices * held / 2**30,
        "peak_memory_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    }


def _rates() -> tuple[float, float]:
    """GFLOP/s of a float32 matrix product and of a forward 3x3 convolution, best of ten."""
    generator = np.random.default_rng(0)
    matrix = jnp.asarray(generator.standard_normal((MATRIX, MATRIX), np.float32))
    image = jnp.asarray(generator.standard_normal(CONVOLUTION, np.float32))
    channels = CONVOLUTION[-1]
    kernel = jnp.asarray(generator.standard_normal((3, 3, channels, channels), np.float32))
    product = jax.jit(jnp.dot)
    convolve = jax.jit(
        lambda image, kernel: jax.lax.conv_general_dilated(
            image, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
    )
    product(matrix, matrix), convolve(image, kernel)
    convolution_gflop = 2e-9 * 9 * channels * image.size
    return (
        2e-9 * MATRIX**3 / _least(lambda: product(matrix, matrix), 10),
        convolution_gflop / _least(lambda: convolve(image, kernel), 10),
    )


def _least(run: Callable[[], Any], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        jax.block_until_ready(run())
        times.append(time.perf_counter() - began)
    return min(times)
