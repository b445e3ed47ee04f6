#!/usr/bin/env bash
# Installs this package and all of its dependencies into the active environment.
# tools/setup_env.sh calls this.
set -eu
cd "$(dirname "$0")/../requirements"

pip=(python -m pip install -q)
if command -v uv >/dev/null || python -m pip install -q uv 2>/dev/null; then
    pip=(uv pip install -q)
    # the cache may be on another file system, where hard links fail
    export UV_LINK_MODE=copy
fi

echo "setup: installing PyTorch and build tools with ${pip[*]}"
"${pip[@]}" -r build.txt -c constraints.txt
if "${pip[@]}" --only-binary onedl-mmcv -r mminstall.txt -c constraints.txt 2>/dev/null; then
    echo "setup: installed the OpenMMLab packages, mmcv from a wheel"
else
    echo "setup: installing the OpenMMLab packages; compiling mmcv takes about 8 minutes on two" \
        "cores, once for this environment"
    # without the debug information that Python's flags request, compiling is a third faster
    CFLAGS="${CFLAGS:-} -g0" "${pip[@]}" --no-build-isolation -r mminstall.txt -c constraints.txt
fi
"${pip[@]}" --no-deps --no-build-isolation --no-binary xtcocotools -r pose.txt
"${pip[@]}" --no-deps -r attacks.txt
"${pip[@]}" -r runtime.txt -r tests.txt -r lint.txt -c constraints.txt
if ! python -c 'import cv2' 2>/dev/null; then
    echo "setup: no OpenGL library found, installing OpenCV without windows"
    python -m pip install -q --force-reinstall --no-deps opencv-python-headless
fi
"${pip[@]}" --no-build-isolation --no-deps -e ..
