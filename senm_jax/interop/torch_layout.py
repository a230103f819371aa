"""PyTorch's tensor layouts and ours: plain transpositions, exact both ways."""

import numpy as np
from jaxtyping import Float


def conv(weight: Float[np.ndarray, "o i kh kw"]) -> Float[np.ndarray, "kh kw i o"]:
    """Our kernel of a convolution's weight."""
    return np.ascontiguousarray(weight.transpose(2, 3, 1, 0))


def conv_back(kernel: Float[np.ndarray, "kh kw i o"]) -> Float[np.ndarray, "o i kh kw"]:
    """The convolution's weight of our kernel."""
    return np.ascontiguousarray(np.asarray(kernel).transpose(3, 2, 0, 1))
