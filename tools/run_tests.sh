#!/usr/bin/env bash
# Runs the tests, setting up .venv first if needed.
#
#   bash tools/run_tests.sh [options of pytest]       all tests
#   bash tools/run_tests.sh -m "not slow"             the fast ones
#   bash tools/run_tests.sh --slow-minutes 15         slow ones while there is time
#   bash tools/run_tests.sh --exhaustive              with those of minutes each
#
# One worker a core, up to four; -n 0 runs in this process alone.
set -eu
cd "$(dirname "$0")/.."
. tools/setup_env.sh
# several threads in each of several processes wait for each other most of the time
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
exec python -m pytest -n auto --maxprocesses 4 --dist worksteal "$@"
