#!/usr/bin/env bash
# VDIR beside its rivals, on photographs degraded in known ways, and the tables.
#
#   ./launch/vdir.sh DATA OUT [PRESET]      DATA: the folder with bsds400, cbsd68, kodak24 and set5;
#                                           PRESET: cpu (default)
#
# Trains on bsds400 blind VDIR, its restorer without the latent, DnCNN and FFDNet for white noise,
# VDIR for JPEGs and VDIR for super-resolution by 2. Started again it goes on where it stopped. Ends
# with report.md in OUT/awgn_cbsd68, OUT/awgn_kodak24, OUT/jpeg_kodak24 and OUT/x2_set5.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
use_environment
data=$1 out=$2 preset=${3:-cpu}

[ -e "$out/train" ] || senm-jax prepare folder "$out/train" --clean "$data/bsds400" --patch 96
trained() { # NAME CONFIG
    senm-jax train --config "$checkout/configs/$2.py:$preset" --workdir "$out/$1" \
        --config.data.stores="$out/train"
}
trained vdir vdir/awgn
trained naive vdir/awgn_naive
trained dncnn dncnn/awgn
trained ffdnet ffdnet/awgn
trained vdir_jpeg vdir/jpeg_rgb
trained vdir_x2 vdir/sr_x2

blind=(--run "$out/vdir" --run "$out/naive" --run "$out/dncnn" --run "$out/ffdnet")
noise=() jpeg=()
for sigma in 10 30 50 70; do noise+=(--degrade "awgn_fixed,sigma_255=$sigma"); done
for quality in 10 20 40 80; do jpeg+=(--degrade "jpeg,quality=$quality"); done
for photographs in cbsd68 kodak24; do
    senm-jax evaluate degraded "${blind[@]}" "${noise[@]}" --clean "$data/$photographs" \
        --out "$out/awgn_$photographs"
done
senm-jax evaluate degraded --run "$out/vdir_jpeg" "${jpeg[@]}" --clean "$data/kodak24" \
    --out "$out/jpeg_kodak24"
senm-jax evaluate degraded --run "$out/vdir_x2" --degrade blur,scale=2,widths=2 \
    --degrade blur,scale=2,widths=4:1,angle=-0.5 --clean "$data/set5" --out "$out/x2_set5"
