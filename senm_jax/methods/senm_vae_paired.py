"""SeNM-VAE, fully paired: the release's network and objective where every row is a pair.

D. Zheng et al., "SeNM-VAE", CVPR 2024; the paper gives no weights for it, these are the code's.
"""

import dataclasses

import jax
import jax.numpy as jnp

from senm_jax.methods import base, checks, critics, objectives
from senm_jax.nn import initial, senm_vae_paired
from senm_jax.ops import gaussian, keys, pixels


@dataclasses.dataclass(frozen=True)
class Config:
    """The network's size, and the weights of the objective's terms."""

    width: int = 64
    growth: int = 32
    levels: tuple[int, ...] = (4, 4)
    dtype: str = "float32"
    """Compute type of the convolutions."""
    kl_weight: float = 1e-4
    kl_anneal_steps: int = 10_000
    """The divergence's weight rises linearly from 0 over so many steps; 0: whole at once."""
    lpips_weight: float = 0.0
    """The release's is 0.01, which asks for ``lpips_file``; off by default."""
    lpips_file: str = ""
    lpips_signed: bool = False
    gan_weight: float = 0.01
    """0 trains without a discriminator."""
    discriminator_width: int = 64


def make(config: Config) -> base.Method:
    """The method; players ``generator`` and ``discriminator``; learns from ``paired`` alone.

    Raises:
        ValueError: LPIPS asked for without a weights file, or sizes that cannot be built.
    """
    checks.senm_vae(config)
    dtype = jnp.dtype(config.dtype)
    network = senm_vae_paired.SeNMVAEPaired(
        config.width, config.growth, tuple(config.levels), dtype
    )
    judges = critics.make(config)

    def init(key, batch):
        side = 8 * network.multiple
        image = jax.ShapeDtypeStruct((1, side, side, 3), jnp.float32)
        variables = initial.variables(
            network,
            keys.named(key, "translator"),
            image,
            image,
            jax.ShapeDtypeStruct((1,), jnp.float32),
            normal=lambda name, shape: jnp.zeros(shape),
            method=network.reconstruct,
        )
        generator = {"generator": {"params": variables["params"], "statistics": {}}}
        return generator | judges.init(keys.named(key, "discriminator"))

    def loss(player, params, context):
        if player == "discriminator":
            return judges.adversary.discriminator_loss(params, context)
        return _generator_loss(config, network, judges, params, context)

    def sample(variables, clean, key, conditions, origin):
        normal = gaussian.field(key, origin, clean.shape[1:3])
        params = {"params": variables["generator"]["params"]}
        level, temperature = conditions["level"], conditions["temperature"]
        return network.apply(params, clean, level, temperature, normal, method=network.translate)

    def imitate(variables, clean, noisy):
        if clean is None:
            raise ValueError(
                "the fully paired SeNM-VAE reads a degradation level off pairs; give the level"
            )
        level = objectives.std(noisy - clean)
        return {"level": level, "temperature": jnp.ones_like(level)}

    return base.Method(
        players=judges.players,
        init=init,
        loss=loss,
        sample=sample,
        imitate=imitate,
        imitate_needs_clean=True,
        conditions={"level": 0.05, "temperature": 1.0},
        sample_reach=base.Reach(network.multiple, network.radius),
    )


def _generator_loss(config, network, judges, params, context):
    pair = checks.pairs("the fully paired SeNM-VAE", context.batch)
    x, y = pixels.to_float(pair["clean"]), pixels.to_float(pair["noisy"])
    normal = gaussian.draws(context.key)
    rec_y, kl = network.apply(
        {"params": params}, x, y, objectives.std(y - x), normal, method=network.reconstruct
    )
    parts = {"rec_y": jnp.mean(jnp.square(rec_y - y)), "kl_zn": jnp.sum(kl) / y.size}
    parts |= judges.terms(context.variables, y, rec_y)
    anneal = jnp.minimum(context.step / max(config.kl_anneal_steps, 1), 1)
    weights = {
        "rec_y": 1.0,
        "kl_zn": config.kl_weight * anneal,
        "lpips": config.lpips_weight,
        "gan": config.gan_weight,
    }
    handed = {"real": y, "fake": jax.lax.stop_gradient(rec_y)}
    metrics = parts | objectives.diagnostics(parts)
    return objectives.total(parts, weights), base.Outcome(metrics, handed=handed)
