"""Describes the machine on which the benchmarks run, and how busy it is with other programs."""

import os
import platform
import re
import resource
import subprocess
import sys


def describe():
    """Processor, memory and kernel in words, without anything that identifies the machine."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    kernel = re.match(r"[\d.]*\d", platform.release())
    return {
        "processor": _processor(),
        "processors": os.cpu_count(),
        "memory_gib": round(pages / 2**30),
        "kernel": f"{platform.system()} {kernel.group() if kernel else ''}".strip(),
        "architecture": platform.machine(),
    }


def _processor():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            model = re.search(r"^model name\s*:\s*(.+)$", file.read(), re.MULTILINE)
    except OSError:
        command = ["sysctl", "-n", "machdep.cpu.brand_string"]
        try:
            return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        except (OSError, subprocess.CalledProcessError):
            model = None
    return model.group(1) if model else "unknown processor"


class LoadMonitor:
    """Measures how busy the machine is between its creation and `end`."""

    def __init__(self):
        self.cpu, self.own, self.load = _busy_and_total_seconds(), _own_seconds(), os.getloadavg()[0]

    def end(self):
        """The load average at start and end, and the share of all CPU time that other processes used, if known."""
        others = None
        if self.cpu and (now := _busy_and_total_seconds()):
            busy, total = now[0] - self.cpu[0], now[1] - self.cpu[1]
            others = max(0.0, busy - (_own_seconds() - self.own)) / max(total, 0.01)
        share = None if others is None else round(others, 3)
        return {"start": self.load, "end": os.getloadavg()[0], "others": share}


def _busy_and_total_seconds():
    """CPU seconds of all processors since the machine started: those in use, and all; `None` outside Linux."""
    if sys.platform != "linux":
        return None
    with open("/proc/stat", encoding="ascii") as file:
        ticks = [int(word) for word in file.readline().split()[1:9]]
    # The fields are user, nice, system, idle, iowait, irq, softirq and steal.
    total, idle = sum(ticks), ticks[3] + ticks[4]
    per_second = os.sysconf("SC_CLK_TCK")
    return (total - idle) / per_second, total / per_second


def _own_seconds():
    """The CPU seconds of this process and of the processes that it waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)
