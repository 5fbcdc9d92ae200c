#!/usr/bin/env bash
# Implements action.yml, as a script so that tests can run it like the runner does. All external values are
# passed in variables and quoted.
#
#   action.sh install | build | scan | upload-failed
#
# The current directory is the workspace, where anything may come from the author of the change. Therefore no
# program is looked up there, no program is started that reads its settings from there, and nothing is written
# there through a link.
set -euo pipefail

# Variables through which a workflow could change what bash and the programs below do.
unset BASH_ENV ENV CDPATH GLOBIGNORE POSIXLY_CORRECT TAR_OPTIONS GZIP GREP_OPTIONS CURL_HOME

# The directory with all links and `..` resolved; status 1 if it is not a directory.
real_dir() {
  (cd -P -- "$1" 2>/dev/null && pwd -P)
}

workspace=$(real_dir "${GITHUB_WORKSPACE:-.}") || workspace=
here=$(pwd -P)

# Whether the directory is the workspace or inside it; anything that is not a directory counts as inside.
in_workspace() {
  local dir above
  dir=$(real_dir "$1") || return 0
  for above in "$workspace" "$here"; do
    # A job without a checkout may run in the root of a container.
    case $above in '' | /) continue ;; esac
    case $dir/ in "$above"/*) return 0 ;; esac
  done
  return 1
}

# The directories of PATH that the change cannot control: no relative ones, and none in the workspace.
safe_path() {
  local rest=$PATH: safe='' dir
  while [ -n "$rest" ]; do
    dir=${rest%%:*}
    rest=${rest#*:}
    case $dir in
      /*) if ! in_workspace "$dir"; then safe=${safe:+$safe:}$dir; fi ;;
    esac
  done
  printf '%s' "$safe"
}
PATH=$(safe_path)

# Prints one line that GitHub displays; `%`, CR and LF would end it or start another command.
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

# Sets an output of the step. A line break in the value, which could set another output, becomes a blank.
set_output() {
  printf '%s=%s\n' "$1" "${2//[$'\r\n']/ }" >>"$GITHUB_OUTPUT"
}

digest() {
  if command -v sha256sum >/dev/null; then sha256sum "$@"; else shasum -a 256 "$@"; fi
}

# The tag of the requested release; empty to build from source.
requested_tag() {
  local version=${INPUT_VERSION:-}
  if [ -z "$version" ] && [[ ${ACTION_REF:-} =~ ^v[0-9]+\.[0-9]+\.[0-9]+$ ]]; then
    version=$ACTION_REF
  fi
  case $version in
    '' | source) return ;;
  esac
  version=${version#v}
  if [[ ! $version =~ ^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$ ]]; then
    fail "the input \`version\` must be a release, e.g. 1.2.3, or \`source\`"
  fi
  printf 'v%s' "$version"
}

# The target name that releases use for this machine; empty if there is none.
release_target() {
  case ${RUNNER_OS:-}-${RUNNER_ARCH:-} in
    Linux-X64) printf x86_64-unknown-linux-musl ;;
    Linux-ARM64) printf aarch64-unknown-linux-musl ;;
    macOS-X64) printf x86_64-apple-darwin ;;
    macOS-ARM64) printf aarch64-apple-darwin ;;
    Windows-X64) printf x86_64-pc-windows-msvc ;;
  esac
}

# Downloads URL to a file.
fetch() {
  local url=$1 to=$2
  # Must be first; otherwise curl obeys the settings in the home directory.
  local arguments=(--disable --fail --silent --show-error --location --retry 3 --output "$to")
  # On standard input, so that no process list shows the token.
  if [ -n "${INPUT_TOKEN:-}" ]; then
    printf 'header = "Authorization: Bearer %s"\n' "$INPUT_TOKEN" | curl "${arguments[@]}" --config - -- "$url"
  else
    curl "${arguments[@]}" -- "$url"
  fi
}

# Downloads, verifies the checksum, and unpacks. Status 1 if there is no such release.
download() {
  local tag=$1 target=$2 bin=$3 dir name url expected actual
  dir=$(mktemp -d "$RUNNER_TEMP/friskey.XXXXXX")
  name=friskey-$target.tar.gz
  url=${GITHUB_SERVER_URL:-https://github.com}/${ACTION_REPOSITORY:?}/releases/download/$tag
  fetch "$url/$name" "$dir/$name" && fetch "$url/$name.sha256" "$dir/$name.sha256" || return 1
  read -r expected _ <"$dir/$name.sha256" || true
  actual=$(digest "$dir/$name")
  if [ -z "$expected" ] || [ "$expected" != "${actual%% *}" ]; then
    fail "the checksum of $name does not match the one of release $tag"
  fi
  mkdir -p "$bin"
  tar -xzf "$dir/$name" -C "$bin"
}

# A digest of everything that a build depends on.
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
  tag=$(requested_tag) || { printf '%s\n' "$tag"; exit 2; }
  target=$(release_target)
  bin=$RUNNER_TEMP/friskey-${tag:-source}
  set_output bin "$bin"
  if [ -x "$bin/friskey" ] || [ -x "$bin/friskey.exe" ]; then
    return
  fi
  if [ -n "$tag" ] && [ -n "$target" ]; then
    local status=0
    # In a condition, `set -e` would not apply to the commands of the function.
    set +e
    (set -e; download "$tag" "$target" "$bin")
    status=$?
    set -e
    case $status in
      0) return ;;
      2) exit 2 ;;
    esac
    if [ -n "${INPUT_VERSION:-}" ]; then
      fail "release $tag cannot be downloaded for $target"
    fi
    annotate notice "release $tag cannot be downloaded; building from source"
  elif [ -n "$tag" ] && [ -n "${INPUT_VERSION:-}" ]; then
    fail "there are no releases for this machine; set the input \`version\` to \`source\`"
  fi
  set_output build true
  set_output key "friskey-${RUNNER_OS:-}-${RUNNER_ARCH:-}-$(source_digest)"
}

# The first file above the directory from which cargo would take settings; empty if there is none. Those in
# CARGO_HOME belong to the machine.
settings_above() {
  local dir name own
  own=$(real_dir "${CARGO_HOME:-${HOME:-}/.cargo}") || own=
  dir=$(real_dir "$1") || return 0
  while [ -n "$dir" ] && [ "$dir" != / ]; do
    dir=${dir%/*}
    for name in .cargo/config.toml .cargo/config Cargo.toml; do
      if [ "$name" != Cargo.toml ] && [ -n "$own" ] && [ "$(real_dir "$dir/.cargo")" = "$own" ]; then continue; fi
      if [ -e "$dir/$name" ] || [ -L "$dir/$name" ]; then
        printf '%s' "$dir/$name"
        return
      fi
    done
  done
}

# The build directory: that of the action, or a copy if a directory above it contains settings that do not belong to the action.
build_dir() {
  local base copy name
  if [ -z "$(settings_above "$GITHUB_ACTION_PATH")" ]; then
    printf '%s' "$GITHUB_ACTION_PATH"
    return
  fi
  for base in "$RUNNER_TEMP" "${HOME:-}" /tmp /var/tmp; do
    if [ ! -d "$base" ] || in_workspace "$base"; then continue; fi
    copy=$(mktemp -d "$base/friskey-source.XXXXXX") || continue
    if [ -n "$(settings_above "$copy")" ]; then
      rmdir -- "$copy"
      continue
    fi
    for name in Cargo.toml Cargo.lock src rules benches; do
      cp -R -- "$GITHUB_ACTION_PATH/$name" "$copy/$name"
    done
    printf '%s' "$copy"
    return
  done
  return 1
}

# Removes variables that tell cargo, rustup, rustc or a compiler what to run or how to build. The homes of cargo
# and rustup are kept if they belong to the machine.
forget_build_settings() {
  local name
  for name in $(compgen -e); do
    case $name in
      CARGO_HOME | RUSTUP_HOME)
        case ${!name} in
          /* | [A-Za-z]:*) if ! in_workspace "${!name}"; then continue; fi ;;
        esac
        unset "$name"
        ;;
      # Settings that only forbid downloads or name their source are kept: they run nothing.
      RUSTUP_AUTO_INSTALL | RUSTUP_DIST_SERVER | RUSTUP_UPDATE_ROOT) ;;
      CARGO | CARGO_* | RUSTUP_* | RUSTC | RUSTC_* | RUSTDOC | RUSTDOC* | RUSTFLAGS | RUST_*) unset "$name" ;;
      CC | CXX | CPP | AR | LD | NM | RANLIB | *FLAGS | CC_* | CXX_* | AR_* | *FLAGS_* | *_CC | *_CXX | *_AR) unset "$name" ;;
      LD_PRELOAD | LD_LIBRARY_PATH | LD_AUDIT | DYLD_* | GIT_* | PKG_CONFIG* | MAKEFLAGS | CMAKE*) unset "$name" ;;
    esac
  done
  # Without CARGO_HOME, cargo uses HOME.
  if [ -z "${HOME:-}" ] || in_workspace "$HOME"; then
    export CARGO_HOME=${CARGO_HOME:-$RUNNER_TEMP/friskey-cargo} RUSTUP_HOME=${RUSTUP_HOME:-$RUNNER_TEMP/friskey-rustup}
  fi
}

build() {
  local root=$RUNNER_TEMP/friskey-build source toolchain
  forget_build_settings
  command -v cargo >/dev/null || fail "cargo is not installed, so friskey cannot be built; set the input \`version\` to a release"
  source=$(build_dir) ||
    fail "cargo would obey $(settings_above "$GITHUB_ACTION_PATH"); remove it, or set the input \`version\` to a release"
  # cargo and rustup take settings from the current directory and those above it.
  cd -- "$source"
  # The machine's own toolchain; this overrides every file and every `rustup override`.
  if command -v rustup >/dev/null; then
    toolchain=$(rustup default) || fail "rustup has no default toolchain; set the input \`version\` to a release"
    export RUSTUP_TOOLCHAIN=${toolchain%%[[:space:]]*}
  fi
  CARGO_TARGET_DIR=$RUNNER_TEMP/friskey-target cargo install --locked --path "$source" --root "$root"
  mkdir -p "$FRISKEY_BIN"
  cp "$root/bin/friskey"* "$FRISKEY_BIN/"
}

# Prints counts and the range from the JSON Lines report, as outputs of the step. Quotes in strings are escaped, so no text in a
# report can look like one of these names.
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
      if (match($0, /"notes":\["range: [^"\\(]*/)) range = substr($0, RSTART + 17, RLENGTH - 17)
      sub(/ +$/, "", range)
    }
    END {
      printf "findings=%d\nleaks=%d\ncommits=%d\nblobs=%d\nrange=%s\n", findings, leaks, commits, blobs, range
    }
  ' <"$1"
}

