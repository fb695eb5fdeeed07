"""What rollouts do to objects and Pods, under load: no request fails."""

import threading

import pytest
from harness.kube_gateways import gateway, programmed, route, wait_for_answer
from harness.kube_objects import deployment, service
from harness.kube_pods import ready, serve, wait_ready
from harness.load import Load

POOL = "10.250.62.0/28"
SOLVER = "/.well-known/acme-challenge/token"


def serve_to_the_end(namespace, name: str, replicas: int) -> None:
    """Pods that end only when nobody asks them any more.

    The program of their image ends at once and closes connections whose requests it has not read.
    """
    made = deployment(name, replicas)
    container = made["spec"]["template"]["spec"]["containers"][0]
    container["lifecycle"] = {"preStop": {"sleep": {"seconds": 1}}}
    namespace.apply(made, service(name))
    wait_ready(namespace, name, replicas)


@pytest.fixture
def load(namespace, make_sluice):
    """Requests to Pods "blue" by a Gateway "web" and a route "shop"; they all succeeded."""
    make_sluice(POOL)
    serve_to_the_end(namespace, "blue", 3)
    namespace.apply(gateway("web"), route("shop", "web", "blue"))
    (address,) = programmed(namespace, "web")
    wait_for_answer(namespace, address, "blue")
    running = namespace.cluster.inside(Load, address, 80, "shop.example.com", clients=4)
    running.gateway_address = address
    try:
        yield running
    finally:
        running.stop()
    assert running.failures == []
    assert running.total > 100


def test_all_pods_of_a_service_are_replaced(namespace, load):
    old = set(ready(namespace, "blue"))
    namespace.kubectl("rollout", "restart", "deployment/blue")

    def replaced() -> bool:
        now = set(ready(namespace, "blue"))
        return len(now) == 3 and not now & old

    namespace.wait_until(replaced, "three new Pods", 120)


def weighted(blue: int, green: int) -> dict:
    changed = route("shop", "web", "blue")
    changed["spec"]["rules"][0]["backendRefs"] = [
        {"name": "blue", "port": 80, "weight": blue},
        {"name": "green", "port": 80, "weight": green},
    ]
    return changed


def test_weights_move_every_second_as_progressive_delivery_does(namespace, load):
    serve(namespace, "green", 2)
    pause = threading.Event()
    for green in range(0, 101, 10):
        namespace.apply(weighted(100 - green, green), manager="rollouts")
        pause.wait(1)  # the period that is under test, nothing that is waited for
    namespace.wait_until(
        lambda: "green" in told(namespace, load) and "blue" not in told(namespace, load),
        "answers of green alone",
    )


def told(namespace, load) -> str:
    url = f"http://{load.gateway_address}/"
    return "".join(namespace.run("curl", "-s", "--max-time", "5", url).stdout for _ in range(5))


def test_a_solver_comes_and_goes_on_a_live_gateway(namespace, load):
    serve(namespace, "solver", 1)
    for number in range(3):
        name = f"cm-acme-http-solver-{number}"
        solver = route(name, "web", "solver")
        match = {"path": {"type": "Exact", "value": SOLVER}}
        solver["spec"]["rules"][0]["matches"] = [match]
        solver["spec"]["hostnames"] = ["shop.example.com"]
        namespace.apply(solver)
        namespace.wait_until(lambda: "solver" in solved(namespace, load), "the solver's answer")
        namespace.delete("HTTPRoute", name)
        namespace.wait_until(lambda: "blue" in solved(namespace, load), "the shop's answer again")


def solved(namespace, load) -> str:
    url = f"http://{load.gateway_address}{SOLVER}"
    words = ("-s", "--max-time", "5", "-H", "Host: shop.example.com", url)
    return namespace.run("curl", *words).stdout
