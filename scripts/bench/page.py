"""The page in Markdown: the chart, the machine, a table for each case, and how to repeat it."""

import os
import subprocess

from programs import ROWS, TASKS
from summary import is_busy, summarize

_SCRIPT = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "bench.sh")

_INTRODUCTION = """\
# Benchmarks

How long friskey and other scanners take on the same repositories, measured on {date}. `scripts/bench.sh` wrote this
page; run it to [repeat the comparison](#repeat-it) on your machine.

![Time of each program relative to git or ripgrep, for whole histories, files, staged changes and start-up](benchmarks.svg)

Keep in mind what is compared:

- Only time and memory are measured here, not what is found.
- friskey searches for OpenAI keys only, the other scanners for hundreds of kinds of secrets. Rows with "OpenAI only" show a
  scanner restricted to its rule for OpenAI keys.
- In a history, `git cat-file` writes out every object, and `git log -p` every change that a branch or tag leads to. gitleaks and
  betterleaks read the latter. friskey searches all objects and messages, including unreachable ones. It can be faster than
  `git cat-file` because it searches what git stores of a changed file, the difference from another version, instead of
  assembling each version.
- In files, `rg` searches for one literal, the marker in the middle of OpenAI's keys. friskey and some scanners also open
  archives and decode text.
- No scanner asks a provider whether a key is valid.
- How fast friskey searches text that was made to slow it down is on [a page of its own](floods.md).
"""

_METHOD = """\
## Method

The programs take turns, so that other load on the machine affects all of them alike. The first round only fills
caches: those of the file system, and kingfisher's cache of compiled rules. Each figure is the median of the other rounds.
A ratio is the median of the ratios within a round. CPU time is user plus system time, including child processes. Memory is
the peak resident memory of the largest process; the smallest that can be measured is {smallest_peak:.0f} MB. All programs run with
their default number of threads unless the table says otherwise, with an empty home directory, and write their report to
`/dev/null`. The files of a repository are those of the commit that `HEAD` names, without `.git`.
"Incomplete" means that friskey named something that it could not scan, such as an archive in a format that it does not
open, and ended with exit status 3.
"""

_REPEAT = """\
## Repeat it

Build friskey, install the scanners that you want to compare, and clone the repositories, for example those that the
project uses for this page:

```sh
cargo build --release
for repository in BurntSushi/ripgrep pallets/flask tokio-rs/tokio vuejs/vue redis/redis; do
    git clone --bare "https://github.com/$repository"
done
scripts/bench.sh ripgrep.git flask.git tokio.git vue.git redis.git
```

`target/bench/benchmarks.json` then has the figures of each run; [benchmarks.json](benchmarks.json) has those of this page.

```text
{help}
```
"""


def render(results):
    """The whole page."""
    parts = [
        _INTRODUCTION.format(date=results["date"]),
        _machine(results),
        *[_task(results, task) for task in TASKS],
        _METHOD.format(smallest_peak=results["smallest_peak"]),
        _REPEAT.format(help=_help()),
    ]
    return "\n".join(parts)


def _help():
    return subprocess.run([_SCRIPT, "--help"], capture_output=True, text=True, check=True).stdout.rstrip()


def _machine(results):
    machine, load = results["machine"], results["load"]
    others = "" if load["others"] is None else f"; other processes used {load['others']:.0%} of the CPU time"
    versions = ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    processors = "1 processor" if machine["processors"] == 1 else f"{machine['processors']} processors"
    missing = results["missing"]
    advice = """
The machine was busy with other work. Compare CPU time, as the chart does: wall time and its ratios include waiting for a
processor.
"""
    return f"""\
## Machine and versions

- {machine['processor']}, {processors}, {machine['memory_gib']} GiB of memory, {machine['kernel']} ({machine['architecture']})
- Load average {load['start']:.1f} at the start and {load['end']:.1f} at the end, including what was measured{others}
- {versions}
- Not installed: {', '.join(missing) or 'none of the known programs'}
{advice if is_busy(results) else ''}"""


def _task(results, task):
    """The commands of a task and a table for each target."""
    heading, _, reference, _ = TASKS[task]
    cases = [case for case in results["cases"] if case["task"] == task]
    if not cases:
        return f"## {heading}\n\nNot measured: no repository was given.\n"
    tables = [_table(results, case, reference) for case in cases]
    commands = "\n".join(f"| {row['label']} | `{row['command']}` |" for row in cases[0]["rows"])
    return f"## {heading}\n\n" + "\n".join(tables) + f"\n| program | command |\n|---|---|\n{commands}\n"


def _table(results, case, reference):
    summary = summarize(case)
    lines = [
        f"**{case['name']}** ({case['size']}; {case['rounds']} run{'s' * (case['rounds'] > 1)} of each)",
        "",
        f"| program | wall | CPU | peak memory | wall / {reference} | CPU / {reference} |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for row in case["rows"]:
        if "failure" in row:
            lines.append(f"| {row['label']} | {row['failure']} | | | | |")
            continue
        entry = summary[row["label"]]
        peak, smallest_peak = entry["peak"], results["smallest_peak"]
        memory = f"{peak:.0f} MB" if peak > smallest_peak + 0.5 else f"≤ {smallest_peak:.0f} MB"
        cells = [_time(entry["wall"]), _time(entry["cpu"]), memory, ratio(entry["wall_ratio"]), ratio(entry["cpu_ratio"])]
        label = row["label"] + " (incomplete)" * ("incomplete" in row)
        lines.append(f"| {label} | {' | '.join(cells)} |")
    programs = dict.fromkeys(row.program for row in ROWS if row.task == case["task"])
    lines += [f"| {name} | not installed | | | | |" for name in programs if name in results["missing"]]
    return "\n".join(lines) + "\n"


def _time(seconds):
    return f"{seconds * 1e3:.1f} ms" if seconds < 0.1 else f"{seconds:.2f} s"


def ratio(value):
    """A ratio with two or three significant digits, or a dash."""
    if not value:
        return "–"
    return f"{value:.2f}" if value < 10 else f"{value:.0f}"
