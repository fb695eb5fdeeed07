"""An API server that fails in every way, under load: nothing is lost, and it ends as it should."""

import contextlib
import random
import time

from harness.authority import Authority
from harness.flaky_api import ENDINGS, FAULTS, FlakyApi
from harness.kube_gateways import gateway, programmed, route
from harness.kube_pods import serve
from harness.load import Load

POOL = "10.250.64.0/28"
SEED = 20
ROUTES = 12
FLAKY_S, AWAY_S = 20.0, 10.0
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


def untold(namespace) -> list[dict]:
    return [found for found in routes(namespace) if not told(found)]


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


def keep_changing(namespace, choice: random.Random, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        change_something(namespace, choice)


def test_it_ends_as_a_fresh_controller_would(namespace, make_sluice, tmp_path):
    authority = Authority(tmp_path)
    api = namespace.cluster.api(user=None)
    issued = authority.issue("localhost")
    flaky = namespace.cluster.inside(FlakyApi, api, issued, SEED)
    through = {"server": flaky.url, "certificate-authority": str(authority.certificate)}
    choice = random.Random(SEED)
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
            flaky.faults.set()
            keep_changing(namespace, choice, FLAKY_S)
            flaky.away.set()
            keep_changing(namespace, choice, AWAY_S)
            flaky.away.clear()
            keep_changing(namespace, choice, FLAKY_S)
            flaky.faults.clear()
            with contextlib.suppress(TimeoutError):
                namespace.wait_until(lambda: not untold(namespace), "statuses", 90)
            assert untold(namespace) == []
        finally:
            load.stop()
        print(f"seed {SEED}: {dict(flaky.drawn)}, {load.total} requests")
        assert load.failures == []
        assert load.total > 100 and set(flaky.drawn) == {*FAULTS, *ENDINGS}
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
    finally:
        flaky.stop()
