#!/usr/bin/env bash
# All noise models that have the preset on the PolyU photographs: each trained, and a DnCNN on the
# pairs that it makes.
#
#   ./launch/polyu_models.sh DATA OUT [PRESET]      as polyu.sh
#
# Goes on in the OUT of polyu.sh, which it runs first where that has not ended there; started again
# it goes on where it stopped. Ends with report.md in OUT/models/noise, OUT/models/configurations,
# OUT/models/restorers and OUT/models/pgap.
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
[ -e "$2/pgap/report.md" ] || "$here/polyu.sh" "$@"
source "$here/polyu_steps.sh"

pairs=$out/all/train unpaired=$out/few96/train models=() restorers=()
model() { # NAME CONFIG STORE [CHANGE...]
    trained "$@"
    made "made_$1" "$1"
    trained "dncnn_$1" dncnn "$out/made_$1"
    models+=("$1") restorers+=("dncnn_$1")
}

# Noise is drawn as each method does where nothing is asked for: of the level that its training pairs
# have at the clean patch's texture, or of the configuration of one of them; of LUD-VAE and DeFlow as
# their configs say.
model senm_vae_all senm_vae "$pairs" \
    --config.data.rows.paired=8 --config.data.rows.source=0 --config.data.rows.target=0
model lud_vae lud_vae "$unpaired"
model deflow deflow "$unpaired"
model naflow naflow "$pairs"
model naflow_single_gaussian naflow "$pairs" --config.hyper.single_gaussian=true
model noise_flow noise_flow "$pairs"
model flow_srgb flow_srgb "$pairs"
model heteroscedastic_gaussian heteroscedastic_gaussian "$pairs"
model white_all white_gaussian "$pairs"

mapfile -t noise < <(runs --run senm_vae10 senm_vae96 "${models[@]}")
mapfile -t judges < <(runs --run naflow noise_flow flow_srgb heteroscedastic_gaussian)
mapfile -t measured < <(runs --run dncnn_real dncnn_made10 dncnn_made96 "${restorers[@]}")
mapfile -t synthetic < <(runs --synthetic dncnn_made10 dncnn_made96 "${restorers[@]}")
test=$out/all/test reports=$out/models
senm-jax evaluate noise "${noise[@]}" --configuration aware --configuration random \
    --store "$test" --out "$reports/noise"
senm-jax evaluate configurations "${judges[@]}" --store "$test" --out "$reports/configurations"
senm-jax evaluate restorer "${measured[@]}" --store "$test" --out "$reports/restorers"
senm-jax evaluate pgap --real "$out/dncnn_real" "${synthetic[@]}" \
    --store "$test" --out "$reports/pgap"
