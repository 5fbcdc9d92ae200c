"""Runs one command and prints wall-clock seconds, CPU seconds, peak memory in MB, and exit status.

    python3 -I -S measure.py SECONDS STDERR COMMAND [ARGUMENT]...

Kills the command after SECONDS, and then prints `timeout` as the exit status. Writes the command's standard error to the file
STDERR. CPU time includes the processes that the command started and waited for; memory is that of the largest process. The system
counts the memory that the parent of a process had when it started it, so this program imports little.
"""

import os
import signal
import sys
import time


def main():
    seconds, errors, command = float(sys.argv[1]), sys.argv[2], sys.argv[3:]
    null = os.open(os.devnull, os.O_RDWR)
    stderr = os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    actions = [(os.POSIX_SPAWN_DUP2, file, to) for file, to in ((null, 0), (null, 1), (stderr, 2))]
    start = time.perf_counter()
    # A process group, so that the processes it starts can be ended with it.
    pid = os.posix_spawn(command[0], command, os.environ, file_actions=actions, setpgroup=0)
    killed_by = []

    def kill(number, _frame):
        killed_by.append(number)
        os.killpg(pid, signal.SIGKILL)

    for number in (signal.SIGALRM, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, kill)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - start
    outcome = "timeout" if killed_by else os.waitstatus_to_exitcode(status)
    peak = usage.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
    print(f"{wall:.5f} {usage.ru_utime + usage.ru_stime:.5f} {peak:.1f} {outcome}")


main()
