"""An API server that fails in every way, under load: nothing is lost, and it ends as it should."""

import contextlib
import random
import time

import pytest
from harness.authority import Authority
from harness.flaky_api import FlakyApi
from harness.kube_gateways import gateway, programmed, route
from harness.kube_pods import serve
from harness.load import Load

POOL = "10.250.64.0/28"
SEED = 20
ROUTES = 12
FLAKY_S, AWAY_S, HALF_OPEN_S = 15.0, 10.0, 4.0
LONGER_S = 25.0  # on a slow machine, until every fault was drawn
NOTICED_S = 30.0  # by keepalive after 15 s of silence
SECOND = ("--port-offset", "1000")  # beside the first one, at the same addresses


def changed_route(choice: random.Random, number: int) -> dict:
    made = route(f"r{number}", "web", choice.choice(("blue", "green", "missing")))
    made["spec"]["hostnames"] = [f"h{choice.randrange(40)}.example.com"]
    made["spec"]["rules"][0]["matches"] = [
        {"path": {"type": "PathPrefix", "value": f"/{choice.randrange(5)}"}}
    ]
    return made


def change_something(namespace, choice: random.Random) -> None:
    number = choice.randrange(ROUTES)
    what = choice.randrange(10)
    if what == 0:
        replicas = {"spec": {"replicas": choice.randrange(1, 4)}}
        namespace.patch("Deployment", "green", replicas, subresource="scale")
    elif what < 3 and any(r["metadata"]["name"] == f"r{number}" for r in routes(namespace)):
        namespace.delete("HTTPRoute", f"r{number}")
    else:
        namespace.apply(changed_route(choice, number))


def routes(namespace) -> list[dict]:
    return namespace.list("HTTPRoute")


def told(thing: dict) -> bool:
    """Whether our status is of the object's generation."""
    parents = thing.get("status", {}).get("parents", [])
    generation = thing["metadata"]["generation"]
    observed = [c["observedGeneration"] for parent in parents for c in parent["conditions"]]
    return bool(observed) and all(one == generation for one in observed)


def untold(namespace) -> list[str]:
    """The objects whose status does not say yet how things are."""
    found = routes(namespace)
    names = [thing["metadata"]["name"] for thing in found if not told(thing)]
    (listener,) = namespace.get("Gateway", "web")["status"]["listeners"]
    counted = listener["attachedRoutes"] == len(found)
    return names if counted else [*names, "web"]


def contents(namespace) -> dict[str, str]:
    things = [*routes(namespace), *namespace.list("Gateway"), *namespace.list("Service")]
    return {t["metadata"]["uid"]: t["metadata"]["resourceVersion"] for t in things}


def dump(sluice) -> str:
    ran = sluice.sluicectl("dump")
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.replace(" client port 1080", "").replace(":1080", ":80")


def leads(namespace, sluice) -> bool:
    words = ("-s", "--unix-socket", sluice.state / "control.sock", "http://sluice/metrics")
    return "\nsluice_leader 1\n" in namespace.run("curl", *words).stdout


def keep_changing(namespace, choice: random.Random, seconds: float, enough=lambda: True) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end or (not enough() and time.monotonic() < end + LONGER_S):
        change_something(namespace, choice)


def all_told(namespace, seconds: float) -> float:
    """Returns how long it took."""
    start = time.monotonic()
    with contextlib.suppress(TimeoutError):
        namespace.wait_until(lambda: not untold(namespace), "statuses", seconds)
    assert untold(namespace) == []
    return time.monotonic() - start


def change_under_faults(namespace, flaky: FlakyApi, choice: random.Random) -> None:
    with flaky.half_open(namespace):
        keep_changing(namespace, choice, HALF_OPEN_S)
    took = all_told(namespace, NOTICED_S)
    print(f"half-open connections were noticed after {took:.1f} s")
    flaky.faults.on = True
    keep_changing(namespace, choice, FLAKY_S)
    with flaky.away():
        keep_changing(namespace, choice, AWAY_S)
    keep_changing(namespace, choice, FLAKY_S, flaky.faults.all_drawn)
    flaky.faults.on = False
    print(f"the last statuses came after {all_told(namespace, 90):.1f} s")


@pytest.mark.parametrize("protocol", ["http/1.1", "h2"])
def test_it_ends_as_a_fresh_controller_would(namespace, make_sluice, tmp_path, protocol):
    authority = Authority(tmp_path)
    api = namespace.cluster.api(user=None)
    issued = authority.issue("localhost")
    flaky = namespace.cluster.inside(FlakyApi, api, issued, protocol, SEED)
    through = {"server": flaky.url, "certificate-authority": str(authority.certificate)}
    try:
        sluice = make_sluice(POOL, through=through)
        serve(namespace, "blue", 3)
        serve(namespace, "green", 1)
        fixed = route("fixed", "web", "blue")
        fixed["spec"]["hostnames"] = ["shop.example.com"]
        namespace.apply(gateway("web"), fixed)
        (address,) = programmed(namespace, "web")
        words = ("-s", "-H", "Host: shop.example.com", f"http://{address}/")
        namespace.wait_until(lambda: "blue" in namespace.run("curl", *words).stdout, "an answer")
        load = namespace.cluster.inside(Load, address, 80, "shop.example.com", pause_s=0.01)
        try:
            change_under_faults(namespace, flaky, random.Random(SEED))
        finally:
            load.stop()
            print(f"seed {SEED}: {dict(flaky.faults.drawn)}, {load.total} requests")
        assert flaky.problems == []
        assert load.failures == []
        assert load.total > 100 and flaky.faults.all_drawn()
        ends_as_fresh(namespace, make_sluice, sluice)
    finally:
        flaky.stop()


def ends_as_fresh(namespace, make_sluice, sluice) -> None:
    fresh = make_sluice(POOL, options=SECOND)
    namespace.wait_until(lambda: (fresh.state / "control.sock").exists(), "the controller")
    # "wait" was answered at once, before the first list came.
    assert fresh.sluicectl("wait", "--timeout", "30").returncode == 0
    with contextlib.suppress(TimeoutError):
        namespace.wait_until(lambda: dump(sluice) == dump(fresh), "the same table")
    assert dump(sluice) == dump(fresh)
    assert sluice.sluicectl("wait", "--timeout", "30").returncode == 0
    before = contents(namespace)
    sluice.controller.stop()
    namespace.wait_until(lambda: leads(namespace, fresh), "the fresh controller as the leader")
    assert contents(namespace) == before, "a fresh controller has nothing to correct"
