"""A controller with the packaged rights, and an nginx beside it, in a cluster's network."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

from harness.kubernetes import Namespace
from harness.operator_nginx import operator_conf
from harness.processes import Process, kill, worker_pids
from harness.sluice import BAD_LOG

SYSTEM = "sluice-system"
ACCOUNT = f"/api/v1/namespaces/{SYSTEM}/serviceaccounts/sluice-controller/token"


class KubeSluice:
    """Everything it keeps is in `directory`; Gateways without addresses get `address`, or each one
    of its own from `pools`."""

    def __init__(
        self,
        namespace: Namespace,
        build: Path,
        directory: Path,
        address: str = "",
        pools: tuple[str, ...] = (),
        workers: int = 2,
    ):
        self.namespace, self.build, self.dir = namespace, build, directory
        self.address, self.worker_count = address, workers
        self.addresses = ["--address", address] if address else []
        for pool in pools:
            self.addresses += ["--address-pool", pool]
        self.state, self.table = directory / "state", directory / "table"
        for path in (directory, self.state):
            path.mkdir(exist_ok=True)
            path.chmod(0o755)
        self.options: tuple[str, ...] = ()  # of the controller
        self.settings = ""  # of nginx, in its http block
        self.through: dict | None = None  # what stands before the API server
        self.controller: Process | None = None
        self.nginx: Process | None = None
        self.expected = ""  # a pattern of lines that a test causes in nginx's log

    def places(self) -> list[str]:
        return ["--table-dir", str(self.table), "--state-dir", str(self.state)]

    def sluicectl(self, *words: str) -> subprocess.CompletedProcess:
        command = [str(self.build / "bin/sluicectl"), *words, "--state-dir", str(self.state)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)

    def start(self) -> None:
        self.start_controller()
        self.start_nginx()

    def start_controller(self) -> None:
        made = self.namespace.api.call("POST", ACCOUNT, {"spec": {"expirationSeconds": 3600}})
        name = f"{self.dir.name}-controller"
        user = {"token": made["status"]["token"]}
        config = self.namespace.kubeconfig(user, f"{name}-config", self.through)
        self.controller = self.namespace.start(
            name,
            *[self.build / "bin/sluice-controller", "--source", "kubernetes"],
            *["--kubeconfig", config, *self.addresses, *self.places(), *self.options],
            *(["--group", "65534"] if os.geteuid() == 0 else []),
        )

    def start_nginx(self) -> None:
        for name in ("sluice-listeners.conf", "sluice-streams.conf"):
            rendered = subprocess.run(
                [self.build / "bin/sluicectl", "render", name, *self.places()],
                capture_output=True,
                text=True,
                check=True,
            )
            (self.dir / name).write_text(rendered.stdout)
        conf = operator_conf("nginx", self.build, self.dir, self.settings)
        conf = conf.replace("worker_processes 1", f"worker_processes {self.worker_count}")
        (self.dir / "nginx.conf").write_text(conf)
        boot = self.dir / "boot.log"
        self.nginx = self.namespace.start(
            f"{self.dir.name}-nginx",
            "nginx",
            "-p",
            self.dir,
            "-e",
            boot,
            "-c",
            self.dir / "nginx.conf",
        )

    def kill_controller(self) -> None:
        kill(self.controller.pid)
        self.controller.popen.wait(10)

    def start_anew(self, keep_table: bool = True) -> None:
        """Both of them; no socket is open in between."""
        if self.controller.alive():
            self.kill_controller()
        self.nginx.stop(signal.SIGTERM)
        if not keep_table:
            shutil.rmtree(self.table)
        self.start()

    def reboot(self) -> None:
        """As after one: what was in shared memory is gone."""
        self.start_anew(keep_table=False)

    def workers(self) -> list[int]:
        return worker_pids(self.nginx.pid)

    def stop(self) -> list[str]:
        """Lines that no healthy nginx logs."""
        for process, sig in ((self.nginx, signal.SIGQUIT), (self.controller, signal.SIGTERM)):
            if process:
                process.stop(sig)
        text = "".join(path.read_text(errors="replace") for path in self.dir.glob("*.log"))
        return [line for line in text.splitlines() if BAD_LOG.search(line)]
