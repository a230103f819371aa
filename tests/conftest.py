"""Programs compiled quickly, here and in commands that tests start: the slow tests wait for XLA,
and what it compiles for them runs for milliseconds.

Parity is shown of programs compiled as users' are (`parity/conftest.py`).
"""

import os

os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")  # read when jax is imported
