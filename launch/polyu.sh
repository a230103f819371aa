#!/usr/bin/env bash
# The proof on real noise: the whole chain on the PolyU photographs, and its tables.
#
#   ./launch/polyu.sh DATA OUT [PRESET]      DATA: the folder with scenes.json; PRESET: cpu (default)
#
# Started again it goes on where it stopped. Ends with OUT/noise/report.md, OUT/restorers/report.md
# and OUT/pgap/report.md.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/polyu_steps.sh"

# 48 patches of 256x256 pixels and 192 of 128x128 are as much of a scene. Of the large ones 96 pairs
# would be an eighth of all, which train a restorer as well as all do: nothing would be scarce.
prepared all all 48 256
prepared few96 96 192 128
prepared few10 10 192 128
for pairs in 96 10; do
    trained "senm_vae$pairs" senm_vae "$out/few$pairs/train"
    made "made$pairs" "senm_vae$pairs" --level "like:$out/few$pairs/train"
done
trained senm_vae96_published_kl senm_vae "$out/few96/train" \
    --config.hyper.kl_weight=0.01 --config.hyper.kl_z_ratio=2e-5
senm-jax train --config "$configs/white_gaussian/polyu.py:$preset" --workdir "$out/white"
made made_white white --level "like:$out/made96"

trained dncnn_real dncnn "$out/all/train"
trained dncnn_made96 dncnn "$out/made96"
trained dncnn_made10 dncnn "$out/made10"
trained dncnn_white dncnn "$out/made_white"
trained dncnn_few96 dncnn "$out/few96/train"
trained dncnn_few10 dncnn "$out/few10/train"
trained dncnn_mixed96 dncnn "$out/made96,$out/few96/train"
trained dncnn_mixed10 dncnn "$out/made10,$out/few10/train"

mapfile -t models < <(runs --run senm_vae10 senm_vae96 senm_vae96_published_kl white)
mapfile -t restorers < <(runs --run dncnn_real dncnn_made96 dncnn_made10 dncnn_white dncnn_few96 \
    dncnn_few10 dncnn_mixed96 dncnn_mixed10)
senm-jax evaluate noise "${models[@]}" --store "$out/all/test" --out "$out/noise"
senm-jax evaluate restorer "${restorers[@]}" --store "$out/all/test" --out "$out/restorers"
senm-jax evaluate pgap --real "$out/dncnn_real" --synthetic "$out/dncnn_made96" \
    --synthetic "$out/dncnn_made10" \
    --store "$out/all/test" --out "$out/pgap"
