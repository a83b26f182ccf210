#!/usr/bin/env bash
# Compares the locked versions with the known vulnerabilities. Needs uv and the internet.
set -euo pipefail
cd "$(dirname "$0")/.."

uvx pip-audit --requirement deploy/requirements.lock --require-hashes --disable-pip
