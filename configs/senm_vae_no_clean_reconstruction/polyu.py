"""SeNM-VAE without the reconstruction of clean images, on the PolyU real-noise photographs.

    senm-jax prepare polyu DATA data/polyu --pairs 96
    senm-jax train --config configs/senm_vae_no_clean_reconstruction/polyu.py:cpu \
        --workdir runs/no_clean_reconstruction

Everything is as in ``configs/senm_vae/polyu.py``, but that batches have no source rows, which only
the missing term would learn from.
"""

from configs.senm_vae import polyu


def get_config(arg=""):
    """The locked config; presets ``tiny`` and ``cpu``."""
    config = polyu.get_config(arg).unlock()
    config.method = "senm_vae_no_clean_reconstruction"
    config.data.rows.source = 0
    return config.lock()
