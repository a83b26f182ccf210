#!/usr/bin/env bash
# Checks the locked versions for known vulnerabilities. Needs the internet.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PWD/.venv/bin:$PATH

# --strict: fail if a version cannot be checked.
uvx 'pip-audit>=2.10,<3' --strict --requirement deploy/requirements.lock --require-hashes --disable-pip
