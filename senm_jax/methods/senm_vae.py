"""SeNM-VAE, semi-supervised: its networks, its objective's weights, and both directions.

D. Zheng et al., "SeNM-VAE: Semi-Supervised Noise Modeling with Hierarchical Variational
Autoencoder", CVPR 2024; weights and details as the released code has them, which differ from
the paper's in places.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from senm_jax.methods import base, checks, critics, objectives, senm_vae_terms
from senm_jax.nn import initial, level_predictor, opening, senm_vae
from senm_jax.ops import gaussian, keys

_MEASURE_CROPS = "let each crop's be measured by config.hyper.patch_level=false"

Image = Float[Array, "_ _ _ 3"]


@dataclasses.dataclass(frozen=True)
class Config:
    """The network's size, and the weights of the objective's terms."""

    width: int = 64
    growth: int = 32
    levels: tuple[int, ...] = (2, 4)
    degradation_channels: int = 16
    downs: int = 0
    level_unit: float = 0.0
    """A noise's standard deviation. Given, q(zn|...) sees log(s / level_unit), p(zn|...) is
    s / level_unit times as wide in place of seeing s, and a row's KL(zn) counts
    (s / level_unit)^2: noise of every strength is modelled alike; generation bounds how much wider
    p is by place (`nn.senm_vae.WIDEST_LOG_STD`). Published, 0: both see s, and all rows count 1."""
    patch_level: bool = False
    """Whether a pair's level is that of its whole patch, as when noise is generated. Published is
    the crop's own, which leaves little for brightness and texture to explain."""
    correct_level: bool = False
    """Whether generation corrects the level by what the noise's standard deviation misses in
    trials (`inference.strength`)."""
    predictor_width: int = 64
    """The level predictor's channels after its first convolution."""
    open_content: bool = False
    """Whether the image passes and q(zn|...) sees the noise from the start (`nn.opening`)."""
    dtype: str = "float32"
    """Compute type of the convolutions."""
    from_clean: float = 0.5
    """Probability that a paired row's content is drawn from q(z|x) and not from q(z|y)."""
    kl_weight: float = 0.01
    """Of KL(zn), and with ``kl_z_ratio`` of KL(z). A Gaussian decoder's variance multiplies it,
    so it goes with the square of the noise's standard deviation."""
    kl_z_ratio: float = 1e-7
    kl_anneal_steps: int = 10_000
    """Both divergences' weights rise linearly from 0 over so many steps; 0: whole at once."""
    level_weight: float = 1.0
    lpips_weight: float = 0.0
    """The paper's is 0.01, which asks for ``lpips_file``; no weights can be shipped, so the
    term is off by default."""
    lpips_file: str = ""
    """AlexNet's weights for LPIPS 0.1 (see `metrics.lpips`)."""
    lpips_signed: bool = False
    """Whether LPIPS sees images in [-1, 1], as it was made for, and not in [0, 1], as released."""
    gan_weight: float = 0.1
    """0 trains without a discriminator."""
    discriminator_width: int = 64


class Parts(NamedTuple):
    """What a config builds."""

    network: senm_vae.SeNMVAE
    predictor: level_predictor.LevelPredictor
    critics: critics.Critics


def make(config: Config) -> base.Method:
    """The method; players ``generator`` (with the level predictor) and ``discriminator``.

    Raises:
        ValueError: LPIPS asked for without a weights file, or sizes that cannot be built.
    """
    built = build(config)
    network = built.network

    def loss(player, params, context):
        if player == "discriminator":
            return built.critics.adversary.discriminator_loss(params, context)
        return _generator_loss(config, built, params, context)

    def sample(variables, clean, key, conditions, origin):
        params = variables["generator"]["params"]["translator"]
        normal = gaussian.field(key, origin, clean.shape[1:3])
        level, temperature = conditions["level"], conditions["temperature"]
        return network.apply(
            {"params": params}, clean, level, temperature, normal, method=network.translate
        )

    def restore(variables, noisy, key, origin):
        params = variables["generator"]["params"]["translator"]
        normal = gaussian.field(key, origin, noisy.shape[1:3])
        return network.apply({"params": params}, noisy, normal, method=network.denoise)

    def imitate(variables, clean, noisy):
        if clean is None:
            params = variables["generator"]["params"]["level_predictor"]
            level = jnp.maximum(built.predictor.apply({"params": params}, noisy), 0)
        else:
            level = objectives.std(noisy - clean)
        return {"level": level, "temperature": jnp.ones_like(level)}

    return base.Method(
        players=built.critics.players,
        init=lambda key, batch: _init(built, config.open_content, key),
        loss=loss,
        sample=sample,
        restore=restore,
        imitate=imitate,
        needs_levels=_MEASURE_CROPS if config.patch_level else "",
        conditions={"level": 0.05, "temperature": 1.0},
        strength="level" if config.correct_level else None,
        sample_reach=base.Reach(network.multiple, network.radius(heads=2)),
        restore_reach=base.Reach(network.multiple, network.radius(heads=1)),
    )


