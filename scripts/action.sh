#!/usr/bin/env bash
# What action.yml does, as a script so that tests can run it as the runner does. All that comes from outside
# comes in variables, and stays quoted.
#
#   action.sh install | build | scan | upload-failed
set -euo pipefail

# One line that GitHub shows; `%`, CR and LF would end it, or begin another command.
annotate() {
  local level=$1 text=$2
  text=${text//'%'/%25}
  text=${text//$'\r'/%0D}
  text=${text//$'\n'/%0A}
  printf '::%s title=friskey::%s\n' "$level" "$text"
}

fail() {
  annotate error "$1"
  exit 2
}

# Outputs are one line each.
output() {
  printf '%s=%s\n' "$1" "${2//[$'\r\n']/ }" >>"$GITHUB_OUTPUT"
}

digest() {
  if command -v sha256sum >/dev/null; then sha256sum "$@"; else shasum -a 256 "$@"; fi
}

# The tag of the release that is asked for; nothing when it is to be built.
wanted_tag() {
  local version=${INPUT_VERSION:-}
  if [ -z "$version" ] && [[ ${ACTION_REF:-} =~ ^v[0-9]+\.[0-9]+\.[0-9]+$ ]]; then
    version=$ACTION_REF
  fi
  case $version in
    '' | source) return ;;
  esac
  version=${version#v}
  if [[ ! $version =~ ^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$ ]]; then
    fail "the input \`version\` is a release, 1.2.3 say, or \`source\`"
  fi
  printf 'v%s' "$version"
}

# The name under which releases have this machine; nothing when they do not.
release_target() {
  case ${RUNNER_OS:-}-${RUNNER_ARCH:-} in
    Linux-X64) printf x86_64-unknown-linux-musl ;;
    Linux-ARM64) printf aarch64-unknown-linux-musl ;;
    macOS-X64) printf x86_64-apple-darwin ;;
    macOS-ARM64) printf aarch64-apple-darwin ;;
    Windows-X64) printf x86_64-pc-windows-msvc ;;
  esac
}

# Fetches FILE of the release into a folder.
fetch() {
  local url=$1 to=$2
  local arguments=(--fail --silent --show-error --location --retry 3 --output "$to")
  # On standard input, where no list of processes shows it.
  if [ -n "${INPUT_TOKEN:-}" ]; then
    printf 'header = "Authorization: Bearer %s"\n' "$INPUT_TOKEN" | curl "${arguments[@]}" --config - -- "$url"
  else
    curl "${arguments[@]}" -- "$url"
  fi
}

# Downloads, compares the checksum, unpacks. Status 1 when there is no such release.
download() {
  local tag=$1 target=$2 bin=$3 folder name url expected actual
  folder=$(mktemp -d "$RUNNER_TEMP/friskey.XXXXXX")
  name=friskey-$target.tar.gz
  url=${GITHUB_SERVER_URL:-https://github.com}/${ACTION_REPOSITORY:?}/releases/download/$tag
  fetch "$url/$name" "$folder/$name" && fetch "$url/$name.sha256" "$folder/$name.sha256" || return 1
  read -r expected _ <"$folder/$name.sha256" || true
  actual=$(digest "$folder/$name")
  if [ -z "$expected" ] || [ "$expected" != "${actual%% *}" ]; then
    fail "the checksum of $name is not the one that release $tag states"
  fi
  mkdir -p "$bin"
  tar -xzf "$folder/$name" -C "$bin"
}

# What a build depends on.
source_digest() {
  (
    cd "$GITHUB_ACTION_PATH"
    find Cargo.toml Cargo.lock src rules -type f | LC_ALL=C sort | while IFS= read -r file; do
      digest "$file"
    done | digest | cut -c 1-16
  )
}

install() {
  local tag target bin
  tag=$(wanted_tag) || { printf '%s\n' "$tag"; exit 2; }
  target=$(release_target)
  bin=$RUNNER_TEMP/friskey-${tag:-source}
  output bin "$bin"
  if [ -x "$bin/friskey" ] || [ -x "$bin/friskey.exe" ]; then
    return
  fi
  if [ -n "$tag" ] && [ -n "$target" ]; then
    local status=0
    # Not as a condition, under which a failing command would be passed over.
    set +e
    (set -e; download "$tag" "$target" "$bin")
    status=$?
    set -e
    case $status in
      0) return ;;
      2) exit 2 ;;
    esac
    if [ -n "${INPUT_VERSION:-}" ]; then
      fail "release $tag cannot be fetched for $target"
    fi
    annotate notice "release $tag cannot be fetched; building from source"
  elif [ -n "$tag" ] && [ -n "${INPUT_VERSION:-}" ]; then
    fail "releases are not made for this machine; set the input \`version\` to \`source\`"
  fi
  output build true
  output key "friskey-${RUNNER_OS:-}-${RUNNER_ARCH:-}-$(source_digest)"
}