# Prints the value of the boolean input with the name $1.
read_flag() {
  case $2 in
    true | false) printf '%s' "$2" ;;
    *) fail "the input \`$1\` must be true or false" ;;
  esac
}

# Reads the non-empty lines of an input into the array `lines`.
split_lines() {
  local line
  lines=()
  while IFS= read -r line; do
    line=${line%$'\r'}
    if [ -n "$line" ]; then lines+=("$line"); fi
  done <<<"$1"
}

# Collects options for all modes in the array `common`.
common_options() {
  local file strict no_suppress
  strict=$(read_flag strict "${INPUT_STRICT:-false}") || { printf '%s\n' "$strict"; exit 2; }
  no_suppress=$(read_flag no-suppress "${INPUT_NO_SUPPRESS:-false}") || { printf '%s\n' "$no_suppress"; exit 2; }
  common=(--no-progress)
  if [ -n "${INPUT_CONFIG:-}" ]; then common+=("--config=$INPUT_CONFIG"); fi
  if [ -n "${INPUT_BASELINE:-}" ]; then common+=("--baseline=$INPUT_BASELINE"); fi
  if [ -n "${INPUT_MIN_CONFIDENCE:-}" ]; then common+=("--min-confidence=$INPUT_MIN_CONFIDENCE"); fi
  split_lines "${INPUT_RULES:-}"
  # The bash of macOS treats an empty array as unset.
  for file in ${lines[@]+"${lines[@]}"}; do common+=("--rules=$file"); done
  if [ "$strict" = true ]; then common+=(--strict); fi
  if [ "$no_suppress" = true ]; then common+=(--no-suppress); fi
}

