"""The status of a Pod as its kubelet reports it."""

from collections import Counter

from cluster.kubelet.node import now
from cluster.layout import NODE

ALWAYS_TRUE = ("PodScheduled", "PodReadyToStartContainers", "Initialized")


def document(pod: dict, phase: str, state: dict, ready: bool, restarts: Counter) -> dict:
    moment = now()
    truths = {**dict.fromkeys(ALWAYS_TRUE, True), "ContainersReady": ready, "Ready": ready}
    return {
        "phase": phase,
        "startTime": moment,
        "hostIP": NODE,
        "hostIPs": [{"ip": NODE}],
        "conditions": [
            {"type": kind, "status": str(truth), "lastTransitionTime": moment}
            for kind, truth in truths.items()
        ],
        "containerStatuses": [
            {
                "name": container["name"],
                "image": container["image"],
                "imageID": "",
                "ready": ready,
                "restartCount": restarts[container["name"]],
                "state": state,
            }
            for container in pod["spec"]["containers"]
        ],
    }


def running(pod: dict, ips: list[str], restarts: Counter) -> dict:
    state = {"running": {"startedAt": now()}}
    return {**document(pod, "Running", state, True, restarts), **addresses(ips)}


def crashed(pod: dict, ips: list[str], restarts: Counter) -> dict:
    state = {"waiting": {"reason": "CrashLoopBackOff"}}
    return {**document(pod, "Running", state, False, restarts), **addresses(ips)}


def waiting(pod: dict, reason: str, message: str) -> dict:
    state = {"waiting": {"reason": reason, "message": message}}
    return document(pod, "Pending", state, False, Counter())


def addresses(ips: list[str]) -> dict:
    return {"podIP": ips[0], "podIPs": [{"ip": ip} for ip in ips]}
