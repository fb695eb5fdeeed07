"""Starting, watching and ending processes by their pid."""

import contextlib
import os
import signal
import subprocess
from pathlib import Path

from harness.waiting import until


class Process:
    """A child process whose output goes to a file."""

    def __init__(self, command: list[str], log: Path, env: dict[str, str] | None = None):
        self.log = log
        with log.open("ab") as out:
            self.popen = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, env=env
            )
        self.pid = self.popen.pid

    def alive(self) -> bool:
        return self.popen.poll() is None

    def stop(self, sig: int = signal.SIGTERM, seconds: float = 10.0) -> int:
        """Asks the process to end, insists with SIGKILL at the deadline; returns its exit code."""
        if self.alive():
            self.popen.send_signal(sig)
            with contextlib.suppress(subprocess.TimeoutExpired):
                return self.popen.wait(seconds)
            self.popen.kill()
        return self.popen.wait(seconds)

    def output(self) -> str:
        return self.log.read_text(errors="replace")


def children(pid: int) -> list[int]:
    """Direct children of `pid` that are not zombies, sorted."""
    try:
        pids = [
            int(word)
            for task in Path(f"/proc/{pid}/task").iterdir()
            for word in (task / "children").read_text().split()
        ]
    except OSError:
        return []
    return sorted(child for child in pids if alive(child))


def name_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def title_of(pid: int) -> str:
    try:
        return (
            Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        )
    except OSError:
        return ""


def state_of(pid: int) -> str:
    """The letter of proc(5); a process that is gone is taken for a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return "Z"
    return stat.rsplit(")", 1)[1].split()[0]


def alive(pid: int) -> bool:
    return state_of(pid) != "Z"


def asleep(pid: int) -> bool:
    """Waiting for an event."""
    return state_of(pid) == "S"


def kill(pid: int, sig: int = signal.SIGKILL) -> None:
    """Signals `pid` and, for SIGKILL, waits until it is gone."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, sig)
    if sig == signal.SIGKILL:
        until(lambda: not alive(pid), f"the end of process {pid}")


def worker_pids(master: int) -> list[int]:
    """The workers of an nginx master."""
    return [pid for pid in children(master) if "worker process" in title_of(pid)]