# Sets the array `mode_arguments` to the mode's command and options.
mode_options() {
  local mode=${INPUT_MODE:-auto}
  case $mode in
    auto) mode_arguments=(ci) ;;
    # The contents of a change must not decide how it is scanned.
    tree) mode_arguments=(scan --policy-from=event) ;;
    history) mode_arguments=(history --policy-from=event) ;;
    *) fail "the input \`mode\` must be auto, tree or history" ;;
  esac
  if [ "$mode" != tree ] && [ "${#paths[@]}" -ne 1 ]; then
    fail "the input \`paths\` must be one directory, unless \`mode\` is tree"
  fi
  if [ "${#paths[@]}" -eq 0 ]; then fail "the input \`paths\` is empty"; fi
  if [ -n "${INPUT_BASE:-}${INPUT_HEAD:-}" ]; then
    if [ "$mode" != auto ]; then fail "the inputs \`base\` and \`head\` require mode auto"; fi
    if [ -n "${INPUT_BASE:-}" ]; then mode_arguments+=("--base=$INPUT_BASE"); fi
    if [ -n "${INPUT_HEAD:-}" ]; then mode_arguments+=("--head=$INPUT_HEAD"); fi
  fi
}

# Whether a report covers its ref completely. Quotes in strings are escaped.
covers_its_ref() {
  grep -Eq '^ *"id": "friskey/(tree|history)/"' <"$1"
}

