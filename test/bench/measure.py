#!/usr/bin/env python3
"""measure.py STDOUT COMMAND...: runs the command with its standard output in the file STDOUT, standard error thrown away,
and prints one JSON object: status, user, system and wall seconds, and two peaks in MiB. `rss` is the kernel's own
high-water mark (pages of a mapped capture count); `own` is the most anonymous memory seen in a look every 5 ms."""
import json
import os
import subprocess
import sys
import threading
import time


def anonymous_kib(pid):
    try:
        with open(f"/proc/{pid}/status") as status:
            return sum(int(line.split()[1]) for line in status if line.startswith(("RssAnon:", "RssShmem:")))
    except (OSError, ValueError):
        return 0


def watch(pid, ended, peak):
    while not ended.wait(0.005):
        peak[0] = max(peak[0], anonymous_kib(pid))


with open(sys.argv[1], "wb") as out:
    begun = time.monotonic()
    process = subprocess.Popen(sys.argv[2:], stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL)
    ended, peak = threading.Event(), [0]
    watcher = threading.Thread(target=watch, args=(process.pid, ended, peak))
    watcher.start()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - begun
    ended.set()
    watcher.join()
print(json.dumps({
    "status": os.waitstatus_to_exitcode(status), "user": usage.ru_utime, "system": usage.ru_stime, "wall": wall,
    "rss": usage.ru_maxrss / 1024, "own": peak[0] / 1024,
}))
