#!/usr/bin/env bash
# Evaluates a checkpoint as a Slurm job.
#
#   GPUS=8 bash tools/slurm_test.sh PARTITION JOB_NAME CONFIG CHECKPOINT [options of tools/test.py]
#
# See tools/slurm_run.sh for the environment variables.
set -eu
if [ $# -lt 4 ]; then
    echo "usage: $0 PARTITION JOB_NAME CONFIG CHECKPOINT [options of tools/test.py]" >&2
    exit 2
fi
tools=$(cd "$(dirname "$0")" && pwd)
partition=$1 job=$2
shift 2
exec bash "$tools/slurm_run.sh" "$partition" "$job" "$tools/test.py" "$@"