# Decides what to upload to code scanning, after a scan with a status below 2. An upload replaces the previous
# report for the same ref.
choose_upload() {
  local sarif=$1 range=$2 status=0
  if covers_its_ref "$sarif"; then
    set_output upload true
    return
  fi
  if [ "${GITHUB_EVENT_NAME:-}" != push ]; then
    if [ "$range" != nothing ]; then
      annotate notice "not uploaded to code scanning: the report covers only some commits of a branch and would close the alerts of others"
    fi
    return
  fi
  if [ "$range" = nothing ]; then return; fi
  # The commits of the push decide whether the step fails; this scan is only for the alerts.
  "$FRISKEY_BIN/friskey" history --policy-from=event "${common[@]}" --quiet --format jsonl "--output=sarif=$sarif" -- "${paths[@]}" \
    >/dev/null || status=$?
  if [ "$status" -lt 2 ]; then
    set_output upload true
  else
    annotate warning "not uploaded to code scanning: the scan of the whole history exited with status $status"
  fi
}

# Creates the directory for a report and removes an existing file at its path. Links in the workspace are not
# followed, since the change may have added them.
prepare_report_path() {
  local path=$1 dir rest
  case /$path/ in */../*) fail "the input \`sarif-file\` must not contain \`..\`" ;; esac
  case $path in
    /* | [A-Za-z]:*) ;;
    *) path=$here/$path ;;
  esac
  for dir in "$here" "$workspace" "${GITHUB_WORKSPACE:-}"; do
    case $path in
      "${dir:-none}"/*) rest=${path#"$dir"/} ;;
      *) continue ;;
    esac
    while [[ $rest == */* ]]; do
      dir=$dir/${rest%%/*}
      rest=${rest#*/}
      if [ -L "$dir" ]; then
        fail "$dir, part of the path of the report, is a symbolic link; set the input \`sarif-file\` to another path"
      fi
    done
  done
  mkdir -p -- "$(dirname -- "$path")" || fail "cannot create the directory of the report $1"
  # Removes a link itself, not its target.
  rm -f -- "$path" || fail "cannot write the report $1"
}

scan() {
  local sarif=${INPUT_SARIF_FILE:-} status=0
  local report upload fail_on_findings lines paths common mode_arguments
  upload=$(read_flag upload-sarif "${INPUT_UPLOAD_SARIF:-true}") || { printf '%s\n' "$upload"; exit 2; }
  fail_on_findings=$(read_flag fail-on-findings "${INPUT_FAIL_ON_FINDINGS:-true}") || { printf '%s\n' "$fail_on_findings"; exit 2; }
  split_lines "${INPUT_PATHS:-.}"
  paths=(${lines[@]+"${lines[@]}"})
  mode_options
  common_options
  report=$(mktemp "$RUNNER_TEMP/friskey-report.XXXXXX")
  if [ -z "$sarif" ]; then
    sarif=$(mktemp -d "$RUNNER_TEMP/friskey-sarif.XXXXXX")/friskey.sarif
  fi
  prepare_report_path "$sarif"
  "$FRISKEY_BIN/friskey" "${mode_arguments[@]}" "${common[@]}" --format github "--output=jsonl=$report" "--output=sarif=$sarif" \
    -- "${paths[@]}" || status=$?
  set_output exit-code "$status"
  if [ "$status" -gt 3 ]; then fail "friskey exited with status $status"; fi
  if [ "$status" -eq 2 ]; then exit 2; fi
  counts "$report" >>"$GITHUB_OUTPUT"
  set_output sarif "$sarif"
  if [ "$upload" = true ] && [ "$status" -lt 2 ]; then
    choose_upload "$sarif" "$(counts "$report" | sed -n 's/^range=//p')"
  fi
  if [ "$status" -eq 1 ] && [ "$fail_on_findings" = false ]; then exit 0; fi
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
