"""The programs to compare, and the command with which each does each of the four tasks."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass

# Split, so that this file does not contain the marker.
MARKER = "T3Blbk" + "FJ"

# For each task: its heading, what the page shows in place of TARGET, the row with which the others are compared, and the number of
# runs in a round, which is higher for short runs, since they vary more.
TASKS = {
    "history": ("Whole history", "REPOSITORY", "git cat-file", 1),
    "tree": ("Files", "DIRECTORY", "rg", 2),
    "staged": ("Staged changes", ".", "git diff --cached", 3),
    "startup": ("Start-up", "FILE", "rg", 5),
}

# friskey's exit statuses if it found a key, and if it found none but could not scan something.
_FOUND, INCOMPLETE = 1, 3
_FRISKEY_STATUSES = (0, _FOUND, INCOMPLETE)

_PROCESSORS = os.cpu_count() or 1
_KINGFISHER = "scan --quiet --no-update-check --no-validate"
_KINGFISHER_OPENAI = f"{_KINGFISHER} --rule betterleaks.openai-api-key"
_LEAKS = "--no-banner --exit-code 0"
_GITLEAKS_OPENAI = f"{_LEAKS} --enable-rule openai-api-key"
_BETTERLEAKS_OPENAI = f"{_LEAKS} --isolate-rule openai-api-key"
_TRUFFLEHOG = "--no-update --no-verification"


@dataclass(frozen=True)
class Row:
    """One way to do a task: a row of its table."""

    task: str
    program: str
    label: str
    # Separated by spaces. TARGET stands for the path to scan, FRESH for a path at which nothing exists, MARKER for `MARKER`.
    arguments: str
    # The exit statuses with which the program says that it did the whole task.
    statuses: tuple = (0,)

    def command(self, executable, target, fresh):
        """The command as a list."""
        words = self.arguments.replace("MARKER", MARKER).split()
        return [executable] + [word.replace("TARGET", target).replace("FRESH", fresh) for word in words]

    def command_on_page(self):
        """The command as the page shows it."""
        return f"{self.program} {self.arguments}".replace("TARGET", TASKS[self.task][1])


def _threads():
    """The numbers of threads that `friskey history` is measured with, each with its label."""
    numbers = sorted({1, _PROCESSORS})
    return [(number, f"friskey, {number} thread{'s' * (number > 1)}") for number in numbers]


# Status 1 of rg: no line matched. Status 1 of `git diff`: there are changes.
# kingfisher ends with 200 after a finding, and 205 after one that is still valid.
ROWS = [
    Row("history", "git", "git cat-file", "-C TARGET cat-file --batch-all-objects --batch --unordered --buffer"),
    Row("history", "git", "git log -p", "-C TARGET log -p -U0 --full-history --all"),
    *[
        Row("history", "friskey", label, f"history --quiet --threads {number} TARGET", _FRISKEY_STATUSES)
        for number, label in _threads()
    ],
    Row("history", "kingfisher", "kingfisher", f"{_KINGFISHER} TARGET", (0, 200, 205)),
    Row("history", "kingfisher", "kingfisher, OpenAI only", f"{_KINGFISHER_OPENAI} TARGET", (0, 200, 205)),
    Row("history", "betterleaks", "betterleaks", f"git {_LEAKS} TARGET"),
    Row("history", "betterleaks", "betterleaks, OpenAI only", f"git {_BETTERLEAKS_OPENAI} TARGET"),
    Row("history", "gitleaks", "gitleaks", f"git {_LEAKS} TARGET"),
    Row("history", "gitleaks", "gitleaks, OpenAI only", f"git {_GITLEAKS_OPENAI} TARGET"),
    Row("history", "trufflehog", "trufflehog", f"git {_TRUFFLEHOG} file://TARGET"),
    Row("history", "noseyparker", "noseyparker", "scan --quiet --datastore FRESH TARGET"),
    Row("tree", "rg", "rg", "-uuu -a -c MARKER TARGET", (0, 1)),
    Row("tree", "friskey", "friskey", "scan --quiet --no-ignore TARGET", _FRISKEY_STATUSES),
    Row("tree", "kingfisher", "kingfisher", f"{_KINGFISHER} TARGET", (0, 200, 205)),
    Row("tree", "kingfisher", "kingfisher, OpenAI only", f"{_KINGFISHER_OPENAI} TARGET", (0, 200, 205)),
    Row("tree", "betterleaks", "betterleaks", f"filesystem {_LEAKS} TARGET"),
    Row("tree", "betterleaks", "betterleaks, OpenAI only", f"filesystem {_BETTERLEAKS_OPENAI} TARGET"),
    Row("tree", "gitleaks", "gitleaks", f"dir {_LEAKS} TARGET"),
    Row("tree", "gitleaks", "gitleaks, OpenAI only", f"dir {_GITLEAKS_OPENAI} TARGET"),
    Row("tree", "trufflehog", "trufflehog", f"filesystem {_TRUFFLEHOG} TARGET"),
    Row("tree", "noseyparker", "noseyparker", "scan --quiet --datastore FRESH TARGET"),
    Row("staged", "git", "git diff --cached", "diff --cached --quiet", (0, 1)),
    Row("staged", "friskey", "friskey", "staged --quiet", _FRISKEY_STATUSES),
    Row("staged", "kingfisher", "kingfisher", f"{_KINGFISHER} --staged TARGET", (0, 200, 205)),
    Row("staged", "betterleaks", "betterleaks", f"git --staged {_LEAKS} TARGET"),
    Row("staged", "gitleaks", "gitleaks", f"git --staged {_LEAKS} TARGET"),
    Row("startup", "rg", "rg", "-c MARKER TARGET", (0, 1)),
    Row("startup", "git", "git --version", "--version"),
    Row("startup", "friskey", "friskey --version", "--version"),
    Row("startup", "friskey", "friskey", "scan --quiet TARGET", _FRISKEY_STATUSES),
    Row("startup", "kingfisher", "kingfisher", f"{_KINGFISHER} TARGET", (0, 200, 205)),
    Row("startup", "betterleaks", "betterleaks", f"filesystem {_LEAKS} TARGET"),
    Row("startup", "gitleaks", "gitleaks", f"dir {_LEAKS} TARGET"),
    Row("startup", "trufflehog", "trufflehog", f"filesystem {_TRUFFLEHOG} TARGET"),
    Row("startup", "noseyparker", "noseyparker", "scan --quiet --datastore FRESH TARGET"),
]

PROGRAMS = ["friskey", "git", "rg", "kingfisher", "betterleaks", "gitleaks", "trufflehog", "noseyparker"]


def find_installed(names):
    """The path and version of each of these programs that is installed, by name."""
    installed = {}
    for name in names:
        path = os.environ["FRISKEY"] if name == "friskey" else shutil.which(name)
        if path:
            installed[name] = {"path": os.path.abspath(path), "version": _version(path)}
    return installed


def _version(path):
    """The first version number in the output of `--version`, or "unknown version"."""
    try:
        run = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown version"
    number = re.search(r"\d+\.\d+[\w.-]*", run.stdout + run.stderr)
    return number.group() if number else "unknown version"
