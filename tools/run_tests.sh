#!/usr/bin/env bash
# Runs the tests; sets up .venv first if needed.
#
#   bash tools/run_tests.sh [options of pytest]       all but the exhaustive tests
#   bash tools/run_tests.sh -m "not slow"             only the fast ones
#   bash tools/run_tests.sh --slow-minutes 15         starts no slow test after 15 minutes
#   bash tools/run_tests.sh --exhaustive              also tests that take minutes each
#
# One worker per core, up to four; -n 0 runs the tests in this process.
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=tools/setup_env.sh
. tools/setup_env.sh
# with several threads per worker, threads mostly wait for each other
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
exec python -m pytest -n auto --maxprocesses 4 --dist worksteal "$@"
