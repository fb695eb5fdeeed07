"""The life of one Pod, told in order by `run`."""

import collections
import contextlib
import shutil
import subprocess
import sys
import threading
import time

from cluster.api import MERGE, Refusal
from cluster.kubelet import listeners, status
from cluster.kubelet.container import Container
from cluster.kubelet.node import Node, NoImage
from cluster.kubelet.sandbox import Sandbox
from cluster.kubelet.volumes import Volumes
from cluster.layout import NODE_NAME

LOOK_S = 1.0  # between two looks whether a container still runs


class Pod(threading.Thread):
    def __init__(self, node: Node, pod: dict):
        super().__init__(daemon=True)
        self.node, self.pod = node, pod
        self.uid = pod["metadata"]["uid"]
        self.name = pod["metadata"]["name"]
        self.space = f"/api/v1/namespaces/{pod['metadata']['namespace']}"
        self.path = f"{self.space}/pods/{self.name}"
        self.directory = node.root / self.uid
        self.leaving = threading.Event()
        self.grace_s = 0
        self.sandbox: Sandbox | None = None
        self.containers: list[Container] = []
        self.restarts: collections.Counter = collections.Counter()

    def leave(self, grace_s: int) -> None:
        """Asks the Pod to end; returns at once."""
        self.grace_s = grace_s
        self.leaving.set()

    def run(self) -> None:
        try:
            self._live()
        except NoImage as reason:
            self._report(status.waiting(self.pod, "ErrImageNeverPull", str(reason)))
            self.leaving.wait()
        except Exception as problem:  # a broken Pod breaks no other
            if not self.leaving.is_set():
                print(f"{self.path}: {problem!r}", file=sys.stderr, flush=True)
            self.leaving.wait()
        self._end()

    def _live(self) -> None:
        if not self.pod["spec"].get("nodeName"):
            target = {"apiVersion": "v1", "kind": "Node", "name": NODE_NAME}
            binding = {"metadata": {"name": self.name}, "target": target}
            self.node.api.call("POST", f"{self.path}/binding", binding)
        programs = [self.node.program(c["image"]) for c in self.pod["spec"]["containers"]]
        volumes = Volumes(self.node.api, self.pod)
        if not volumes.wait(self.leaving):
            return
        self.directory.mkdir()
        self.sandbox = Sandbox(self.node, next(self.node.numbers))
        for spec, program in zip(self.pod["spec"]["containers"], programs, strict=True):
            container = Container(self.directory, self.pod, spec)
            container.fill_root(program, volumes)
            container.start(self.sandbox)
            self.containers.append(container)
        self._become_ready()
        while not self.leaving.wait(LOOK_S):
            self._restart_ended()

    def _become_ready(self) -> None:
        listeners.wait(self.sandbox.pid, self.leaving)
        self._report(status.running(self.pod, self.sandbox.ips, self.restarts))

    def _restart_ended(self) -> None:
        ended = [container for container in self.containers if not container.alive()]
        if not ended:
            return
        for container in ended:
            self.restarts[container.name] += 1
        crashed = status.crashed(self.pod, self.sandbox.ips, self.restarts)
        self._report(crashed)
        # As long as a kubelet waits at most, but in tenths of a second instead of seconds.
        if self.leaving.wait(min(30, 0.1 * 2 ** max(self.restarts.values()))):
            return
        for container in ended:
            container.start(self.sandbox)
        self._become_ready()

    def _report(self, document: dict) -> None:
        # A Pod may go at any time; the next event says so.
        with contextlib.suppress(Refusal):
            self.node.api.call("PATCH", f"{self.path}/status", {"status": document}, MERGE)

    def _end(self) -> None:
        """preStop, SIGTERM, after the grace period SIGKILL, and the object goes."""
        deadline = time.monotonic() + self.grace_s
        pause = max((container.pre_stop_s for container in self.containers), default=0)
        time.sleep(min(pause, self.grace_s))
        for container in self.containers:
            container.process.terminate()
        for container in self.containers:
            try:
                container.process.wait(max(0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                container.process.kill()
                container.process.wait()
        if self.sandbox:
            self.sandbox.end()
        options = {"gracePeriodSeconds": 0, "preconditions": {"uid": self.uid}}
        try:
            self.node.api.call("DELETE", self.path, options)
        except Refusal as refusal:
            if refusal.status not in (404, 409):  # gone, or another of the same name
                print(f"{self.path}: {refusal}", file=sys.stderr, flush=True)
        shutil.rmtree(self.directory, ignore_errors=True)
