# Sourced by polyu.sh and polyu_models.sh with their arguments DATA OUT [PRESET], never run: the
# steps that both are made of. What is there already is not made again.
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
use_environment
data=$1 out=$2 preset=${3:-cpu}
configs=$checkout/configs

prepared() { # NAME PAIRS PATCHES SIDE: so many patches a scene
    [ -e "$out/$1" ] || senm-jax prepare polyu "$data" "$out/$1" --pairs "$2" --per-scene "$3" \
        --patch "$4" --match-mean
}
trained() { # NAME CONFIG STORE [CHANGE...]
    senm-jax train --config "$configs/$2/polyu.py:$preset" --config.data.stores="$3" \
        --config.data.validation="$out/all/test" --workdir "$out/$1" "${@:4}"
}
made() { # NAME RUN [FLAG...]: pairs, of the same clean patches whatever the noise model
    [ -e "$out/$1" ] || senm-jax synthesize --run "$out/$2" --clean "$out/few96/train" \
        --out "$out/$1" "${@:3}"
}
runs() { # FLAG NAME...: the flag before each run's folder, a word a line
    local name
    for name in "${@:2}"; do printf '%s\n' "$1" "$out/$name"; done
}
