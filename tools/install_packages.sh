#!/usr/bin/env bash
# Installs this package and all of its dependencies into the active environment.
# tools/setup_env.sh calls this.
#
# STACK=official installs the OpenMMLab packages with PyTorch 2.1; the default, STACK=onedl,
# their OneDL forks with PyTorch 2.11.
#
# mmcv's operators are compiled once for each combination of versions: its wheel is kept in
# ~/.cache/vitae_mm (or XDG_CACHE_HOME).
set -eu
cd "$(dirname "$0")/../requirements"

stack=${STACK:-onedl}
case $stack in
    onedl) mmcv=onedl-mmcv ;;
    official) mmcv=mmcv ;;
    *)
        echo "setup: STACK=$stack is unknown: choose onedl or official." >&2
        exit 1
        ;;
esac
# refuses environments whose packages would not go together
python ../vitae_mm/environment.py "$stack"

pip=(python -m pip install -q)
if command -v uv >/dev/null || python -m pip install -q uv 2>/dev/null; then
    # not into another environment that uv finds, such as .venv in a parent folder
    pip=(uv pip install -q --python "$(python -c 'import sys; print(sys.executable)')")
    # the cache may be on another file system, where hard links fail
    export UV_LINK_MODE=copy
fi
constraints=(-c "constraints-$stack.txt")

# runs a command and prints how long it took
timed() {
    local what=$1 start=$SECONDS
    shift
    echo "setup: $what"
    "$@"
    echo "setup: done in $((SECONDS - start)) s"
}

timed "installing PyTorch and build tools" "${pip[@]}" -r build.txt "${constraints[@]}"

mmcv+=$(grep -o "^$mmcv==.*" "constraints-$stack.txt" | sed "s/^$mmcv//")
wheels=${XDG_CACHE_HOME:-$HOME/.cache}/vitae_mm/$(python - "$mmcv" <<'PYTHON'
import os, platform, sys, sysconfig, torch

# as mmcv's setup.py decides
cuda = torch.cuda.is_available() or os.environ.get('FORCE_CUDA') == '1'
devices = range(torch.cuda.device_count())
capabilities = '-'.join(
    ['cuda', *sorted({'{}.{}'.format(*torch.cuda.get_device_capability(i)) for i in devices})]
)
print(
    sys.argv[1].replace('==', '-'),
    f'torch-{torch.__version__}',
    'cpu' if not cuda else os.environ.get('TORCH_CUDA_ARCH_LIST') or capabilities,
    f"{sysconfig.get_config_var('SOABI')}-{platform.libc_ver()[1]}",
    sep='_',
)
PYTHON
)
if compgen -G "$wheels/*.whl" >/dev/null; then
    echo "setup: using mmcv's wheel in $wheels"
else
    mkdir -p "${wheels%/*}"
    building=$(mktemp -d "$wheels.XXXXXX")
    trap 'rm -rf "$building"' EXIT
    # without the debug information that Python's flags request, compiling is a third faster
    CFLAGS="${CFLAGS:-} -g0" timed \
        "compiling mmcv takes about 8 minutes on two cores; its wheel is kept in $wheels" \
        python -m pip wheel -q --no-deps --no-build-isolation --no-cache-dir -w "$building" "$mmcv"
    # another process may have been faster
    mv -T "$building" "$wheels" 2>/dev/null || compgen -G "$wheels/*.whl" >/dev/null
fi
"${pip[@]}" --no-deps "$wheels"/*.whl
timed "installing the OpenMMLab packages" "${pip[@]}" -r "$stack.txt" "${constraints[@]}"
# not from a cache, which might hold a build for another version of NumPy
timed "installing mmpose" python -m pip install -q --no-deps --no-build-isolation --no-cache-dir \
    --no-binary xtcocotools -r pose.txt
"${pip[@]}" --no-deps -r attacks.txt
timed "installing other packages" "${pip[@]}" -r runtime.txt -r tests.txt -r lint.txt "${constraints[@]}"
if ! python -c 'import cv2' 2>/dev/null; then
    echo "setup: no OpenGL library found, installing OpenCV without windows"
    python -m pip install -q --force-reinstall --no-deps opencv-python-headless "${constraints[@]}"
fi
"${pip[@]}" --no-deps -e ..