def build(config: Config) -> Parts:
    """The networks and frozen weights of a config.

    Raises:
        ValueError: as `make`.
    """
    checks.senm_vae(config)
    dtype = jnp.dtype(config.dtype)
    network = senm_vae.SeNMVAE(
        width=config.width,
        growth=config.growth,
        levels=tuple(config.levels),
        degradation_channels=config.degradation_channels,
        downs=config.downs,
        level_unit=config.level_unit,
        dtype=dtype,
    )
    predictor = level_predictor.LevelPredictor(config.predictor_width, dtype)
    return Parts(network, predictor, critics.make(config))


def _init(built: Parts, open_content: bool, key: Array) -> base.Variables:
    """Fresh variables of every player."""
    side = max(8 * built.network.multiple, built.predictor.least)
    image = jax.ShapeDtypeStruct((1, side, side, 3), jnp.float32)
    translator = initial.variables(
        built.network,
        keys.named(key, "translator"),
        (image, image),
        (image, image),
        jax.ShapeDtypeStruct((2,), jnp.float32),
        jax.ShapeDtypeStruct((2,), jnp.bool_),
        normal=lambda name, shape: jnp.zeros(shape),
        method=built.network.reconstruct,
    )
    predicted = initial.variables(built.predictor, keys.named(key, "level_predictor"), image)
    params = {"translator": translator["params"], "level_predictor": predicted["params"]}
    if open_content:
        params = {
            "translator": opening.open_content(built.network, params["translator"]),
            "level_predictor": opening.open_level(params["level_predictor"]),
        }
    generator = {"generator": {"params": params, "statistics": {}}}
    return generator | built.critics.init(keys.named(key, "discriminator"))


def _generator_loss(config, built, params, context):
    parts, handed = objective(config, built, params, context)
    return weighed(config, parts, handed, context.step)


def objective(
    config: Config, built: Parts, params: Any, context: base.Context
) -> tuple[dict[str, Array], dict[str, Image]]:
    """The parts of the generator's loss by name, before weights, and what the discriminator judges.

    A variant recombines the parts, and makes its loss of them by `weighed`.
    """
    rows = senm_vae_terms.group(context.batch, config.patch_level)
    coins = jax.random.bernoulli(
        keys.named(context.key, "from_clean"), config.from_clean, (2 * rows.x[1].shape[0],)
    )
    normal = gaussian.draws(context.key)
    parts, y, rec_y = senm_vae_terms.terms(
        built.network, built.predictor, params, rows, coins, normal
    )
    parts |= built.critics.terms(context.variables, y, rec_y)
    # Without y there is nothing to judge: a step of the discriminator then refuses its batch.
    return parts, {"real": y, "fake": jax.lax.stop_gradient(rec_y)}


def weighed(
    config: Config, parts: dict[str, Array], handed: Mapping[str, Image], step: Array | int
) -> tuple[Array, base.Outcome]:
    """The generator's loss and outcome, of those parts of its objective that are there."""
    value = objectives.total(parts, weights(config, step))
    return value, base.Outcome(parts | objectives.diagnostics(parts), handed=handed)


def weights(config: Config, step: Array | int) -> dict[str, Array | float]:
    """The weight of every part at this step; the first step is 1."""
    anneal = jnp.minimum(step / max(config.kl_anneal_steps, 1), 1)
    kl = config.kl_weight * anneal
    return {
        "rec_x": 1.0,
        "rec_y": 1.0,
        "kl_zn": kl,
        "kl_z": kl * config.kl_z_ratio,
        "level": config.level_weight,
        "lpips": config.lpips_weight,
        "gan": config.gan_weight,
    }
