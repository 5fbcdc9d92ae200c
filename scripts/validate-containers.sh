#!/usr/bin/env bash
# Packs keys into many random archives with other programs and checks that friskey finds each key at its path.
# Requires Python 3; uses zip, 7z and zstd if they are installed.
#
#   scripts/validate-containers.sh FRISKEY [COUNT [SEED]]
set -euo pipefail

friskey=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 "$here/validate_containers.py" pack "$work" "${2:-300}" "${3:-$RANDOM}"
status=0
(cd "$work/tree" && "$friskey" scan --no-ignore --format json . >"$work/report.json") || status=$?
if [ "$status" -ne 1 ]; then
  echo "exited with status $status although there are keys" >&2
  exit 1
fi
python3 "$here/validate_containers.py" check "$work"
