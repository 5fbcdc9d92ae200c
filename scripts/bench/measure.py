"""Runs one command and prints what it used: wall-clock seconds, CPU seconds, peak memory in MB, exit status.

    python3 -I -S measure.py SECONDS STDERR COMMAND [ARGUMENT]...

After SECONDS the command is killed, and the exit status is `timeout`. CPU time includes the processes that the command
started and waited for; memory is that of the largest of them. Since it includes the memory of the parent at the time of
the start, this is a process of its own, which imports little.
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
    begun = time.perf_counter()
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
    wall = time.perf_counter() - begun
    outcome = "timeout" if killed_by else os.waitstatus_to_exitcode(status)
    peak = usage.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
    print(f"{wall:.5f} {usage.ru_utime + usage.ru_stime:.5f} {peak:.1f} {outcome}")


main()
