#!/bin/sh
# Installs the program into a folder of its own, exactly as it was tested: every package from requirements.lock,
# by its hash, and this checkout as a wheel. Usage: tools/install.sh FOLDER; then FOLDER/bin/salvage-book.
set -eu
checkout=$(cd "$(dirname "$0")/.." && pwd)
wheels=$(mktemp -d)
trap 'rm -rf "$wheels"' EXIT
"${PYTHON:-python3}" -m venv "$1"
python=$(cd "$1" && pwd)/bin/python
"$python" -m pip install --quiet --disable-pip-version-check --require-hashes --requirement "$checkout/requirements.lock"
(cd "$checkout" && "$python" -m hatchling build --target wheel --directory "$wheels" >/dev/null)
"$python" -m pip install --quiet --disable-pip-version-check --no-index --no-deps --force-reinstall "$wheels"/*.whl
