"""One container: a static program with a root directory of its own."""

import os
import shutil
import subprocess
from pathlib import Path

from cluster.kubelet.node import ENVIRONMENT
from cluster.kubelet.sandbox import Sandbox
from cluster.kubelet.volumes import Volumes, field_of


class Container:
    def __init__(self, pod_directory: Path, pod: dict, spec: dict):
        self.pod, self.spec = pod, spec
        self.name = spec["name"]
        self.root = pod_directory / self.name
        self.log = pod_directory / f"{self.name}.log"
        self.program = ""
        pre_stop = spec.get("lifecycle", {}).get("preStop", {})
        self.pre_stop_s = pre_stop.get("sleep", {}).get("seconds", 0)

    def fill_root(self, program: Path, volumes: Volumes) -> None:
        """The program and the files of its volumes; no mounts, so nothing to undo."""
        self.program = f"/{program.name}"
        self.root.mkdir()
        copy = self.root / program.name
        try:
            os.link(program, copy)
        except OSError:  # another file system
            shutil.copy(program, copy)
        for mount in self.spec.get("volumeMounts", []):
            directory = self.root / mount["mountPath"].lstrip("/")
            directory.mkdir(parents=True, exist_ok=True)
            for path, content in volumes.files[mount["name"]].items():
                (directory / path).parent.mkdir(parents=True, exist_ok=True)
                (directory / path).write_bytes(content)

    def start(self, sandbox: Sandbox) -> None:
        variables = {one["name"]: self._variable(one, sandbox) for one in self.spec.get("env", [])}
        enter = ["nsenter", f"--net=/proc/{sandbox.pid}/ns/net", f"--root={self.root}", "--wd=/"]
        command = self.spec.get("command") or [self.program]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [shutil.which(enter[0]), *enter[1:], *command, *self.spec.get("args", [])],
                env={**ENVIRONMENT, **variables},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def alive(self) -> bool:
        return self.process.poll() is None

    def _variable(self, variable: dict, sandbox: Sandbox) -> str:
        if "valueFrom" not in variable:
            return variable.get("value", "")
        path = variable["valueFrom"]["fieldRef"]["fieldPath"]
        if path == "status.podIP":
            return sandbox.ips[0]
        if path == "status.podIPs":
            return ",".join(sandbox.ips)
        return field_of(self.pod, path)
