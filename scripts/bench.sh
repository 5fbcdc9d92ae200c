#!/usr/bin/env bash
# Measures friskey and the scanners that are installed, in turn, and writes a page with tables and a chart.
# docs/benchmarks.md is such a page. The work is done by the Python files in scripts/bench.
set -euo pipefail

usage() {
    cat <<'HELP'
Measure friskey and other scanners on the same repositories, and write a page about it

Usage: scripts/bench.sh [OPTIONS] PATH...
       scripts/bench.sh --render DIR

Arguments:
  PATH...  Git repositories, bare or not, whose history and files are scanned, and other directories,
           whose files are scanned

Options:
  -o, --output DIR       Write benchmarks.md, benchmarks.svg and benchmarks.json to DIR [default: target/bench]
  -n, --rounds N         Let each program run N times on each repository, after one run that fills the caches
                         [default: 5]
  -t, --timeout SECONDS  End a program that takes longer [default: 300]
  -f, --files N          Number of files in the repository that is generated for `staged` [default: 50000]
  -p, --programs LIST    Run only these, e.g. `friskey,git,rg`; known are friskey, git, rg, kingfisher,
                         betterleaks, gitleaks, trufflehog and noseyparker [default: all]
  -r, --render DIR       Measure nothing, but write the page and the chart in DIR again from its benchmarks.json
  -h, --help             Print help

Environment:
  FRISKEY  The binary to measure [default: target/release/friskey, or else `friskey` in PATH]

Nothing is built, installed or downloaded. A program that is not installed, fails or takes too long is named
in the tables. Requires Python 3.9 and git.
HELP
}

fail() {
    echo "bench.sh: $1" >&2
    echo "bench.sh: see scripts/bench.sh --help" >&2
    exit 2
}

# A whole number of at least the third argument, or a message about the option.
number() {
    case $2 in
    '' | *[!0-9]* | ????????*) fail "$1: expected a whole number, found \`$2\`" ;;
    esac
    [ "$2" -ge "$3" ] || fail "$1: expected at least $3, found $2"
}

here=$(cd "$(dirname "$0")/.." && pwd)
output=$here/target/bench rounds=5 timeout=300 files=50000 programs=all
paths=()
while [ $# -gt 0 ]; do
    case $1 in
    -h | --help)
        usage
        exit 0
        ;;
    -r | --render)
        [ -f "${2:-}/benchmarks.json" ] || fail "$1: expected a directory with benchmarks.json"
        exec python3 -B "$here/scripts/bench/main.py" --render "$2"
        ;;
    --)
        shift
        paths+=("$@")
        break
        ;;
    -o | --output | -n | --rounds | -t | --timeout | -f | --files | -p | --programs)
        [ $# -ge 2 ] || fail "$1: a value is missing"
        case $1 in
        -o | --output) output=$2 ;;
        -n | --rounds) number "$1" "$2" 1 && rounds=$2 ;;
        -t | --timeout) number "$1" "$2" 1 && timeout=$2 ;;
        -f | --files) number "$1" "$2" 10 && files=$2 ;;
        -p | --programs) programs=$2 ;;
        esac
        shift 2
        ;;
    -*) fail "unknown option $1" ;;
    *)
        paths+=("$1")
        shift
        ;;
    esac
done
[ ${#paths[@]} -gt 0 ] || fail "no repository given"
for path in "${paths[@]}"; do
    [ -d "$path" ] || fail "$path is not a directory"
done
command -v python3 >/dev/null || fail "python3 is not installed"
command -v git >/dev/null || fail "git is not installed"

if [ -z "${FRISKEY:-}" ]; then
    FRISKEY=$here/target/release/friskey
    [ -x "$FRISKEY" ] || FRISKEY=$(command -v friskey) ||
        fail "there is no friskey to measure: run \`cargo build --release\`, or set FRISKEY"
fi
[ -x "$FRISKEY" ] || fail "FRISKEY: $FRISKEY is not a program"
export FRISKEY

python3 -B "$here/scripts/bench/main.py" "$output" "$rounds" "$timeout" "$files" "$programs" "${paths[@]}"
