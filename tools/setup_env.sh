#!/usr/bin/env bash
# Creates .venv with everything the project needs and activates it in this shell. If .venv is up
# to date, only activates it.
#
#   . tools/setup_env.sh
#
# STACK=official creates .venv-official instead, with PyTorch 2.1 and the official OpenMMLab
# packages. PYTHON=python3.11 selects the interpreter. Packages are installed with uv if it is
# available.

_vitae_root=$(cd "$(dirname "${BASH_SOURCE[0]:-$0}")/.." && pwd)

_vitae_fail() {
    echo "setup: $*" >&2
    return 1
}

_vitae_find_python() {
    local candidate
    # zsh splits the output of a command into words, but no variable
    # shellcheck disable=SC2116
    for candidate in $(echo "${PYTHON:-$_vitae_pythons}"); do
        # -S: the packages of the interpreter itself do not matter
        if "$candidate" -S "$_vitae_root/vitae_mm/environment.py" "${STACK:-onedl}" 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    "$candidate" -S "$_vitae_root/vitae_mm/environment.py" "${STACK:-onedl}"
    _vitae_fail "no suitable Python was found. Install one (Debian, Ubuntu: apt install python3.11" \
        "python3.11-venv) and select it with PYTHON=python3.11."
}

_vitae_check_compiler() {
    if ! command -v "${CXX:-c++}" >/dev/null; then
        _vitae_fail "building mmcv's operators requires a C++ compiler, but ${CXX:-c++} was not found." \
            "Install one (Debian, Ubuntu: apt install g++; Fedora: dnf install gcc-c++)," \
            "or set CXX to yours."
    elif ! "$1" -c 'import os, sys, sysconfig
sys.exit(not os.path.exists(os.path.join(sysconfig.get_paths()["include"], "Python.h")))'; then
        _vitae_fail "building mmcv's operators requires the headers of $1, which are missing." \
            "Install them (Debian, Ubuntu: apt install python3-dev)."
    fi
}

_vitae_setup() {
    local _vitae_venv _vitae_pythons
    case ${STACK:-onedl} in
        onedl)
            _vitae_venv=$_vitae_root/.venv
            _vitae_pythons='python3.12 python3.11 python3.10 python3'
            ;;
        official)
            _vitae_venv=$_vitae_root/.venv-official
            _vitae_pythons='python3.11 python3.10 python3'
            ;;
        *)
            _vitae_fail "STACK=$STACK is unknown: choose onedl or official."
            return
            ;;
    esac
    local stamp="$_vitae_venv/.installed" wanted python
    wanted=$(cat "$_vitae_root"/requirements/*.txt | cksum)
    if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
        python=$(_vitae_find_python) && _vitae_check_compiler "$python" || return 1
        if [ ! -x "$_vitae_venv/bin/python" ]; then
            "$python" -m venv "$_vitae_venv" || {
                _vitae_fail "$python could not create $_vitae_venv" \
                    "(Debian, Ubuntu: apt install python3-venv)."
                return 1
            }
        fi
    fi
    # shellcheck disable=SC1091
    . "$_vitae_venv/bin/activate"
    if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
        # zsh does not export the variable of STACK=official . tools/setup_env.sh
        STACK=${STACK:-onedl} bash "$_vitae_root/tools/install_packages.sh" || {
            _vitae_fail "an installation step failed, see above. To start over, remove $_vitae_venv."
            return 1
        }
        echo "$wanted" >"$stamp"
    fi
}

_vitae_setup
