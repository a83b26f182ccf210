#!/usr/bin/env bash
# Writes deploy/requirements.lock: exact versions with hashes, for every platform.
# To upgrade everything to the newest allowed version: scripts/lock.sh --upgrade
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PWD/.venv/bin:$PATH

uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
  --no-emit-index-url --custom-compile-command scripts/lock.sh "$@" \
  deploy/requirements.txt --output-file deploy/requirements.lock
