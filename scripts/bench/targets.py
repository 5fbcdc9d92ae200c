"""Prepares what is scanned: the given repositories, their files, a generated repository with staged changes, and a small file."""

import os
import subprocess
import sys
from dataclasses import dataclass

# The number of files with staged changes in the generated repository.
STAGED_CHANGES = 5


@dataclass(frozen=True)
class Target:
    """A repository, directory or file on which the programs do a task."""

    task: str
    name: str
    path: str
    # Its size as the page shows it, e.g. "214 files, 1.8 MB".
    size: str


def prepare_targets(paths, dir, files):
    """Writes files below `dir`, and returns the targets in the order of the tasks. `files` is the number of files of the
    generated repository."""
    repositories = [path for path in paths if _is_repository(path)]
    histories = [Target("history", target_name(path), path, _history_size(path)) for path in repositories]
    trees = []
    for path in paths:
        tree = _export(path, os.path.join(dir, "trees", target_name(path))) if path in repositories else path
        trees.append(Target("tree", target_name(path), tree, _tree_size(tree)))
    small_file = os.path.join(dir, "small.txt")
    with open(small_file, "w", encoding="ascii") as file:
        file.write("A small file without a key.\n")
    return [
        *histories,
        *trees,
        _generate_staged(os.path.join(dir, "staged"), files),
        Target("startup", "one small file", small_file, f"{os.path.getsize(small_file)} bytes"),
    ]


def git(*arguments, **options):
    """The output of git; if git fails, ends the program with git's message."""
    run = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False, **options)
    if run.returncode:
        sys.exit(f"bench.sh: git {arguments[0]} {arguments[1]} failed: {run.stderr.strip()}")
    return run.stdout


def target_name(path):
    """The name of a repository or directory in tables."""
    name = os.path.basename(os.path.abspath(path))
    return name[:-4] if name.endswith(".git") and name != ".git" else name


def _is_repository(path):
    """Whether `path` is the root of a work tree, or a git directory; a directory within one does not count."""
    run = subprocess.run(
        ["git", "-C", path, "rev-parse", "--is-bare-repository", "--show-prefix", "--absolute-git-dir"],
        capture_output=True, text=True, check=False,
    )
    if run.returncode:
        return False
    bare, prefix, git_dir = run.stdout.split("\n")[:3]
    if bare == "true" or os.path.realpath(git_dir) == os.path.realpath(path):
        return os.path.realpath(git_dir) == os.path.realpath(path)
    return prefix == ""


def _history_size(path):
    """The size of a history. If objects are missing, ends the program, since some scanners then stop early without a message."""
    missing = [line for line in git("-C", path, "rev-list", "--objects", "--all", "--missing=print").split("\n")
               if line.startswith("?")]
    if missing:
        sys.exit(f"bench.sh: {path} is incomplete: objects are missing ({len(missing)}); clone it again")
    commits = int(git("-C", path, "rev-list", "--all", "--count"))
    counts = dict(line.split(": ") for line in git("-C", path, "count-objects", "-v").strip().split("\n"))
    objects = int(counts["count"]) + int(counts["in-pack"])
    megabytes = (int(counts["size"]) + int(counts["size-pack"])) * 1024 / 1e6
    return f"{commits:,} commits, {objects:,} objects, {megabytes:.1f} MB compressed"


def _export(repository, to):
    """Writes the files of the commit that `HEAD` names to the directory `to`, without `.git`, so that all programs see the same."""
    os.makedirs(to)
    git_dir = git("-C", repository, "rev-parse", "--absolute-git-dir").strip()
    environment = {**os.environ, "GIT_DIR": git_dir, "GIT_WORK_TREE": to, "GIT_INDEX_FILE": to + ".index"}
    git("read-tree", "HEAD", env=environment)
    git("checkout-index", "--all", env=environment)
    os.remove(to + ".index")
    return to


def _tree_size(tree):
    files = size = 0
    for dir, _, names in os.walk(tree):
        for name in names:
            path = os.path.join(dir, name)
            if os.path.isfile(path) and not os.path.islink(path):
                files += 1
                size += os.path.getsize(path)
    return f"{files:,} files, {size / 1e6:.1f} MB"


def _generate_staged(dir, files):
    """Generates a repository with `files` files, a few of which have staged changes."""
    git("init", "-q", dir)
    stream = ["commit refs/heads/main\ncommitter Bench <bench@example.org> 1700000000 +0000\ndata 5\nBegin\n"]
    for number in range(files):
        text = "".join(f"line {line} of file {number}\n" for line in range(20))
        stream.append(f"M 100644 inline {_file_path(number)}\ndata {len(text)}\n{text}\n")
    git("-C", dir, "fast-import", "--quiet", input="".join(stream))
    git("-C", dir, "symbolic-ref", "HEAD", "refs/heads/main")
    git("-C", dir, "reset", "-q", "--hard")
    for number in range(0, files, files // STAGED_CHANGES):
        with open(os.path.join(dir, _file_path(number)), "a", encoding="ascii") as file:
            file.write("one more line\n")
    git("-C", dir, "add", "-u")
    changes = len(git("-C", dir, "diff", "--cached", "--name-only").split())
    return Target("staged", f"{files:,} files", dir, f"{changes} of them changed")


def _file_path(number):
    return f"dir{number // 100}/file{number}.txt"
