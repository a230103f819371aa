#!/usr/bin/env bash
# Runs flake8 and the test suite in the checkout's own environment.
#
#   ./launch/test.sh [PYTEST ARGUMENTS]      e.g. ./launch/test.sh tests/data -k store
#
# Tests run on all cores, those of one file on one. Ends with the status of the first of the two
# that fails. SENM_DATA and SENM_PARITY (default: ../shared/reference) name the folders of real
# images and of parity cases; tests that need them skip where there are none.
# Compiled programs are kept where the commands keep theirs, in the folder SENM_CACHE.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
use_environment test,tfds
cd "$checkout"
cache=${SENM_CACHE-${XDG_CACHE_HOME:-$HOME/.cache}/senm-jax}
if [ -n "$cache" ]; then
    export JAX_COMPILATION_CACHE_DIR="${JAX_COMPILATION_CACHE_DIR:-$cache}"
    export JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS=0
fi
python -m flake8 senm_jax configs tests
exec python -m pytest -n auto --dist loadfile "$@"
