#!/usr/bin/env bash
# Runs the tests, setting up .venv first if needed.
#
#   bash tools/run_tests.sh [options of pytest]       all tests
#   bash tools/run_tests.sh -m "not slow"             the fast ones
#   bash tools/run_tests.sh --exhaustive              with those of minutes each
set -eu
cd "$(dirname "$0")/.."
. tools/setup_env.sh
exec python -m pytest "$@"
