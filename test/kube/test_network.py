"""Addresses for Gateways: bound at once, by anybody, and reached from the node and from Pods."""

import socket
from pathlib import Path

import pytest
from cluster import network
from harness.client import ask
from harness.kube_objects import ECHO_PORT
from harness.kube_pods import programs, serve

ADDRESSES = [(socket.AF_INET, "10.250.77.1"), (socket.AF_INET6, "fd00:10:250::77")]


@pytest.mark.parametrize(("family", "address"), ADDRESSES)
def test_any_address_for_gateways_is_bound_and_reached(namespace, family, address):
    (pod,) = serve(namespace, "blue", 1).values()
    (pid,) = programs(namespace, pod)
    place = (address, 80)
    listening = namespace.cluster.inside(socket.create_server, place, family=family)
    with listening, namespace.cluster.connect(place) as near:
        accepted, _ = listening.accept()
        with accepted, network.connect(Path(f"/proc/{pid}/ns/net"), *place) as far:
            other, (client, *_) = listening.accept()
            other.close()
            assert client in {one["ip"] for one in namespace.get("Pod", pod)["status"]["podIPs"]}
            assert near.getpeername()[:2] == far.getpeername()[:2] == place


def test_a_program_runs_in_the_network_of_the_cluster(namespace):
    (address,) = serve(namespace, "blue", 1)
    ran = namespace.run("curl", "-sS", f"http://{address}:{ECHO_PORT}/x", check=True)
    assert '"path": "/x"' in ran.stdout
    serving = namespace.start(
        "server", "python3", "-m", "http.server", "8000", "--bind", "10.250.0.8"
    )
    namespace.wait_until(lambda: answers(namespace, "10.250.0.8"), "the server")
    serving.stop()
    assert not answers(namespace, "10.250.0.8")


def answers(namespace, address: str) -> bool:
    try:
        return namespace.cluster.inside(ask, 8000, address=address).status == 200
    except OSError:
        return False
