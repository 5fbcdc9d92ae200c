#!/usr/bin/env bash
# What action.yml does, as a script so that tests can run it as the runner does. All that comes from outside
# comes in variables, and stays quoted.
#
#   action.sh install | build | scan | upload-failed
#
# It is started in the workspace, where everything may be the work of whoever wrote the change. So no program is
# looked up there, none is started that takes its settings from there, and nothing is written there through a link.
set -euo pipefail

# What bash and the programs below would obey without being asked.
unset BASH_ENV ENV CDPATH GLOBIGNORE POSIXLY_CORRECT TAR_OPTIONS GZIP GREP_OPTIONS CURL_HOME

# The folder without links and `..`; status 1 when it is none.
real_folder() {
  (cd -P -- "$1" 2>/dev/null && pwd -P)
}

workspace=$(real_folder "${GITHUB_WORKSPACE:-.}") || workspace=
here=$(pwd -P)

# Whether the folder is the workspace, or lies in it; what is no folder counts as one there.
in_workspace() {
  local folder above
  folder=$(real_folder "$1") || return 0
  for above in "$workspace" "$here"; do
    # A job without a checkout may run in the root of a container.
    case $above in '' | /) continue ;; esac
    case $folder/ in "$above"/*) return 0 ;; esac
  done
  return 1
}

# The folders of PATH that the change has no say in: neither relative ones, nor those in the workspace.
safe_path() {
  local rest=$PATH: safe='' folder
  while [ -n "$rest" ]; do
    folder=${rest%%:*}
    rest=${rest#*:}
    case $folder in
      /*) if ! in_workspace "$folder"; then safe=${safe:+$safe:}$folder; fi ;;
    esac
  done
  printf '%s' "$safe"
}
PATH=$(safe_path)

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

# Outputs are one line each, whatever the value holds.
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
  # First, or the settings in the home folder count.
  local arguments=(--disable --fail --silent --show-error --location --retry 3 --output "$to")
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

# The first file above the folder from which cargo would take settings; nothing where there is none. Those of
# CARGO_HOME are the machine's.
settings_above() {
  local folder name own
  own=$(real_folder "${CARGO_HOME:-${HOME:-}/.cargo}") || own=
  folder=$(real_folder "$1") || return 0
  while [ -n "$folder" ] && [ "$folder" != / ]; do
    folder=${folder%/*}
    for name in .cargo/config.toml .cargo/config Cargo.toml; do
      if [ "$name" != Cargo.toml ] && [ -n "$own" ] && [ "$(real_folder "$folder/.cargo")" = "$own" ]; then continue; fi
      if [ -e "$folder/$name" ] || [ -L "$folder/$name" ]; then
        printf '%s' "$folder/$name"
        return
      fi
    done
  done
}

# Where to build: the action's folder, or a copy where a folder above it holds settings of somebody else.
build_folder() {
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

# Takes out of the environment what would tell cargo, rustup, rustc or a compiler what to run or how to build. Homes
# of cargo and rustup stay when they are the machine's.
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
      # Settings that forbid a download, or say from where, run nothing.
      RUSTUP_AUTO_INSTALL | RUSTUP_DIST_SERVER | RUSTUP_UPDATE_ROOT) ;;
      CARGO | CARGO_* | RUSTUP_* | RUSTC | RUSTC_* | RUSTDOC | RUSTDOC* | RUSTFLAGS | RUST_*) unset "$name" ;;
      CC | CXX | CPP | AR | LD | NM | RANLIB | *FLAGS | CC_* | CXX_* | AR_* | *FLAGS_* | *_CC | *_CXX | *_AR) unset "$name" ;;
      LD_PRELOAD | LD_LIBRARY_PATH | LD_AUDIT | DYLD_* | GIT_* | PKG_CONFIG* | MAKEFLAGS | CMAKE*) unset "$name" ;;
    esac
  done
  # Without a home of its own, cargo takes the one in HOME.
  if [ -z "${HOME:-}" ] || in_workspace "$HOME"; then
    export CARGO_HOME=${CARGO_HOME:-$RUNNER_TEMP/friskey-cargo} RUSTUP_HOME=${RUSTUP_HOME:-$RUNNER_TEMP/friskey-rustup}
  fi
}

build() {
  local root=$RUNNER_TEMP/friskey-build source toolchain
  forget_build_settings
  command -v cargo >/dev/null || fail "there is no cargo to build friskey with; set the input \`version\` to a release"
  source=$(build_folder) ||
    fail "cargo would obey $(settings_above "$GITHUB_ACTION_PATH"); remove it, or set the input \`version\` to a release"
  # Both cargo and rustup take settings from the folder that they are started in, and from those above it.
  cd -- "$source"
  # The machine's own toolchain: this wins over every file and every `rustup override`.
  if command -v rustup >/dev/null; then
    toolchain=$(rustup default) || fail "rustup has no default toolchain; set the input \`version\` to a release"
    export RUSTUP_TOOLCHAIN=${toolchain%%[[:space:]]*}
  fi
  CARGO_TARGET_DIR=$RUNNER_TEMP/friskey-target cargo install --locked --path "$source" --root "$root"
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
      if (match($0, /"notes":\["range: [^"\\(]*/)) range = substr($0, RSTART + 17, RLENGTH - 17)
      sub(/ +$/, "", range)
    }
    END {
      printf "findings=%d\nleaks=%d\ncommits=%d\nblobs=%d\nrange=%s\n", findings, leaks, commits, blobs, range
    }
  ' <"$1"
}

