#!/usr/bin/env bash
# Installs everything the project stands on into the active environment;
# tools/setup_env.sh calls this.
set -eu
cd "$(dirname "$0")/../requirements"

pip=(python -m pip install -q)
if command -v uv >/dev/null || python -m pip install -q uv 2>/dev/null; then
    pip=(uv pip install -q)
    # the cache may lie on another file system
    export UV_LINK_MODE=copy
fi

echo "setup: torch and build tools, with ${pip[*]}"
"${pip[@]}" -r build.txt -c constraints.txt
if "${pip[@]}" --only-binary onedl-mmcv -r mminstall.txt -c constraints.txt 2>/dev/null; then
    echo "setup: OpenMMLab packages, mmcv prebuilt"
else
    echo "setup: OpenMMLab packages; compiling mmcv takes about 8 minutes on two cores, once" \
        "for this .venv"
    # without the debug information that Python's own flags ask for: a third faster
    CFLAGS="${CFLAGS:-} -g0" "${pip[@]}" --no-build-isolation -r mminstall.txt -c constraints.txt
fi
"${pip[@]}" --no-deps --no-build-isolation --no-binary xtcocotools -r pose.txt
"${pip[@]}" --no-deps -r attacks.txt
"${pip[@]}" -r tests.txt -c constraints.txt
if ! python -c 'import cv2' 2>/dev/null; then
    echo "setup: no OpenGL library here, using OpenCV without windows"
    python -m pip install -q --force-reinstall --no-deps opencv-python-headless
fi
"${pip[@]}" --no-build-isolation --no-deps -e ..
