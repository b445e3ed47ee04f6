#!/usr/bin/env bash
# Runs the tests; sets up .venv first if needed.
#
#   bash tools/run_tests.sh [options of pytest]       runs all but the exhaustive tests
#   bash tools/run_tests.sh -m "not slow"             runs only the fast tests
#   bash tools/run_tests.sh --slow-minutes 15         starts no slow test after 15 minutes
#   bash tools/run_tests.sh --exhaustive              also runs tests that take minutes each
#
# STACK=official runs them in .venv-official, with PyTorch 2.1 and the official OpenMMLab packages.
# It starts one worker per core, up to four; -n 0 runs the tests in a single process.
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=tools/setup_env.sh
. tools/setup_env.sh
# several threads per worker would mostly wait for each other
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
exec python -m pytest -n auto --maxprocesses 4 --dist worksteal "$@"
