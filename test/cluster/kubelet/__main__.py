"""Follows the Pods of the API server, and starts and ends one `Pod` for each."""

import argparse
from pathlib import Path

from cluster.api import Api
from cluster.kubelet import log_server
from cluster.kubelet.node import Node
from cluster.kubelet.pod import Pod

Key = tuple[str, str]


def key_of(pod: dict) -> Key:
    return pod["metadata"]["namespace"], pod["metadata"]["name"]


class Roster:
    """The Pods that are here, by namespace and name."""

    def __init__(self, node: Node):
        self.node = node
        self.pods: dict[Key, Pod] = {}

    def see(self, event: str, pod: dict) -> None:
        known = self.pods.get(key_of(pod))
        if known and (event == "DELETED" or known.uid != pod["metadata"]["uid"]):
            self.forget(key_of(pod))
            known = None
        if event == "DELETED":
            return
        if not known:
            known = self.pods[key_of(pod)] = Pod(self.node, pod)
            known.start()
        if "deletionTimestamp" in pod["metadata"]:
            known.leave(pod["metadata"].get("deletionGracePeriodSeconds", 0))

    def see_all(self, pods: list[dict]) -> None:
        uids = {pod["metadata"]["uid"] for pod in pods}
        for key in [key for key, pod in self.pods.items() if pod.uid not in uids]:
            self.forget(key)
        for pod in pods:
            self.see("LISTED", pod)

    def forget(self, key: Key) -> None:
        self.pods.pop(key).leave(0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="directory of the cluster")
    parser.add_argument("--image", action="append", default=[], help="NAME=PROGRAM of an image")
    options = parser.parse_args()
    api = Api(options.state / "certificates")
    images = dict(pair.split("=", 1) for pair in options.image)
    node = Node(api, options.state / "pods", images)
    roster = Roster(node)
    node.register(log_server.serve(options.state / "certificates", roster.pods))
    (options.state / "ready").touch()
    for event, thing in api.follow("/api/v1/pods"):
        if event == "LISTED":
            roster.see_all(thing)
        else:
            roster.see(event, thing)


if __name__ == "__main__":
    main()
