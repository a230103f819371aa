# Sourced by the other scripts, never run: gives them the checkout's virtual environment.
#
#   use_environment [EXTRAS]   makes or updates the environment with extras of setup.cfg
#                              (test, cuda, tpu, tfds; commas between) and puts it on PATH
#
# SENM_VENV    where the environment is; default: .venv in the checkout
# SENM_PYTHON  the Python to make it with; default: the newest of 3.13, 3.12, 3.11 that runs

checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# True where $1 runs, can make environments and is Python $2. A name on PATH is not enough:
# version managers put names there that refuse to run.
runs_python() {
    "$1" -c 'import ensurepip, sys, venv; sys.exit("%d.%d" % sys.version_info[:2] not in sys.argv)' \
        $2 >/dev/null 2>&1
}

find_python() {
    local version candidate
    if [ -n "${SENM_PYTHON:-}" ]; then
        if runs_python "$SENM_PYTHON" "3.11 3.12 3.13"; then
            echo "$SENM_PYTHON"
            return
        fi
        echo "SENM_PYTHON=$SENM_PYTHON is no Python 3.11, 3.12 or 3.13 that runs and has venv." >&2
        return 1
    fi
    for version in 3.13 3.12 3.11; do
        for candidate in "python$version" python3 python \
            "${PYENV_ROOT:-$HOME/.pyenv}/versions/$version".*/bin/python; do
            if runs_python "$candidate" "$version"; then
                echo "$candidate"
                return
            fi
        done
    done
    echo "Found no Python 3.11, 3.12 or 3.13 that runs and has venv; install one" >&2
    echo "(Debian, Ubuntu: apt-get install python3 python3-venv) or name it in SENM_PYTHON." >&2
    return 1
}

use_environment() {
    local extra=${1:-} venv=${SENM_VENV:-$checkout/.venv} python stamp
    if ! "$venv/bin/python" -c '' 2>/dev/null; then
        if [ -e "$venv" ] && [ ! -e "$venv/pyvenv.cfg" ]; then
            echo "$venv exists and is no virtual environment; move it or set SENM_VENV." >&2
            return 1
        fi
        python=$(find_python) || return 1
        echo "Making $venv with $("$python" --version)" >&2
        "$python" -m venv --clear "$venv" || return 1
    fi
    # What is installed depends on these alone; the package itself is installed editable.
    stamp=$(cat "$checkout/setup.cfg" "$checkout/pyproject.toml" - <<<"$checkout" | cksum)
    if [ "$(cat "$venv/installed.$extra" 2>/dev/null)" != "$stamp" ]; then
        echo "Installing senm-jax${extra:+ with $extra}; the first time takes some minutes" >&2
        "$venv/bin/python" -m pip install --disable-pip-version-check \
            --editable "$checkout${extra:+[$extra]}" >&2 || return 1
        echo "$stamp" >"$venv/installed.$extra"
        echo "$stamp" >"$venv/installed."
    fi
    export PATH="$venv/bin:$PATH"
}
