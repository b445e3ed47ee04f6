#!/usr/bin/env bash
# Trains as a Slurm job.
#
#   GPUS=16 bash tools/slurm_train.sh PARTITION JOB_NAME CONFIG [options of tools/train.py]
#
# See tools/slurm_run.sh for the environment variables.
set -eu
if [ $# -lt 3 ]; then
    echo "usage: $0 PARTITION JOB_NAME CONFIG [options of tools/train.py]" >&2
    exit 2
fi
tools=$(cd "$(dirname "$0")" && pwd)
partition=$1 job=$2
shift 2
exec bash "$tools/slurm_run.sh" "$partition" "$job" "$tools/train.py" "$@"
