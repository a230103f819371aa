#!/usr/bin/env bash
# Trains on the nodes of a SLURM job, one process a node. Has not been run on such a cluster yet.
#
#   sbatch --nodes=2 --gpus-per-node=4 --cpus-per-task=32 launch/slurm.sh \
#       --config FILE[:PRESET] --workdir DIR [--config.KEY=VALUE ...]
#
# Submit it in the checkout. All nodes must see the checkout, DIR and the stores, and every number
# in config.data.rows must be a multiple of the number of GPUs. SENM_EXTRA is the extra of setup.cfg
# that is installed (default: cuda; empty for nodes without GPUs). Two minutes before its time is
# up the run saves and stops; the same command again goes on.
#SBATCH --job-name=senm-jax
#SBATCH --ntasks-per-node=1
#SBATCH --signal=TERM@120
set -euo pipefail
# SLURM runs a copy of this script, so its own path does not lead to the checkout.
source "${SLURM_SUBMIT_DIR:?submit this script by sbatch}/launch/environment.sh"
use_environment "${SENM_EXTRA-cuda}"
if [ -n "${SLURM_GPUS_ON_NODE:-}" ]; then
    # Under SLURM JAX gives each process one GPU unless it is told which.
    JAX_LOCAL_DEVICE_IDS=$(seq -s, 0 $((SLURM_GPUS_ON_NODE - 1)))
    export JAX_LOCAL_DEVICE_IDS
fi
exec srun --kill-on-bad-exit=1 --cpus-per-task="${SLURM_CPUS_PER_TASK:-1}" \
    senm-jax train "$@" --distributed
