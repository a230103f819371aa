"""SeNM-VAE without the reconstruction of clean images, an ablation of its paper (Table 6).

Nothing then holds the content to the clean image but its divergence, and the decoder never learns
to do without the degradation: the method generates noise and does not restore. Source rows teach
nothing.
"""

from senm_jax.methods import base, senm_vae

Config = senm_vae.Config


def make(config: Config) -> base.Method:
    """The method; players, conditions and reach are SeNM-VAE's.

    Raises:
        ValueError: as `senm_vae.make`.
    """
    whole, built = senm_vae.make(config), senm_vae.build(config)

    def loss(player, params, context):
        if player != "generator":
            return whole.loss(player, params, context)
        parts, handed = senm_vae.objective(config, built, params, context)
        parts.pop("rec_x", None)
        if not parts:
            raise ValueError("batch: without the reconstruction of clean images SeNM-VAE learns "
                             "nothing from source rows alone; see config.data.rows")
        return senm_vae.weighed(config, parts, handed, context.step)

    return whole._replace(loss=loss, restore=None, restore_reach=None)
