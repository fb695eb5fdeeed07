"""Pods of echo-basic and the endpoints of their Services, as tests of a cluster use them."""

from pathlib import Path

from harness.client import Answer, ask
from harness.kube_objects import ECHO_PORT, deployment, service
from harness.kubernetes import Namespace


def endpoints(namespace: Namespace, name: str, family: str = "IPv4") -> dict[str, dict]:
    """The endpoints of a Service's slices by address."""
    slices = namespace.list("EndpointSlice", f"kubernetes.io/service-name={name}")
    return {
        endpoint["addresses"][0]: endpoint
        for one in slices
        if one["addressType"] == family
        for endpoint in one.get("endpoints") or []
    }


def ready(namespace: Namespace, name: str, family: str = "IPv4") -> dict[str, str]:
    """The Pod of each ready address."""
    return {
        address: endpoint["targetRef"]["name"]
        for address, endpoint in endpoints(namespace, name, family).items()
        if endpoint["conditions"]["ready"]
    }


def serve(namespace: Namespace, name: str, replicas: int, **env: str) -> dict[str, str]:
    """Applies a Deployment and its Service; the ready Pods by address, once all are there."""
    namespace.apply(deployment(name, replicas, **env), service(name))
    return wait_ready(namespace, name, replicas)


def wait_ready(namespace: Namespace, name: str, count: int) -> dict[str, str]:
    def all_ready() -> dict[str, str]:
        found = ready(namespace, name)
        return found if len(found) == count else {}

    return namespace.wait_until(all_ready, f"{count} ready endpoints of {name}")


def echo(namespace: Namespace, address: str) -> Answer:
    return namespace.cluster.inside(ask, ECHO_PORT, address=address)


def programs(namespace: Namespace, pod: str) -> list[int]:
    """The pids, on the host, of the programs of one Pod: those whose root directory is its own."""
    uid = namespace.get("Pod", pod)["metadata"]["uid"]
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if uid in str((process / "root").readlink()):
                found.append(int(process.name))
        except OSError:
            continue  # it has just ended
    return found
