"""Programs compiled quickly, here and in commands that tests start: the slow tests wait for XLA,
and what it compiles for them runs for milliseconds.

Tracing makes objects by the million: they are looked through for garbage less often than is usual.

Parity is shown of programs compiled as users' are (`parity/conftest.py`). Processes that tests
start import this checkout, whatever is installed.
"""

import gc
import os
import pathlib

os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")  # read when jax is imported
os.environ["PYTHONPATH"] = str(pathlib.Path(__file__).parents[1])
gc.set_threshold(100_000, 20, 100)
