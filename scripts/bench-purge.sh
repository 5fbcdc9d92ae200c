#!/usr/bin/env bash
# Compares the time and peak memory of `friskey purge` with `friskey history` and with `git filter-repo`, on copies of a repository.
#
#   scripts/bench-purge.sh REPOSITORY [ROUNDS]
#
# Two copies get a key in a new file: one after 5 % of the commits, so that nearly all of the history is rewritten, the other after
# 95 %. The file is removed 20 commits later. The programs take turns, so that other load on the machine affects all of them; compare
# the ratios. Requires Python 3, git, and git-filter-repo (or GIT_FILTER_REPO=/path/to/it). Set FRISKEY to use a binary other than
# this tree's release build.
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
filter_repo=${GIT_FILTER_REPO:-git-filter-repo}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export GIT_CONFIG_NOSYSTEM=1 HOME=$work
python3 -I - "$1" "$work" <<'PY'
import os
import secrets
import string
import subprocess
import sys

source, work = sys.argv[1:]
git = ["git", "-c", "safe.directory=*"]


def key():
    """A genuine-looking key. Its marker is split, so that this file does not contain it."""
    letters = string.ascii_letters + string.digits
    half = lambda: "".join(secrets.choice(letters) for _ in range(74))
    return "sk-proj-" + half() + "T3Blbk" + "FJ" + half()


def copy_with_file(target, first_commit, text):
    """Copies the history, with `text` in a new file from commit number `first_commit` on, for 20 commits."""
    subprocess.run(git + ["init", "-q", "--bare", target], check=True)
    fast_export = subprocess.Popen(git + ["-C", source, "fast-export", "--all", "--signed-tags=strip"],
                                   stdout=subprocess.PIPE)
    fast_import = subprocess.Popen(git + ["-C", target, "fast-import", "--quiet", "--force"], stdin=subprocess.PIPE)
    commits, in_header = 0, False
    reader, writer = fast_export.stdout, fast_import.stdin
    while line := reader.readline():
        if line.startswith(b"commit "):
            commits, in_header = commits + 1, True
        is_header = line.startswith((b"mark ", b"original-oid ", b"author ", b"committer ", b"encoding ", b"from ", b"merge ",
                                     b"commit ", b"data "))
        if in_header and not is_header:
            # The header of a commit ends before its first change, or an empty line.
            if commits == first_commit:
                writer.write(b"M 100644 inline config.env\ndata %d\n%s\n" % (len(text), text))
            elif commits == first_commit + 20:
                writer.write(b"D config.env\n")
            in_header = False
        writer.write(line)
        if line.startswith(b"data "):
            # A commit's message is followed by its parents and changes without an empty line.
            writer.write(reader.read(int(line[5:])))
    writer.close()
    if fast_export.wait() or fast_import.wait():
        sys.exit("the copy failed")
    head = subprocess.run(git + ["-C", source, "symbolic-ref", "HEAD"], capture_output=True, text=True).stdout.strip()
    subprocess.run(git + ["-C", target, "symbolic-ref", "HEAD", head or "refs/heads/main"], check=True)
    subprocess.run(git + ["-C", target, "repack", "-adfq"], check=True)
    subprocess.run(git + ["-C", target, "pack-refs", "--all"], check=True)


total = int(subprocess.run(git + ["-C", source, "rev-list", "--all", "--count"],
                           capture_output=True, text=True, check=True).stdout)
secret = key()
for name, percent in ("early", 5), ("late", 95):
    text = f"OPENAI_API_KEY={secret}\n".encode()
    copy_with_file(os.path.join(work, name + ".git"), max(1, total * percent // 100), text)
with open(os.path.join(work, "rules"), "w") as rules:
    rules.write(f"{secret}==>{'sk-proj-' + 'x' * (len(secret) - 8)}\n")
print(f"{source}: {total} commits")
PY
# The peak memory of a process includes that of its parent at the time it was started, so keep this Python small.
FRISKEY=$FRISKEY FILTER_REPO=$filter_repo python3 -I -S - "$work" "${2:-3}" <<'PY'
import os
import sys
import time

work, rounds = sys.argv[1], int(sys.argv[2])
friskey, filter_repo = os.environ["FRISKEY"], os.environ["FILTER_REPO"]
null = os.open(os.devnull, os.O_RDWR)


def measure(command, dir, expected_status):
    """Wall-clock seconds of one run, and peak memory in MB of it or a process that it started."""
    start = time.perf_counter()
    actions = [(os.POSIX_SPAWN_DUP2, null, fd) for fd in (0, 1, 2)]
    os.chdir(dir)
    pid = os.posix_spawnp(command[0], command, os.environ, file_actions=actions)
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - start
    exit_status = os.waitstatus_to_exitcode(status)
    if exit_status != expected_status:
        sys.exit(f"{' '.join(command)} ended with status {exit_status}")
    return wall, usage.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def shell(command):
    if os.system(command):
        sys.exit(f"failed: {command}")


def median(values):
    ordered = sorted(values)
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2


print(f"{os.cpu_count()} processors, {rounds} rounds")
# The last three columns are ratios of wall time and of memory to those of `history`, and of filter-repo's wall time to this one.
print(f"{'':28}{'wall s':>9}{'least':>9}{'peak MB':>9}{'/ history':>11}{'memory /':>10}{'filter-repo /':>15}")
for name in "early", "late":
    old = f"{work}/{name}.git"
    runs = {"history": [], "purge": [], "filter-repo": []}
    for round in range(rounds + 1):
        shell(f"rm -rf {work}/new.git {work}/theirs.git && cp -a {old} {work}/theirs.git")
        results = {
            "history": measure([friskey, "history", "-q", old], work, 1),
            "purge": measure([friskey, "purge", "-q", old, "--into", f"{work}/new.git"], work, 0),
            "filter-repo": measure([filter_repo, "--force", "--sensitive-data-removal", "--no-fetch", "--replace-text", f"{work}/rules",
                                  "--replace-message", f"{work}/rules"], f"{work}/theirs.git", 0),
        }
        # The first round only fills the caches.
        if round > 0 or rounds == 0:
            for program, result in results.items():
                runs[program].append(result)
    for program, own_runs in runs.items():
        wall, peak = zip(*own_runs)
        # Ratios are taken within a round, because runs close in time saw the same load.
        wall_ratio, peak_ratio = [
            median(own[part] / history[part] for own, history in zip(own_runs, runs["history"])) for part in (0, 1)]
        filter_repo_ratio = median(theirs[0] / own[0] for own, theirs in zip(own_runs, runs["filter-repo"]))
        print(f"{name + ' key, ' + program:28}{median(wall):9.2f}{min(wall):9.2f}{max(peak):9.1f}"
              f"{wall_ratio:11.2f}{peak_ratio:10.2f}{filter_repo_ratio:15.1f}")
PY