# The value of an input that is true or false.
flag() {
  case $2 in
    true | false) printf '%s' "$2" ;;
    *) fail "the input \`$1\` is true or false" ;;
  esac
}

# The lines of an input, without empty ones, into the array `lines`.
split() {
  local line
  lines=()
  while IFS= read -r line; do
    line=${line%$'\r'}
    if [ -n "$line" ]; then lines+=("$line"); fi
  done <<<"$1"
}

# Options of every mode, into the array `common`.
common_options() {
  local file strict no_suppress
  strict=$(flag strict "${INPUT_STRICT:-false}") || { printf '%s\n' "$strict"; exit 2; }
  no_suppress=$(flag no-suppress "${INPUT_NO_SUPPRESS:-false}") || { printf '%s\n' "$no_suppress"; exit 2; }
  common=(--no-progress)
  if [ -n "${INPUT_CONFIG:-}" ]; then common+=("--config=$INPUT_CONFIG"); fi
  if [ -n "${INPUT_BASELINE:-}" ]; then common+=("--baseline=$INPUT_BASELINE"); fi
  if [ -n "${INPUT_MIN_CONFIDENCE:-}" ]; then common+=("--min-confidence=$INPUT_MIN_CONFIDENCE"); fi
  split "${INPUT_RULES:-}"
  # An empty array is no set variable to the bash of macOS.
  for file in ${lines[@]+"${lines[@]}"}; do common+=("--rules=$file"); done
  if [ "$strict" = true ]; then common+=(--strict); fi
  if [ "$no_suppress" = true ]; then common+=(--no-suppress); fi
}

# The mode's own command and options, into the array `own`.
mode_options() {
  local mode=${INPUT_MODE:-auto}
  case $mode in
    auto) own=(ci) ;;
    # What a change holds must not decide how the change is looked at.
    tree) own=(scan --policy-from=event) ;;
    history) own=(history --policy-from=event) ;;
    *) fail "the input \`mode\` is auto, tree or history" ;;
  esac
  if [ "$mode" != tree ] && [ "${#paths[@]}" -ne 1 ]; then
    fail "the input \`paths\` is one folder, unless \`mode\` is tree"
  fi
  if [ "${#paths[@]}" -eq 0 ]; then fail "the input \`paths\` is empty"; fi
  if [ -n "${INPUT_BASE:-}${INPUT_HEAD:-}" ]; then
    if [ "$mode" != auto ]; then fail "the inputs \`base\` and \`head\` are for mode auto"; fi
    if [ -n "${INPUT_BASE:-}" ]; then own+=("--base=$INPUT_BASE"); fi
    if [ -n "${INPUT_HEAD:-}" ]; then own+=("--head=$INPUT_HEAD"); fi
  fi
}

