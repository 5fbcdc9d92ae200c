"""Computes medians and ratios of the runs, and whether wall time or CPU time is to be compared."""

from statistics import geometric_mean, median

from programs import TASKS


def summarize(case):
    """For each row with runs, by label: their medians, and medians of the ratios to the task's reference.

    Ratios are taken within a round, because runs close in time saw the same load.
    """
    rows = {row["label"]: row["runs"] for row in case["rows"] if row["runs"] and "failure" not in row}
    reference = rows.get(TASKS[case["task"]][2])
    summary = {}
    for label, runs in rows.items():
        entry = {part: median(run[part] for run in runs) for part in ("wall", "cpu", "peak")}
        for part in ("wall", "cpu"):
            entry[f"{part}_ratio"] = reference and median(
                own[part] / max(other[part], 1e-6) for own, other in zip(runs, reference)
            )
        summary[label] = entry
    return summary


def is_busy(results):
    """Whether other processes used more than a tenth of the CPU time, so that wall times cannot be compared."""
    return (results["load"]["others"] or 0) > 0.1


def ratios(results, task, part):
    """For each label, the ratios in all cases of a task, and their geometric mean. `part` is "wall" or "cpu"."""
    by_label = {}
    for case in results["cases"]:
        if case["task"] == task:
            for label, entry in summarize(case).items():
                if entry[f"{part}_ratio"]:
                    by_label.setdefault(label, []).append(entry[f"{part}_ratio"])
    return {label: (values, geometric_mean(values)) for label, values in by_label.items()}
