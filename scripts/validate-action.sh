#!/usr/bin/env bash
# Validates action.yml and the workflows with their schemas and a security linter, which are installed into a
# directory under target/. If they cannot be downloaded, the check is skipped with a message.
set -euo pipefail
cd "$(dirname "$0")/.."

tools=target/ci-tools
python=$tools/python/bin
mkdir -p "$tools"

fetch_tools() {
  if [ ! -x "$tools/node_modules/.bin/action-validator" ]; then
    npm install --silent --no-fund --no-audit --prefix "$tools" \
      @action-validator/core@0.6.0 @action-validator/cli@0.6.0 || return 1
  fi
  if [ ! -x "$python/zizmor" ] || [ ! -x "$python/check-jsonschema" ]; then
    python3 -m venv "$tools/python" && "$python/pip" install --quiet check-jsonschema zizmor || return 1
  fi
}

if ! fetch_tools; then
  echo "not checked: the validators cannot be installed here (they need npm, pip and a network)"
  exit 0
fi
workflows=(.github/workflows/*.yml)
mkdir -p "$tools/copies"
for file in action.yml "${workflows[@]}"; do
  # Its schema predates the `attestations` permission, which check-jsonschema supports.
  copy=$tools/copies/$(basename "$file")
  sed '/^ *attestations: write$/d' "$file" >"$copy"
  "$tools/node_modules/.bin/action-validator" "$copy"
done
"$python/check-jsonschema" --builtin-schema vendor.github-actions action.yml
"$python/check-jsonschema" --builtin-schema vendor.github-workflows "${workflows[@]}"
"$python/zizmor" --offline --quiet action.yml "${workflows[@]}"
