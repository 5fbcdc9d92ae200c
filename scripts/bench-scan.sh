#!/usr/bin/env bash
# Compares the time and peak memory of `friskey scan` with `rg` searching for the marker, and with `cat`, on one tree.
#
#   scripts/bench-scan.sh TREE [ROUNDS]
#
# The programs take turns, so that other load on the machine affects all of them; the ratios are what counts. The first
# round only fills the caches. Requires Python 3 and rg. Set FRISKEY to use a binary other than this tree's release build.
set -euo pipefail
if [ $# -lt 1 ] || [ ! -d "$1" ]; then
    sed -n '4p' "$0" >&2
    exit 2
fi
if [ -z "${FRISKEY:-}" ]; then
    here=$(cd "$(dirname "$0")/.." && pwd)
    cargo build --quiet --release --manifest-path "$here/Cargo.toml"
    FRISKEY=$here/target/release/friskey
fi
list=$(mktemp)
empty=$(mktemp)
trap 'rm -f "$list" "$empty"' EXIT
find "$1" -name .git -prune -o -type f -print0 >"$list"
files=$(tr -cd '\0' <"$list" | wc -c)
size=$(xargs -0 cat <"$list" | wc -c)
echo "$1: $((files)) files, $((size)) bytes"
# The peak memory of a process includes that of its parent at the time it was started, so keep this Python small.
FRISKEY=$FRISKEY LIST=$list EMPTY=$empty python3 -I -S - "$1" "${2:-9}" <<'PY'
import os
import sys
import time

tree, rounds = sys.argv[1], int(sys.argv[2])
friskey = os.environ["FRISKEY"]
null = os.open(os.devnull, os.O_RDWR)


def spent(command):
    """Wall-clock seconds, CPU seconds, and peak memory in MB of one run."""
    begun = time.perf_counter()
    actions = [(os.POSIX_SPAWN_DUP2, null, fd) for fd in (0, 1, 2)]
    pid = os.posix_spawnp(command[0], command, os.environ, file_actions=actions)
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - begun
    code = os.waitstatus_to_exitcode(status)
    # 1: friskey found something, or rg found nothing.
    if code not in (0, 1):
        sys.exit(f"{' '.join(command)} ended with status {code}")
    peak = usage.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
    return wall, usage.ru_utime + usage.ru_stime, peak


def median(values):
    ordered = sorted(values)
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2


# Split, so that this file does not contain the marker.
marker = "T3Blbk" + "FJ"
programs = {
    # The minimum for any process; its memory is that of the Python that started it.
    "true": ["true"],
    # Start-up and loading the rules.
    "friskey, empty file": [friskey, "scan", "-q", os.environ["EMPTY"]],
    "cat": ["xargs", "-0", "-a", os.environ["LIST"], "cat"],
    "rg": ["rg", "-uuu", "-a", "-c", "--glob", "!.git", marker, tree],
    "friskey": [friskey, "scan", "-q", "--no-ignore", tree],
}
print(f"{os.cpu_count()} processors, {rounds} rounds")
runs = {name: [] for name in programs}
for turn in range(rounds + 1):
    for name, command in programs.items():
        run = spent(command)
        if turn > 0:
            runs[name].append(run)

print(f"{'':20}{'wall ms':>10}{'least':>10}{'CPU ms':>10}{'peak MB':>10}{'wall / rg':>11}{'CPU / rg':>10}")
for name, spents in runs.items():
    wall, cpu, peak = zip(*spents)
    # Per round, because runs close in time saw the same load.
    ratios = [median(own[part] / rg[part] for own, rg in zip(spents, runs["rg"])) for part in (0, 1)]
    print(f"{name:20}{median(wall) * 1e3:10.1f}{min(wall) * 1e3:10.1f}"
          f"{median(cpu) * 1e3:10.1f}{max(peak):10.1f}{ratios[0]:11.2f}{ratios[1]:10.2f}")
PY
