#!/usr/bin/env bash
# Builds the documentation site in docs/_build/html. Warnings, among them links to pages and
# headings that do not exist, are errors.
#
#   bash docs/build.sh [options of sphinx-build]
set -eu
cd "$(dirname "$0")/.."

if ! python -c 'import furo, myst_nb, sphinx, sphinx_copybutton, sphinxcontrib.mermaid' 2>/dev/null; then
    echo "error: packages for the docs are missing: pip install -r requirements/docs.txt" >&2
    exit 1
fi
# -E: the navigation, which conf.py appends to the first page, is not among what Sphinx compares
python -m sphinx -E -W --keep-going -q -c docs "$@" . docs/_build/html
echo "docs: wrote docs/_build/html/index.html"
