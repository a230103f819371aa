"""Bijectors of images: maps with an inverse, and the log-determinant of each direction.

``forward`` runs from data to base noise, ``inverse`` back. Both take an image [b, h, w, c] and the
features [b, h, w, f] that the map depends on (or a tuple of what it depends on), which
unconditional maps ignore, and give the result and the log|det| of its Jacobian in nats, one float32
number a row. Networks inside couplings compute in their own type; all else is float32.

The forms are those of D. Kim et al., "sRGB Real Noise Modeling via Noise-Aware Sampling with
Normalizing Flows", ICLR 2024, as released: an affine map divides on the way to the latent, so that
the way back to an image can only contract.
"""
