#!/usr/bin/env bash
# Evaluates a checkpoint on several processes, over NCCL on GPUs or gloo on CPUs.
#
#   bash tools/dist_test.sh CONFIG CHECKPOINT PROCESSES [options of tools/test.py]
#
# On several nodes, run it on each with NNODES, NODE_RANK, MASTER_ADDR and PORT set.
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
