"""Runs all programs in turn on all targets, and writes benchmarks.json, benchmarks.md and benchmarks.svg.

Called by scripts/bench.sh with the output directory, the rounds, the timeout in seconds, the number of files of the
generated repository, the programs and the paths; or with `--render` and the directory of an earlier benchmarks.json.
"""

import datetime
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile

import chart
import machine
import page
from programs import INCOMPLETE, PROGRAMS, ROWS, TASKS, find_installed
from targets import prepare_targets, target_name

MEASURE = [sys.executable, "-I", "-S", os.path.join(os.path.dirname(os.path.abspath(__file__)), "measure.py")]


class Runner:
    """Measures commands. `dir` is for temporary files, `timeout` in seconds."""

    def __init__(self, dir, timeout):
        self.dir, self.timeout = dir, timeout
        self.fresh_paths = 0

    def measure(self, command, directory):
        """Time and memory of one run, as a dictionary; `outcome` is the exit status or "timeout"."""
        errors = os.path.join(self.dir, "stderr")
        process = subprocess.Popen(
            [*MEASURE, str(self.timeout), errors, *command], cwd=directory, stdout=subprocess.PIPE, text=True,
        )
        try:
            printed, _ = process.communicate()
        except BaseException:
            # measure.py then kills the command.
            process.terminate()
            process.wait()
            raise
        fields = printed.split()
        if process.returncode or len(fields) != 4:
            sys.exit(f"bench.sh: {command[0]} could not be started")
        wall, cpu, peak = map(float, fields[:3])
        return {"wall": wall, "cpu": cpu, "peak": peak, "outcome": fields[3]}

    def fresh_path(self):
        """A path at which nothing exists."""
        self.fresh_paths += 1
        return os.path.join(self.dir, f"fresh{self.fresh_paths}")

    def last_error(self):
        """The last line that the last command wrote to standard error."""
        with open(os.path.join(self.dir, "stderr"), encoding="utf-8", errors="replace") as file:
            lines = file.read().strip().split("\n")
        return lines[-1]


def compare(runner, target, programs, rounds):
    """Measures every row of the target's task, in rotation, and returns the runs."""
    rows = [row for row in ROWS if row.task == target.task and row.program in programs]
    results = [{"label": row.label, "program": row.program, "command": row.command_on_page(), "runs": []} for row in rows]
    repeats = rounds * TASKS[target.task][3]
    # The first round only fills caches.
    for round in range(repeats + 1):
        for row, result in zip(rows, results):
            if "failure" in result:
                continue
            fresh = runner.fresh_path()
            command = row.command(programs[row.program]["path"], target.path, fresh)
            run = runner.measure(command, target.path if target.task == "staged" else runner.dir)
            shutil.rmtree(fresh, ignore_errors=True)
            outcome = run.pop("outcome")
            if outcome == "timeout":
                result["failure"] = f"stopped after {runner.timeout} s"
            elif int(outcome) not in row.statuses:
                result["failure"] = f"failed: exit status {outcome}"
                print(f"bench.sh: {result['command']} on {target.name}: status {outcome}: {runner.last_error()}",
                      file=sys.stderr)
            elif round > 0:
                result["runs"].append(run)
                if row.program == "friskey" and int(outcome) == INCOMPLETE:
                    result["incomplete"] = True
    return {"task": target.task, "name": target.name, "size": target.size, "rounds": repeats, "rows": results}


def set_environment(dir):
    """Hides the settings of the user and of the system from the programs, and lets git read any repository."""
    settings = ("GIT_", "XDG_", "FRISKEY_", "GITLEAKS_", "BETTERLEAKS_", "KF_", "RIPGREP_")
    for name in [name for name in os.environ if name.startswith(settings)]:
        del os.environ[name]
    home = os.path.join(dir, "home")
    os.mkdir(home)
    with open(os.path.join(home, ".gitconfig"), "w", encoding="ascii") as file:
        file.write("[safe]\n\tdirectory = *\n")
    os.environ.update(HOME=home, GIT_CONFIG_NOSYSTEM="1", NO_COLOR="1", LC_ALL="C")


def measure_all(paths, rounds, timeout, files, requested):
    """The content of benchmarks.json: everything that the page shows."""
    programs = find_installed(requested)
    with tempfile.TemporaryDirectory(prefix="friskey-bench-") as dir:
        set_environment(dir)
        runner = Runner(dir, timeout)
        targets = prepare_targets(paths, dir, files)
        smallest_peak = runner.measure([shutil.which("true")], dir)["peak"]
        load_monitor = machine.LoadMonitor()
        cases = []
        for target in targets:
            print(f"bench.sh: {TASKS[target.task][0].lower()}, {target.name}", file=sys.stderr)
            cases.append(compare(runner, target, programs, rounds))
        return {
            "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d"),
            "machine": machine.describe(),
            "load": load_monitor.end(),
            "versions": {name: program["version"] for name, program in programs.items()},
            "missing": [name for name in requested if name not in programs],
            "options": {"rounds": rounds, "timeout": timeout, "files": files},
            "smallest_peak": smallest_peak,
            "cases": cases,
        }


def write(results, output):
    """Writes the figures, the page and the chart into the directory `output`."""
    texts = {"json": json.dumps(results, indent=1) + "\n", "md": page.render(results), "svg": chart.render(results)}
    for extension, text in texts.items():
        with open(os.path.join(output, f"benchmarks.{extension}"), "w", encoding="utf-8") as file:
            file.write(text)
    print(f"bench.sh: wrote benchmarks.md, benchmarks.svg and benchmarks.json to {output}", file=sys.stderr)


def main():
    if sys.argv[1] == "--render":
        with open(os.path.join(sys.argv[2], "benchmarks.json"), encoding="utf-8") as file:
            write(json.load(file), sys.argv[2])
        return
    output, rounds, timeout, files, programs, *paths = sys.argv[1:]
    requested = PROGRAMS if programs == "all" else programs.split(",")
    unknown = [name for name in requested if name not in PROGRAMS]
    if unknown:
        sys.exit(f"bench.sh: unknown program `{unknown[0]}`: expected {', '.join(PROGRAMS)}")
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    os.makedirs(output, exist_ok=True)
    output, paths = os.path.abspath(output), [os.path.abspath(path) for path in paths]
    names = [target_name(path) for path in paths]
    if duplicates := [name for name in names if names.count(name) > 1]:
        sys.exit(f"bench.sh: two of the paths are named {duplicates[0]}: rename one of them, or give a link to it")
    try:
        results = measure_all(paths, int(rounds), int(timeout), int(files), requested)
    except KeyboardInterrupt:
        sys.exit("bench.sh: interrupted; nothing was written")
    write(results, output)
    if any("failure" in row for case in results["cases"] for row in case["rows"] if row["program"] == "friskey"):
        sys.exit(1)


main()
