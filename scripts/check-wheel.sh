#!/usr/bin/env bash
# Builds the Python wheel, installs it into a clean virtual environment, and runs it there.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/build"
"$work/build/bin/pip" install --quiet 'maturin>=1.9,<2'
"$work/build/bin/maturin" build --release --locked --out "$work/dist"
python3 -m venv "$work/clean"
"$work/clean/bin/pip" install --quiet --no-index "$work"/dist/*.whl
version=$("$work/clean/bin/friskey" --version)
echo "$version"
[ "$version" = "friskey $(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)" ]
"$work/clean/bin/friskey" rules check
ls -l "$work"/dist
