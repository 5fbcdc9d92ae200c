#!/usr/bin/env bash
# Builds the Python wheel, installs it into a clean virtual environment, and runs it there. If maturin cannot be
# downloaded, the check is skipped with a message.
set -euo pipefail
cd "$(dirname "$0")/.."

tools=target/wheel-tools
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ ! -x "$tools/bin/maturin" ]; then
  if ! { python3 -m venv "$tools" && "$tools/bin/pip" install --quiet --disable-pip-version-check 'maturin>=1.9,<2'; }; then
    echo "not checked: maturin cannot be installed here (it needs pip and a network)"
    exit 0
  fi
fi
"$tools/bin/maturin" build --release --locked --out "$work/dist"
python3 -m venv "$work/clean"
clean=$work/clean/bin
"$clean/pip" install --quiet --disable-pip-version-check --no-index "$work"/dist/*.whl
version=$("$clean/friskey" --version)
if [ "$version" != "friskey $(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)" ]; then
  echo "the program in the wheel reports version $version" >&2
  exit 1
fi
"$clean/friskey" rules check
"$clean/friskey" scan --quiet scripts
python3 - "$work"/dist/*.whl <<'PY'
import sys
import zipfile

names = zipfile.ZipFile(sys.argv[1]).namelist()
licences = [name for name in names if "/licenses/LICENSE-" in name]
programs = [name for name in names if ".data/scripts/friskey" in name]
if len(licences) != 2 or len(programs) != 1:
    sys.exit(f"the wheel lacks a license or the program: {names}")
print(f"{sys.argv[1].rsplit('/', 1)[-1]}: {len(names)} files")
PY
