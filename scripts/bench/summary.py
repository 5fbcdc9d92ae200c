"""Medians and ratios of the runs, and which kind of time to compare."""

from statistics import geometric_mean, median

from programs import TASKS


def summarize(case):
    """The rows of a case that ran, by label: medians, and medians of the ratios to the task's reference.

    Ratios are taken within a round, since runs that are close in time saw the same load.
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
    """Whether other processes took so much time that wall time says little."""
    return (results["load"]["others"] or 0) > 0.1


def ratios(results, task, part):
    """For each label, the ratios of the cases of a task, and their geometric mean."""
    found = {}
    for case in results["cases"]:
        if case["task"] == task:
            for label, entry in summarize(case).items():
                if entry[f"{part}_ratio"]:
                    found.setdefault(label, []).append(entry[f"{part}_ratio"])
    return {label: (values, geometric_mean(values)) for label, values in found.items()}
