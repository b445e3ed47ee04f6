#!/usr/bin/env bash
# Sets up .venv with everything the project stands on; done again it only looks.
#
#   source tools/setup_env.sh      (also activates .venv in this shell)
#
# PYTHON=python3.11 chooses the interpreter. uv is used where it can be had.

_vitae_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

_vitae_fail() {
    echo "setup: $*" >&2
    return 1
}

_vitae_python() {
    local candidate
    for candidate in ${PYTHON:-python3.12 python3.11 python3.10 python3}; do
        if "$candidate" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 13))' \
            2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    _vitae_fail "needs Python 3.10, 3.11 or 3.12, found ${PYTHON:-$(python3 --version 2>&1)}." \
        "Install one (Debian, Ubuntu: apt install python3.11 python3.11-venv) and name it:" \
        "PYTHON=python3.11"
}

_vitae_install() {
    local lists=("$_vitae_root"/requirements/*.txt)
    local stamp="$_vitae_root/.venv/.installed"
    local wanted
    wanted=$(cat "${lists[@]}" "$_vitae_root/setup.py" | cksum)
    # shellcheck disable=SC1091
    if [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
        . "$_vitae_root/.venv/bin/activate"
        return
    fi

    local python
    python=$(_vitae_python) || return 1
    if ! command -v "${CXX:-c++}" >/dev/null; then
        _vitae_fail "needs a C++ compiler to build mmcv's operators, found none." \
            "Install one (Debian, Ubuntu: apt install g++; Fedora: dnf install gcc-c++)," \
            "or name yours in CXX."
        return 1
    fi
    if ! "$python" -c 'import sysconfig, os, sys
sys.exit(not os.path.exists(os.path.join(sysconfig.get_paths()["include"], "Python.h")))'; then
        _vitae_fail "needs the headers of $python to build mmcv's operators." \
            "Install them (Debian, Ubuntu: apt install python3-dev)."
        return 1
    fi
    if [ ! -x "$_vitae_root/.venv/bin/python" ]; then
        "$python" -m venv "$_vitae_root/.venv" || {
            _vitae_fail "$python could not make .venv" \
                "(Debian, Ubuntu: apt install python3-venv)."
            return 1
        }
    fi
    . "$_vitae_root/.venv/bin/activate"

    local pip=(python -m pip install -q)
    if command -v uv >/dev/null || python -m pip install -q uv 2>/dev/null; then
        pip=(uv pip install -q)
        # the cache may lie on another file system
        export UV_LINK_MODE=copy
    fi
    (
        set -e
        cd "$_vitae_root/requirements"
        echo "setup: torch and build tools, with ${pip[*]}"
        "${pip[@]}" -r build.txt -c constraints.txt
        if "${pip[@]}" --only-binary onedl-mmcv -r mminstall.txt -c constraints.txt \
            2>/dev/null; then
            echo "setup: OpenMMLab packages, mmcv prebuilt"
        else
            echo "setup: OpenMMLab packages; compiling mmcv takes about 10 minutes on two cores," \
                "once: the built wheel is cached"
            "${pip[@]}" --no-build-isolation -r mminstall.txt -c constraints.txt
        fi
        "${pip[@]}" --no-deps --no-build-isolation --no-binary xtcocotools -r pose.txt
        "${pip[@]}" -r tests.txt -c constraints.txt
        if ! python -c 'import cv2' 2>/dev/null; then
            echo "setup: no OpenGL library here, using OpenCV without windows"
            "${pip[@]}" --reinstall --no-deps opencv-python-headless 2>/dev/null ||
                "${pip[@]}" --force-reinstall --no-deps opencv-python-headless
        fi
        "${pip[@]}" --no-build-isolation --no-deps -e ..
    ) || {
        _vitae_fail "an install step failed, see above. Remove .venv to start anew."
        return 1
    }
    echo "$wanted" >"$stamp"
}

_vitae_install
