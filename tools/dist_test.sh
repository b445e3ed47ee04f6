#!/usr/bin/env bash
# Evaluates on several processes: NCCL with GPUs, gloo without.
#
#   bash tools/dist_test.sh CONFIG CHECKPOINT PROCESSES [options of tools/test.py]
#
# Many nodes: the same on each, with NNODES, NODE_RANK, MASTER_ADDR, PORT set.
set -eu
if [ $# -lt 3 ]; then
    echo "usage: $0 CONFIG CHECKPOINT PROCESSES [options of tools/test.py]" >&2
    exit 2
fi
tools=$(cd "$(dirname "$0")" && pwd)
config=$1 checkpoint=$2 processes=$3
shift 3
exec python "$tools/launch.py" "$processes" "$tools/test.py" "$config" "$checkpoint" \
    --launcher pytorch "$@"
