#!/usr/bin/env bash
# Validates reports against the requirements of their readers: SARIF with its JSON schema and Microsoft's
# validator; GitLab, JUnit and HTML with the rules in validate_reports.py. Not part of `cargo test`, because it
# installs dependencies (npm, pip) into a directory of its own.
#
#   scripts/validate-reports.sh [FILE...]    files end in .sarif .gitlab .junit .html; default: the snapshots of
#                                            tests/report
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
tools=${FRISKEY_VALIDATE_TOOLS:-${TMPDIR:-/tmp}/friskey-validate-tools}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if [ "$#" -eq 0 ]; then
  mkdir "$work/snapshots"
  for snapshot in "$here"/../tests/report/snapshots/*.{sarif,gitlab,junit,html}.snap; do
    # The report follows a header between two lines of `---`.
    sed '1,/^---$/d' "$snapshot" >"$work/snapshots/$(basename "$snapshot" .snap)"
  done
  set -- "$work"/snapshots/*
fi

mkdir -p "$tools"
multitool=$tools/node_modules/@microsoft/sarif-multitool-linux
if [ ! -d "$multitool" ]; then
  npm install --silent --no-fund --no-audit --prefix "$tools" @microsoft/sarif-multitool-linux@5.7.0
fi
if [ ! -x "$tools/python/bin/python" ]; then
  python3 -m venv "$tools/python"
  "$tools/python/bin/pip" install --quiet jsonschema==4.26.0
fi

sarif=()
files=()
for file in "$@"; do
  copy=$work/$(basename "$file")
  # Snapshots have a placeholder in place of the version.
  sed 's/"VERSION"/"0.0.0"/' "$file" >"$copy"
  files+=("$copy")
  case $file in *.sarif) sarif+=("$copy") ;; esac
done

"$tools/python/bin/python" "$here/validate_reports.py" "$multitool/sarif-2.1.0.json" "${files[@]}"
if [ "${#sarif[@]}" -gt 0 ]; then
  "$tools/node_modules/.bin/sarif-multitool-linux" validate "${sarif[@]}" | tee "$work/validator.log"
  if grep -Eq '\): (error|warning) ' "$work/validator.log"; then
    echo "the SARIF validator reported errors" >&2
    exit 1
  fi
fi
echo "all valid"
