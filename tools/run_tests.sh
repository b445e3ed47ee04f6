#!/usr/bin/env bash
# Runs the tests, setting up .venv first if needed.
#
#   bash tools/run_tests.sh [options of pytest]       all tests
#   bash tools/run_tests.sh -m "not slow"             the fast ones
set -eu
cd "$(dirname "$0")/.."
. tools/setup_env.sh
exec python -m pytest "$@"
