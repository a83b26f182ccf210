#!/usr/bin/env bash
# Runs the tests with the lowest allowed version of each direct dependency.
# Further arguments are passed to pytest.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PWD/.venv/bin:$PATH

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
uv venv --quiet --python 3.11 "$folder"
uv pip install --quiet --python "$folder/bin/python" --resolution lowest-direct -r requirements-dev.txt
"$folder/bin/python" -m pytest "$@"
