"""A machine that starts anew while the API server is away serves what the cluster had."""

import contextlib
import json
import stat

import pytest
from harness.authority import Authority
from harness.certificates import certificate, secret
from harness.flaky_api import FlakyApi
from harness.kube_gateways import conditions, gateway, programmed, route, wait_attached
from harness.kube_pods import serve
from harness.load import Load

POOL = "10.250.68.0/28"
BACK_S = 60.0  # pauses between tries have grown meanwhile
HTTPS = {
    "name": "https",
    "port": 443,
    "protocol": "HTTPS",
    "tls": {"certificateRefs": [{"name": "cert"}]},
}


@pytest.fixture
def flaky(namespace, tmp_path):
    """The API server as the controller reaches it: it can be taken away."""
    authority = Authority(tmp_path)
    issued = authority.issue("localhost")
    proxy = namespace.cluster.inside(FlakyApi, namespace.cluster.api(user=None), issued, "h2", 1)
    proxy.through = {"server": proxy.url, "certificate-authority": str(authority.certificate)}
    yield proxy
    proxy.stop()


def route_of(host: str, service: str) -> dict:
    made = route(host, "web", service)
    made["spec"]["hostnames"] = [f"{host}.example.com"]
    return made


def versions(namespace, *names: str) -> dict[str, str]:
    """Of the Gateway, of what was made for it, of these routes and of the Lease."""
    things = [namespace.get("Gateway", "web"), *namespace.list("Service")]
    things += [namespace.get("HTTPRoute", name) for name in names]
    things += namespace.list("Lease", namespace="sluice-system")
    return {t["metadata"]["name"]: t["metadata"]["resourceVersion"] for t in things}


def accepted(namespace, name: str) -> bool:
    parents = namespace.get("HTTPRoute", name).get("status", {}).get("parents", [])
    return any(conditions(p).get("Accepted") == ("True", "Accepted") for p in parents)


def answer(namespace, address: str, host: str, *words: str) -> str:
    """The first word of the Pod's name, or the status."""
    url = f"http://{address}/"
    code = ("-s", "-m", "5", "-w", "\n%{http_code}", "-H", f"Host: {host}.example.com", *words)
    body, _, status = namespace.run("curl", *code, url).stdout.rpartition("\n")
    return json.loads(body)["pod"].split("-")[0] if status == "200" else status


def ready(namespace, sluice) -> tuple[str, str]:
    words = ("-s", "-w", "\n%{http_code}", "--unix-socket", sluice.state / "control.sock")
    told = namespace.run("curl", *words, "http://sluice/readyz").stdout
    body, _, status = told.rpartition("\n")
    return status, body


def wait_for(namespace, address: str, host: str, wanted: str, seconds: float = 30) -> None:
    namespace.wait_until(
        lambda: answer(namespace, address, host) == wanted, f"{wanted} of {host}", seconds
    )


def kept(sluice, name: str = "objects.log") -> str:
    with contextlib.suppress(FileNotFoundError):
        return (sluice.state / "snapshot" / name).read_text()
    return ""


def wait_until_kept(namespace, sluice, *names: str) -> None:
    wanted = versions(namespace, *names)
    del wanted[next(name for name in wanted if name.startswith("sluice-"))]
    namespace.wait_until(
        lambda: all(f'"resourceVersion":"{v}"' in kept(sluice) for v in wanted.values()),
        "the snapshot of the newest objects",
    )


