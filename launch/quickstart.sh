#!/usr/bin/env bash
# Installs into the checkout's own environment and runs the main job on embedded photographs.
#
#   ./launch/quickstart.sh [OPTIONS OF senm-jax quickstart]
#
# Ends by naming the report it wrote. A second run of it needs no installation.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
use_environment
exec senm-jax quickstart --configs "$checkout/configs/quickstart" --out "$checkout/quickstart" "$@"
