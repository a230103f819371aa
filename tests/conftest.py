"""Programs compiled quickly, here and in commands that tests start: nearly all that a test waits
for is XLA, and what that compiles runs for milliseconds.

Parity is shown of programs compiled as users' are (`parity/conftest.py`).
"""

import os

os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")  # read when jax is imported
