"""What all Pods of the node share: the API server, the images and the addresses."""

import ipaddress
import itertools
import time
from pathlib import Path

from cluster.api import MERGE, Api
from cluster.layout import API_PORT, NODE, NODE_NAME, POD_NETWORKS

FIRST_POD = 257  # 10.244.1.1; the addresses before it are for others
PATH = f"/api/v1/nodes/{NODE_NAME}"
ENVIRONMENT = {
    "PATH": "/",
    "KUBERNETES_SERVICE_HOST": NODE,  # nothing routes ClusterIP addresses here
    "KUBERNETES_SERVICE_PORT": str(API_PORT),
}


def now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


class NoImage(Exception):
    """No program stands for an image."""


class Node:
    def __init__(self, api: Api, root: Path, images: dict[str, str]):
        self.api = api
        self.root = root
        self.images = images
        self.networks = [ipaddress.ip_interface(network) for network in POD_NETWORKS]
        self.numbers = itertools.count(FIRST_POD)  # of Pods; never used again
        root.mkdir()

    def program(self, image: str) -> Path:
        """The program that stands for an image, whatever its registry and tag."""
        name = image.rsplit("/", 1)[-1].split("@")[0].split(":")[0]
        if name not in self.images:
            raise NoImage(f"no program stands for image {image}")
        return Path(self.images[name])

    def addresses(self, number: int) -> list[ipaddress.IPv4Interface | ipaddress.IPv6Interface]:
        """Of one Pod, in each of the networks."""
        return [
            ipaddress.ip_interface(f"{one.network[number]}/{one.network.prefixlen}")
            for one in self.networks
        ]

    def register(self, log_port: int) -> None:
        labels = {"kubernetes.io/hostname": NODE_NAME, "kubernetes.io/os": "linux"}
        self.api.call("POST", "/api/v1/nodes", {"metadata": {"name": NODE_NAME, "labels": labels}})
        ready = {"type": "Ready", "status": "True", "reason": "KubeletReady"}
        status = {
            "addresses": [{"type": "InternalIP", "address": NODE}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": log_port}},
            "conditions": [{**ready, "lastTransitionTime": now(), "lastHeartbeatTime": now()}],
        }
        self.api.call("PATCH", f"{PATH}/status", {"status": status}, MERGE)
