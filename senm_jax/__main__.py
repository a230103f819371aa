"""``python -m senm_jax`` is ``senm-jax``."""

import sys

from senm_jax.cli import main

if __name__ == "__main__":
    sys.exit(main.main())
