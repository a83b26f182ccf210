#!/usr/bin/env bash
# Compares the locked versions with the known vulnerabilities. Needs the internet.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PWD/.venv/bin:$PATH

# --strict: a version that could not be looked up is no version without vulnerabilities.
uvx 'pip-audit>=2.10,<3' --strict --requirement deploy/requirements.lock --require-hashes --disable-pip