build() {
  local root=$RUNNER_TEMP/friskey-build
  command -v cargo >/dev/null || fail "there is no cargo to build friskey with; set the input \`version\` to a release"
  cargo install --locked --path "$GITHUB_ACTION_PATH" --root "$root"
  mkdir -p "$FRISKEY_BIN"
  cp "$root/bin/friskey"* "$FRISKEY_BIN/"
}

# Counts from the report in JSON lines. Within strings a quote has a backslash before it, so that no
# text of a report can look like one of these names.
counts() {
  awk '
    function number(name,    at) {
      at = index($0, "\"" name "\":")
      return at == 0 ? 0 : substr($0, at + length(name) + 3) + 0
    }
    /^\{"type":"leak"/ { open = gsub(/"suppressed":null/, "&"); findings += open; leaks += open > 0 }
    /^\{"type":"end"/ {
      commits = number("commits")
      blobs = number("blobs")
      if (match($0, /"range: [^"\\(]*/)) range = substr($0, RSTART + 8, RLENGTH - 8)
      sub(/ +$/, "", range)
    }
    END {
      printf "findings=%d\nleaks=%d\ncommits=%d\nblobs=%d\nrange=%s\n", findings, leaks, commits, blobs, range
    }
  ' "$1"
}

scan() {
  local sarif=${INPUT_SARIF_FILE:-friskey.sarif} mode=${INPUT_MODE:-auto} status=0
  local report paths=() options=()
  report=$(mktemp "$RUNNER_TEMP/friskey-report.XXXXXX")
  while IFS= read -r path; do
    path=${path%$'\r'}
    if [ -n "$path" ]; then paths+=("$path"); fi
  done <<<"${INPUT_PATHS:-.}"
  case $mode in
    auto) options=(ci) ;;
    tree) options=(scan) ;;
    history) options=(history) ;;
    *) fail "the input \`mode\` is auto, tree or history" ;;
  esac
  if [ "$mode" != tree ] && [ "${#paths[@]}" -ne 1 ]; then
    fail "the input \`paths\` is one folder, unless \`mode\` is tree"
  fi
  if [ "${#paths[@]}" -eq 0 ]; then fail "the input \`paths\` is empty"; fi
  case ${INPUT_FAIL_ON_FINDINGS:-true} in
    true | false) ;;
    *) fail "the input \`fail-on-findings\` is true or false" ;;
  esac
  mkdir -p -- "$(dirname -- "$sarif")"
  rm -f -- "$sarif"
  options+=(--no-progress --format github "--output=jsonl=$report" "--output=sarif=$sarif")
  if [ -n "${INPUT_CONFIG:-}" ]; then options+=("--config=$INPUT_CONFIG"); fi
  if [ -n "${INPUT_BASELINE:-}" ]; then options+=("--baseline=$INPUT_BASELINE"); fi
  if [ -n "${INPUT_MIN_CONFIDENCE:-}" ]; then options+=("--min-confidence=$INPUT_MIN_CONFIDENCE"); fi
  "$FRISKEY_BIN/friskey" "${options[@]}" -- "${paths[@]}" || status=$?
  output exit-code "$status"
  if [ "$status" -gt 3 ]; then fail "friskey ended with status $status"; fi
  if [ "$status" -eq 2 ]; then exit 2; fi
  counts "$report" >>"$GITHUB_OUTPUT"
  output sarif "$sarif"
  if [ "$status" -lt 2 ]; then output upload true; fi
  if [ "$status" -eq 1 ] && [ "${INPUT_FAIL_ON_FINDINGS:-true}" = false ]; then exit 0; fi
  exit "$status"
}

case ${1:-} in
  install | build | scan) "$1" ;;
  upload-failed)
    annotate warning "the report could not be uploaded to code scanning; the scan itself is not affected. A pull request \
from a fork has no right to; else grant \`security-events: write\`."
    ;;
  *)
    echo "usage: action.sh install | build | scan | upload-failed" >&2
    exit 2
    ;;
esac
