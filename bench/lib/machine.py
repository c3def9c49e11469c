"""machine.py — what Linux says of processes and cores: their time, their memory, their system calls."""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

PROC = pathlib.Path("/proc")
BUSY_FIELDS = slice(1, 9)


def about():
    """What the figures were taken on: they mean nothing elsewhere."""
    model = next((line.partition(":")[2].strip() for line in (PROC / "cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), "unknown")
    return {"cpu": model, "cores": os.cpu_count(), "kernel": os.uname().release, "date": time.strftime("%Y-%m-%d %H:%M"),
            "load_average": os.getloadavg()[0]}


def processes_of(pid):
    """The process and all below it."""
    children = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, IndexError):
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(entry.name))
    found, waiting = [], [pid]
    while waiting:
        found.append(waiting.pop())
        waiting += children.get(found[-1], [])
    return found


def cpu_of(pids):
    """(all, user, kernel) of each process, with all its threads.

    The first is the scheduler's, in microseconds and exact; the others say, in ticks, how it is divided.
    """
    found = {}
    for pid in pids:
        with contextlib.suppress(OSError):
            fields = (PROC / f"{pid}/stat").read_text().rpartition(")")[2].split()
            total = 0
            for thread in (PROC / f"{pid}/task").iterdir():
                with contextlib.suppress(OSError):
                    total += int((thread / "schedstat").read_text().split()[0]) / 1000
            found[pid] = (total, int(fields[11]), int(fields[12]))
    return found


def cpu_between(before, after):
    """(user, kernel) in microseconds of two answers of cpu_of(): of the processes that were still there at the end."""
    total, user, kernel = (sum(late[field] - before.get(pid, (0, 0, 0))[field] for pid, late in after.items()) for field in range(3))
    ticks = max(1, user + kernel)
    return (total * user / ticks, total * kernel / ticks) if user + kernel else (0.0, total)


def pin(pids, core):
    """Every thread of these processes."""
    for pid in pids:
        with contextlib.suppress(OSError):
            for thread in (PROC / f"{pid}/task").iterdir():
                os.sched_setaffinity(int(thread.name), {core})


def core_time(core):
    """All and idle ticks of a core."""
    for line in (PROC / "stat").read_text().splitlines():
        if line.startswith(f"cpu{core} "):
            values = [int(value) for value in line.split()[BUSY_FIELDS]]
            return sum(values), values[3] + values[4]
    return 1, 1


def busy_share(before, after):
    return 1 - (after[1] - before[1]) / max(1, after[0] - before[0])


def memory_bytes(pids):
    """What the processes hold of memory, what they share counted once."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            match = re.search(r"^Pss:\s+(\d+) kB", (PROC / f"{pid}/smaps_rollup").read_text(), re.MULTILINE)
            total += int(match[1]) * 1024 if match else 0
    return total


def files_max():
    """As many descriptors as a process here may have."""
    import resource
    return min(resource.getrlimit(resource.RLIMIT_NOFILE)[1], 65536)


class SyscallCount:
    """The system calls of processes while it is open, and those among them that enter a ring: perf counts them; strace, which slows them
    down, where perf may not. None where nothing can, and why is in `excuse`."""

    ALL, ENTER = "raw_syscalls:sys_enter", "syscalls:sys_enter_io_uring_enter"

    def __init__(self, pids):
        self.calls = self.enters = None
        self.excuse = ""
        self.tool = self.perf_command(pids) or self.strace_command(pids)

    @classmethod
    def perf_command(cls, pids):
        if not shutil.which("perf"):
            return None
        events = ["perf", "stat", "-x,", "-e", f"{cls.ALL},{cls.ENTER}"]
        probe = subprocess.run([*events, "--", "true"], capture_output=True, text=True)
        return [*events, "-p", ",".join(map(str, pids))] if re.search(r"^[1-9]\d*,", probe.stderr, re.MULTILINE) else None

    @staticmethod
    def strace_command(pids):
        return ["strace", "-c", "-f", *[word for pid in pids for word in ("-p", str(pid))]] if shutil.which("strace") else None

    def __enter__(self):
        if self.tool:
            self.process = subprocess.Popen(self.tool, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            time.sleep(0.3)
        return self

    def __exit__(self, *_):
        if not self.tool:
            self.excuse = "there is neither perf nor strace"
            return
        self.process.send_signal(signal.SIGINT)
        try:
            text = self.process.communicate(timeout=10)[1]
        except subprocess.TimeoutExpired:
            self.process.kill()
            text = self.process.communicate()[1]
        self.read_perf(text) if self.tool[0] == "perf" else self.read_strace(text)
        if self.calls is None:
            self.excuse = f"{self.tool[0]} may not count here: {(text.strip().splitlines() or ['it says nothing'])[-1]}"

    def read_perf(self, text):
        counted = {event: int(count) for count, event in re.findall(r"^(\d+),[^,]*,(\w+:\w+)", text, re.MULTILINE)}
        self.calls, self.enters = counted.get(self.ALL), counted.get(self.ENTER)

    def read_strace(self, text):
        total = re.search(r"^100\.00\s+\S+\s+\S*\s+(\d+)", text, re.MULTILINE)
        if total:
            enters = re.search(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?io_uring_enter$", text, re.MULTILINE)
            self.calls, self.enters = int(total[1]), int(enters[1]) if enters else 0


def busy_shares(cores, seconds):
    """How busy each of these cores is, for that long."""
    before = [core_time(core) for core in cores]
    time.sleep(seconds)
    return [busy_share(early, core_time(core)) for early, core in zip(before, cores)]
