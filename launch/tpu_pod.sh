#!/usr/bin/env bash
# Trains on all hosts of a Cloud TPU pod slice, one process a host. Has not been run on one yet.
#
#   TPU=NAME ZONE=ZONE ./launch/tpu_pod.sh \
#       --config FILE[:PRESET] --workdir DIR [--config.KEY=VALUE ...]
#
# Run it where gcloud is set up. Every host needs a checkout of its own, at the path SENM_CHECKOUT
# (default: senm_jax in the home folder); `gcloud compute tpus tpu-vm ssh NAME --zone=ZONE
# --worker=all --command="git clone ..."` makes them. Paths of configs are seen from there. DIR and
# the stores must lie on a file system that all hosts mount, and every number in config.data.rows
# must be a multiple of the number of devices. The same command again goes on.
set -euo pipefail
: "${TPU:?name the TPU, as TPU=NAME}" "${ZONE:?name its zone, as ZONE=ZONE}"
checkout=${SENM_CHECKOUT:-senm_jax}
command="cd $(printf %q "$checkout") && source launch/environment.sh && use_environment tpu"
command+=" && exec senm-jax train$(printf ' %q' "$@") --distributed"
exec gcloud compute tpus tpu-vm ssh "$TPU" --zone="$ZONE" --worker=all \
    --command="bash -c $(printf %q "$command")"
