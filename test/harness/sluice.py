"""A running Sluice: `sluicectl run` on a directory of its own."""

import json
import os
import re
import signal
import subprocess
from pathlib import Path

from harness.processes import Process, alive, children, name_of, worker_pids
from harness.waiting import until

BAD_LOG = re.compile(r"\[(alert|emerg)\]|exited on signal")


class Sluice:
    """Runs below `directory`: manifests in m/, state in s/. `binaries` is build/bin."""

    def __init__(
        self, directory: Path, binaries: Path, arguments: list[str] = (), nginx: str | None = None
    ):
        self.manifests = directory / "m"
        self.state = directory / "s"
        self.manifests.mkdir(parents=True, exist_ok=True)
        self.state.mkdir(parents=True, exist_ok=True)
        directory.chmod(0o755)
        self.binaries = binaries
        self.log = directory / "run.log"
        self.arguments = list(arguments) + (["--nginx", nginx] if nginx else [])
        self.process: Process | None = None

    # -- objects --

    def write(self, name: str, text: str) -> Path:
        """Puts a manifest in place by rename, as careful tools do."""
        path = self.manifests / name
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.parent / f".{path.name}.tmp"
        temporary.write_text(text)
        os.replace(temporary, path)
        return path

    def remove(self, name: str) -> None:
        (self.manifests / name).unlink()

    # -- processes --

    def start(self) -> None:
        self.process = Process(
            [
                str(self.binaries / "sluicectl"),
                "run",
                str(self.manifests),
                "--state-dir",
                str(self.state),
            ]
            + self.arguments,
            self.log,
        )
        self.wait(seconds=20)
        # The first worker may be at work before the last one is there.
        conf = next(self.state.rglob("nginx.conf")).read_text()
        workers = int(re.search(r"worker_processes (\d+);", conf).group(1))
        until(lambda: len(self.worker_pids()) == workers, f"{workers} workers")

    def stop(self) -> int:
        return self.process.stop(signal.SIGINT) if self.process else 0

    def _child(self, name: str) -> int:
        found = [pid for pid in children(self.process.pid) if name_of(pid).startswith(name)]
        return found[0] if found else 0

    def controller_pid(self) -> int:
        return self._child("sluice-controll")

    def master_pid(self) -> int:
        return self._child("nginx")

    def worker_pids(self) -> list[int]:
        return worker_pids(self.master_pid())

    # -- the command line --

    def ctl(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess:
        command = [str(self.binaries / "sluicectl"), *arguments, "--state-dir", str(self.state)]
        result = subprocess.run(command, capture_output=True, text=True, timeout=60)
        if check and result.returncode:
            raise AssertionError(
                f"{' '.join(command)} -> {result.returncode}\n{result.stdout}{result.stderr}"
            )
        return result

    def wait(self, *objects: str, seconds: float = 10.0) -> None:
        """Returns when every live worker answers by the newest objects."""

        def waited() -> bool:
            if self.process and not self.process.alive():
                raise AssertionError(f"sluicectl run ended:\n{self.output()}")
            return (
                self.ctl("wait", *objects, "--timeout", str(int(seconds)), check=False).returncode
                == 0
            )

        until(waited, f"sluicectl wait {' '.join(objects)}", seconds + 5)

    def get(self, kind: str, name: str, namespace: str = "default") -> dict:
        return json.loads(self.ctl("get", kind, name, "-n", namespace, "-o", "json").stdout)

    def output(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    # -- the log --

    def nginx_log(self) -> str:
        return "".join(
            path.read_text(errors="replace") for path in sorted(self.state.rglob("*error*.log"))
        )

    def bad_log_lines(self, expected: list[str] = ()) -> list[str]:
        """Lines that no healthy nginx writes, but for those that match a pattern in `expected`."""
        lines = [line for line in self.nginx_log().splitlines() if BAD_LOG.search(line)]
        return [line for line in lines if not any(re.search(pattern, line) for pattern in expected)]

    def gone(self) -> bool:
        return not alive(self.process.pid)
