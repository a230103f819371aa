"""Every kind of degradation by its parameters."""

from senm_jax.degradations import (
    awgn, base, bicubic, blur, camera_pipeline, darken, heteroscedastic, jpeg, parameters,
)

_MAKERS = {
    "awgn": awgn.make,
    "awgn_fixed": awgn.make_fixed,
    "heteroscedastic": heteroscedastic.make,
    "camera_pipeline": camera_pipeline.make,
    "darken": darken.make,
    "blur": blur.make,
    "bicubic": bicubic.make,
    "jpeg": jpeg.make,
}


def make(of: parameters.Parameters) -> base.Degradation:
    """The degradation of these parameters.

    Raises:
        ValueError: a file that they name cannot be used.
    """
    return _MAKERS[parameters.name_of(of)](of)
