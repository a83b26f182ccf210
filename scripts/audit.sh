#!/usr/bin/env bash
# Compares the locked versions with the known vulnerabilities. Needs the internet.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PWD/.venv/bin:$PATH

uvx pip-audit --requirement deploy/requirements.lock --require-hashes --disable-pip