def test_the_snapshot_serves_until_the_api_server_is_back(namespace, make_sluice, flaky):
    sluice = make_sluice(POOL, through=flaky.through)
    serve(namespace, "blue", 2)
    serve(namespace, "green", 1)
    hosts = ("shop", "moved", "old")
    namespace.apply(gateway("web"), *(route_of(host, "blue") for host in hosts))
    (address,) = programmed(namespace, "web")
    for host in hosts:
        namespace.wait_until(lambda host=host: accepted(namespace, host), f"{host} Accepted")
    wait_attached(namespace, "web", len(hosts))
    wait_until_kept(namespace, sluice, *hosts)
    with contextlib.ExitStack() as ending:
        with flaky.away():
            sluice.kill_controller()
            before = versions(namespace, "shop")
            sluice.reboot()
            wait_for(namespace, address, "shop", "blue")
            load = namespace.cluster.inside(Load, address, 80, "shop.example.com", pause_s=0.01)
            ending.callback(load.stop)
            for host in ("moved", "old"):
                assert answer(namespace, address, host) == "blue"
            status, why = ready(namespace, sluice)
            assert status == "503" and "the snapshot serves" in why
            namespace.apply(route_of("moved", "green"), route_of("new", "green"))
            namespace.delete("HTTPRoute", "old")
            assert versions(namespace, "shop") == before
        wait_for(namespace, address, "new", "green", BACK_S)
        assert answer(namespace, address, "moved") == "green"
        assert answer(namespace, address, "old") == "404"
        namespace.wait_until(lambda: ready(namespace, sluice)[0] == "200", "readiness")
        namespace.wait_until(lambda: accepted(namespace, "new"), "the status of the new route")
        wait_until_kept(namespace, sluice, "shop", "moved", "new")
    assert load.failures == [] and load.total > 50
    after = versions(namespace, "shop")
    lease = next(name for name in before if name.startswith("sluice-"))
    assert after.pop(lease) != before.pop(lease)
    assert after == before, "statuses and Services were right already"


@pytest.mark.parametrize("option", [(), ("--snapshot-secrets",)], ids=["without", "with"])
def test_https_is_served_from_the_snapshot_if_secrets_are_kept(
    namespace, make_sluice, flaky, option
):
    sluice = make_sluice(POOL, options=option, through=flaky.through)
    serve(namespace, "blue", 1)
    made = json.loads(secret("cert", certificate("shop.example.com")))
    made["metadata"] = {"name": "cert"}
    web = gateway("web")
    web["spec"]["listeners"].append(HTTPS)
    namespace.apply(made, web, route_of("shop", "blue"))
    (address,) = programmed(namespace, "web")

    def https() -> bool:
        words = ("-sk", "-m", "5", "--resolve", f"shop.example.com:443:{address}")
        told = namespace.run("curl", *words, "https://shop.example.com/").stdout
        return '"pod": "blue' in told

    namespace.wait_until(https, "an answer over HTTPS")
    wait_until_kept(namespace, sluice, "shop")
    key = made["data"]["tls.key"]
    if option:
        namespace.wait_until(lambda: key in kept(sluice, "secrets.log"), "the Secret on disk")
    assert key not in kept(sluice) and (option or not kept(sluice, "secrets.log"))
    for path in (sluice.state / "snapshot").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with flaky.away():
        sluice.reboot()
        wait_for(namespace, address, "shop", "blue")
        if option:
            namespace.wait_until(https, "an answer over HTTPS from the snapshot")
        else:
            assert not https()
    namespace.wait_until(https, "an answer over HTTPS", BACK_S)
    namespace.wait_until(lambda: ready(namespace, sluice)[0] == "200", "readiness", BACK_S)


# Clients were refused when controller and nginx both started anew while the API server was away.
def test_the_table_serves_when_both_start_anew_without_the_api_server(
    namespace, make_sluice, flaky
):
    sluice = make_sluice(POOL, through=flaky.through)
    serve(namespace, "blue", 1)
    namespace.apply(gateway("web"), route_of("shop", "blue"))
    (address,) = programmed(namespace, "web")
    wait_for(namespace, address, "shop", "blue")
    with flaky.away():
        sluice.start_anew()
        wait_for(namespace, address, "shop", "blue")
    namespace.wait_until(lambda: ready(namespace, sluice)[0] == "200", "readiness", BACK_S)
    assert answer(namespace, address, "shop") == "blue"


def test_a_damaged_snapshot_is_named_and_stops_nothing(namespace, make_sluice, flaky):
    sluice = make_sluice(POOL, through=flaky.through)
    serve(namespace, "blue", 1)
    namespace.apply(gateway("web"), route_of("shop", "blue"))
    (address,) = programmed(namespace, "web")
    wait_for(namespace, address, "shop", "blue")
    with flaky.away():
        file = sluice.state / "snapshot/objects.log"
        namespace.wait_until(file.exists, "the snapshot")
        sluice.kill_controller()
        file.write_bytes(b"\x00" * 4096)
        sluice.reboot()
        log = namespace.scratch / f"{sluice.dir.name}-controller.log"
        namespace.wait_until(lambda: str(file) in log.read_text(), "the file's name in the log")
    wait_for(namespace, address, "shop", "blue", BACK_S)
