"""Divergences of histograms that papers all call "KLD".  They are three different quantities.

| | `kld_senm_vae_grey` | `kld_naflow` | `kld_neca` |
| --- | --- | --- | --- |
| of | grey **intensity** | noise, channels pooled | noise, channels pooled |
| bins | each value 0..255 | 256 over [-1, 1] | 64 over [-0.1, 0.1] and two tails |
| empty bins | 1e-8 added to the real, renormalised | dropped if empty in either | likewise |
| direction | KL(generated, real) | KL(real, generated) | KL(real, generated) |

All are in nats, of one image; average the values of images. Noise is noisy - clean.
"""

import numpy as np
from jaxtyping import Float, UInt8

from senm_jax.ops import colour

_NECA_EDGES = np.concatenate([[-1000.0], np.linspace(-0.1, 0.1, 65), [1000.0]])


def kld_senm_vae_grey(
    generated: UInt8[np.ndarray, "h w 3"], real: UInt8[np.ndarray, "h w 3"]
) -> float:
    """SeNM-VAE's: KL of the grey intensities of a generated noisy image from a real one's, nats.

    Its paper's equation says "image", its script reads one channel by OpenCV.
    """
    return kld_senm_vae_values(colour.grey8(generated), colour.grey8(real))


def kld_senm_vae_values(
    generated: UInt8[np.ndarray, "*s"], real: UInt8[np.ndarray, "*s"]
) -> float:
    """SeNM-VAE's divergence of all values as they are, nats; the script's grey comes before."""
    p = np.bincount(generated.ravel(), minlength=256) / generated.size
    q = np.bincount(real.ravel(), minlength=256) / real.size + 1e-8
    return _divergence(p, q / q.sum())


def kld_naflow(
    real_noise: Float[np.ndarray, "*s"], generated_noise: Float[np.ndarray, "*s"]
) -> float:
    """NAFlow's: KL of the real noise from the generated, nats; noise on the [0, 1] scale.

    NAFlow clips the generated image to [0, 1] and does **not** round it, while its bins are
    2/256 wide and real noise lies on multiples of 1/255; so rounding changes the value.
    """
    return _noise_divergence(np.clip(real_noise, -1, 1), np.clip(generated_noise, -1, 1), 256)


def kld_neca(
    real_noise: Float[np.ndarray, "*s"], generated_noise: Float[np.ndarray, "*s"]
) -> float:
    """NeCA's: KL of the real noise from the generated, nats; of 8-bit images on the [0, 1] scale.

    64 bins of 0.2 / 64 between -0.1 and 0.1, and one for everything on either side.
    """
    return _noise_divergence(real_noise, generated_noise, _NECA_EDGES)


def _noise_divergence(
    real: Float[np.ndarray, "*s"],
    generated: Float[np.ndarray, "*s"],
    bins: int | Float[np.ndarray, "e"],
) -> float:
    """``bins`` are edges, or how many equal ones there are between -1 and 1."""
    p, _ = np.histogram(real, bins, (-1, 1))
    q, _ = np.histogram(generated, bins, (-1, 1))
    return _divergence(p / p.sum(), q / q.sum())


def _divergence(p: Float[np.ndarray, "n"], q: Float[np.ndarray, "n"]) -> float:
    """Sum of p log(p / q) over the bins where neither is empty; nothing is renormalised."""
    both = (p > 0) & (q > 0)
    return float(np.sum(p[both] * np.log(p[both] / q[both])))
