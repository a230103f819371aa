"""A start of LUD-VAE for short trainings: the image passes and noise is seen from the first step.

Published, every weight starts at random, and most of a short run goes into reproducing the image.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np

from senm_jax.nn import lud_vae, opening

Params = dict[str, Any]
COLOURS = np.eye(3)


def open_content(network: lud_vae.LUDVAE, params: Params, noise_std: float) -> Params:
    """Its parameters, changed so that the image passes and q(zn|...) sees the noise.

    The image passes through the first three channels of the content encoder and the decoder, and
    the degradation encoder's hold the noisy image. So every level's posterior but the last's, which
    sees no decoder, can start with its mean at the decoder's state less the noisy image, counted in
    ``noise_std``: what of h(y) the decoder has not taken away yet, less the noise. Priors start
    standard normal, and zn does not reach the image's channels; everything else starts as it was.

    Raises:
        ValueError: the network has fewer than three channels.
    """
    if network.width < 3:
        raise ValueError(
            f"open_content: expected a width of at least 3, the image's channels, got "
            f"{network.width}"
        )
    opened = dict(params)
    for name in ("content_tower", "noise_tower"):
        stem = opening.linear(params[name]["stem"], COLOURS)
        stem["bias"] = stem["bias"].at[:3].set(opening.GREY)
        opened[name] = {"stem": stem} | {
            block: _passing(part) for block, part in params[name].items() if block != "stem"
        }
    away = np.zeros((network.width + 3, 3))
    away[:3], away[network.width :] = COLOURS, -COLOURS
    for i in range(network.layers):
        opened[f"decoder_{i}"] = _passing(params[f"decoder_{i}"])
        merge = f"join_degradation_{i}"
        opened[merge] = opening.linear(params[merge], COLOURS)
        inner = i < network.layers - 1
        if inner:
            for name, matrix in {"join_content": COLOURS, "join_posterior": away}.items():
                opened[f"{name}_{i}"] = opening.linear(params[f"{name}_{i}"], matrix)
            opened[f"prior_{i}"] = _head(params[f"prior_{i}"], None)
        seen = COLOURS / noise_std if inner else None
        opened[f"posterior_{i}"] = _head(params[f"posterior_{i}"], seen)
    image = opening.linear(params["out_image"], COLOURS)
    opened["out_image"] = image | {"bias": jnp.full_like(image["bias"], -opening.GREY)}
    return opened


def _passing(block):
    """A block that passes its first three channels."""
    return {name: opening.linear(part, COLOURS) for name, part in block.items()}


def _head(head, matrix):
    """Means that are ``matrix`` of the first channels, or 0; log deviations about 0."""
    kernel, bias = head["conv"]["kernel"], jnp.zeros_like(head["conv"]["bias"])
    channels = kernel.shape[-1] // 2
    kernel = kernel.at[..., :channels].set(0)
    if matrix is not None:
        kernel = kernel.at[0, 0, :3, :3].set(matrix)
    return {"conv": {"kernel": kernel, "bias": bias}}
