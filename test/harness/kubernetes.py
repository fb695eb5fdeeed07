"""One namespace of a cluster, as a test uses it."""

import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from cluster.api import APPLY, MERGE, Refusal
from cluster.certificates import write_kubeconfig
from cluster.cluster import Cluster
from cluster.kinds import Kinds

from harness.processes import Process
from harness.waiting import until

T = TypeVar("T")

MANAGER = "test"
WAIT_S = 30.0


class Namespace:
    """Objects are dicts as in a manifest; one without a namespace is in this one."""

    def __init__(self, cluster: Cluster, name: str, scratch: Path):
        self.cluster, self.name, self.scratch = cluster, name, scratch
        self.api = cluster.api()
        self.kinds = Kinds(self.api)
        self.processes: list[Process] = []
        self.elsewhere: list[dict] = []  # objects that do not go with the namespace

    def create(self) -> None:
        self.api.call("POST", "/api/v1/namespaces", {"metadata": {"name": self.name}})
        account = f"/api/v1/namespaces/{self.name}/serviceaccounts/default"
        self.wait_until(lambda: self.exists(account), "the default ServiceAccount")

    def remove(self) -> None:
        """Ends what `start` started; does not wait until the objects are gone."""
        for process in self.processes:
            process.stop()
        for thing in [*self.elsewhere, namespace(self.name)]:
            with suppress(Refusal):
                self.delete(thing["kind"], thing["metadata"]["name"])

    def apply(self, *things: dict, manager: str = MANAGER) -> list[dict]:
        """Server-side apply; what the API server made of each. Refusal when it does not."""
        return [self._apply(thing, manager) for thing in things]

    def _apply(self, thing: dict, manager: str) -> dict:
        kind = self.kinds.of(thing)
        metadata = dict(thing["metadata"])
        if kind.namespaced:
            metadata.setdefault("namespace", self.name)
        path = kind.path(metadata.get("namespace"), metadata["name"])
        query = f"?fieldManager={manager}&force=true"
        applied = self.api.call("PATCH", path + query, {**thing, "metadata": metadata}, APPLY)
        if metadata.get("namespace") != self.name:
            self.elsewhere.append(applied)
        return applied

    def path(self, kind: str, name: str = "", namespace: str | None = None) -> str:
        return self.kinds.find(kind).path(namespace or self.name, name)

    def get(self, kind: str, name: str, namespace: str | None = None) -> dict:
        return self.api.call("GET", self.path(kind, name, namespace))

    def list(self, kind: str, selector: str = "", namespace: str | None = None) -> list[dict]:
        query = f"?labelSelector={selector}" if selector else ""
        return self.api.call("GET", self.path(kind, "", namespace) + query)["items"]

    def patch(self, kind: str, name: str, change: dict, *, subresource: str = "") -> dict:
        """A merge patch, of the object or of a subresource like `status` or `scale`."""
        path = self.path(kind, name) + (f"/{subresource}" if subresource else "")
        return self.api.call("PATCH", path, change, MERGE)

    def delete(self, kind: str, name: str, namespace: str | None = None) -> None:
        self.api.call("DELETE", self.path(kind, name, namespace))

    def wait_until(self, condition: Callable[[], T], what: str, seconds: float = WAIT_S) -> T:
        return until(condition, what, seconds, 0.05)

    def wait_gone(self, kind: str, name: str, seconds: float = WAIT_S) -> None:
        path = self.path(kind, name)
        self.wait_until(lambda: not self.exists(path), f"the end of {kind} {name}", seconds)

    def exists(self, path: str) -> bool:
        try:
            self.api.call("GET", path)
        except Refusal as refusal:
            if refusal.status == 404:
                return False
            raise
        return True

    def kubectl(self, *words: str, **options) -> str:
        """What `kubectl -n NAMESPACE` printed; CalledProcessError when it fails."""
        return self.cluster.kubectl("-n", self.name, *words, **options)

    def run(self, *words: str | Path, **options) -> subprocess.CompletedProcess:
        """Runs a program inside the cluster's network to its end."""
        return self.cluster.run(*words, **options)

    def start(self, name: str, *words: str | Path, env: dict[str, str] | None = None) -> Process:
        """Starts a program inside the cluster's network; it ends with the test."""
        command = self.cluster.command(*words)
        environment = {**self.cluster.environment(), **(env or {})}
        process = Process(command, self.scratch / f"{name}.log", environment)
        self.processes.append(process)
        return process

    def token(self, account: str, seconds: int = 3600) -> str:
        """A token of a ServiceAccount of this namespace."""
        path = f"/api/v1/namespaces/{self.name}/serviceaccounts/{account}/token"
        made = self.api.call("POST", path, {"spec": {"expirationSeconds": seconds}})
        return made["status"]["token"]

    def kubeconfig(self, user: dict, name: str = "kubeconfig", through: dict | None = None) -> Path:
        """A file for `user`: {"token": ...}, {"tokenFile": ...}, certificates, exec."""
        path = self.scratch / name
        write_kubeconfig(path, self.cluster.certificates, user, through)
        return path


def namespace(name: str) -> dict:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
