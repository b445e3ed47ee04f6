#!/usr/bin/env bash
# Runs a script as a Slurm job with one task per GPU; called by slurm_train.sh and
# slurm_test.sh.
#
#   bash tools/slurm_run.sh PARTITION JOB_NAME SCRIPT [ARGUMENTS ...]
#
# Environment variables: GPUS (default 8), GPUS_PER_NODE (8), CPUS_PER_TASK (5), PORT
# (derived from the job id) and SRUN_ARGS. GPUS_PER_NODE=0 runs GPUS tasks on CPUs.
set -eu
partition=$1 job=$2
shift 2
tasks=${GPUS:-8} per_node=${GPUS_PER_NODE:-8}
export CPUS_PER_TASK=${CPUS_PER_TASK:-5}
placement=(--ntasks="$tasks" --cpus-per-task="$CPUS_PER_TASK")
if [ "$per_node" -gt 0 ]; then
    [ "$per_node" -le "$tasks" ] || per_node=$tasks
    placement+=(--gres="gpu:$per_node" --ntasks-per-node="$per_node")
else
    export CUDA_VISIBLE_DEVICES=-1 OMP_NUM_THREADS=${OMP_NUM_THREADS:-$CPUS_PER_TASK}
fi
# each task looks up the first node of the job, which runs rank 0
# shellcheck disable=SC2016,SC2086
exec srun -p "$partition" --job-name="$job" "${placement[@]}" --kill-on-bad-exit=1 \
    ${SRUN_ARGS:-} bash -c '
        MASTER_ADDR=$(scontrol show hostnames "$SLURM_NODELIST" | head -n 1)
        MASTER_PORT=${PORT:-$((20000 + SLURM_JOB_ID % 20000))}
        export MASTER_ADDR MASTER_PORT
        exec python -u "$@" --launcher slurm' slurm_task "$@"
