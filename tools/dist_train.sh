#!/usr/bin/env bash
# Trains on several processes, over NCCL on GPUs or gloo on CPUs.
#
#   bash tools/dist_train.sh CONFIG PROCESSES [options of tools/train.py]
#
# On several nodes, run it on each with NNODES, NODE_RANK, MASTER_ADDR and PORT set.
set -eu
if [ $# -lt 2 ]; then
    echo "usage: $0 CONFIG PROCESSES [options of tools/train.py]" >&2
    exit 2
fi
tools=$(cd "$(dirname "$0")" && pwd)
config=$1 processes=$2
shift 2
exec python "$tools/launch.py" "$processes" "$tools/train.py" "$config" --launcher pytorch "$@"