# Whether a report is the whole answer about the ref that this run is for. Within strings a quote has a backslash
# before it.
is_whole() {
  grep -Eq '^ *"id": "friskey/(tree|history)/"' <"$1"
}

# What may go to code scanning, after a scan that ended with a status below 2. There a report replaces the one
# before it for the same ref.
choose_upload() {
  local sarif=$1 range=$2 status=0
  if is_whole "$sarif"; then
    output upload true
    return
  fi
  if [ "${GITHUB_EVENT_NAME:-}" != push ]; then
    if [ "$range" != nothing ]; then
      annotate notice "not uploaded to code scanning: the report covers some commits of a branch, and would close alerts of others"
    fi
    return
  fi
  if [ "$range" = nothing ]; then return; fi
  # What the push brought decides about the step; this is for the alerts alone.
  "$FRISKEY_BIN/friskey" history --policy-from=event "${common[@]}" --quiet --format jsonl "--output=sarif=$sarif" -- "${paths[@]}" \
    >/dev/null || status=$?
  if [ "$status" -lt 2 ]; then
    output upload true
  else
    annotate warning "not uploaded to code scanning: the scan of the whole history ended with status $status"
  fi
}

# Makes the folder for a report at the path, and takes away what is there. In the workspace no link is followed: the
# change may have brought it.
make_room() {
  local path=$1 folder rest
  case /$path/ in */../*) fail "the input \`sarif-file\` holds \`..\`" ;; esac
  case $path in
    /* | [A-Za-z]:*) ;;
    *) path=$here/$path ;;
  esac
  for folder in "$here" "$workspace" "${GITHUB_WORKSPACE:-}"; do
    case $path in
      "${folder:-none}"/*) rest=${path#"$folder"/} ;;
      *) continue ;;
    esac
    while [[ $rest == */* ]]; do
      folder=$folder/${rest%%/*}
      rest=${rest#*/}
      if [ -L "$folder" ]; then
        fail "$folder, on the way to the report, is a symbolic link; set the input \`sarif-file\` to another path"
      fi
    done
  done
  mkdir -p -- "$(dirname -- "$path")" || fail "the folder of the report $1 cannot be made"
  # A link is taken away itself, not what it leads to.
  rm -f -- "$path" || fail "the report $1 cannot be written"
}

scan() {
  local sarif=${INPUT_SARIF_FILE:-} status=0
  local report upload fails lines paths common own
  upload=$(flag upload-sarif "${INPUT_UPLOAD_SARIF:-true}") || { printf '%s\n' "$upload"; exit 2; }
  fails=$(flag fail-on-findings "${INPUT_FAIL_ON_FINDINGS:-true}") || { printf '%s\n' "$fails"; exit 2; }
  split "${INPUT_PATHS:-.}"
  paths=(${lines[@]+"${lines[@]}"})
  mode_options
  common_options
  report=$(mktemp "$RUNNER_TEMP/friskey-report.XXXXXX")
  if [ -z "$sarif" ]; then
    sarif=$(mktemp -d "$RUNNER_TEMP/friskey-sarif.XXXXXX")/friskey.sarif
  fi
  make_room "$sarif"
  "$FRISKEY_BIN/friskey" "${own[@]}" "${common[@]}" --format github "--output=jsonl=$report" "--output=sarif=$sarif" \
    -- "${paths[@]}" || status=$?
  output exit-code "$status"
  if [ "$status" -gt 3 ]; then fail "friskey ended with status $status"; fi
  if [ "$status" -eq 2 ]; then exit 2; fi
  counts "$report" >>"$GITHUB_OUTPUT"
  output sarif "$sarif"
  if [ "$upload" = true ] && [ "$status" -lt 2 ]; then
    choose_upload "$sarif" "$(counts "$report" | sed -n 's/^range=//p')"
  fi
  if [ "$status" -eq 1 ] && [ "$fails" = false ]; then exit 0; fi
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
