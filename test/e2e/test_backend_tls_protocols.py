"""What is spoken to backends behind TLS, and failover from an endpoint that is not trusted."""

import json

import pytest
from harness.authority import Authority
from harness.client import ask
from harness.curl import curl
from harness.h2_backend import H2Backend
from harness.longlived import WebSockets
from harness.manifests import (
    backend,
    backend_ref,
    backend_tls_policy,
    config_map,
    documents,
    gateway,
    route,
    rule,
    service,
    service_mirror_filter,
    service_ref,
)
from harness.net import free_port
from harness.tls_backend import TlsBackend
from harness.tls_protocols import TlsH2Backend, WssBackend
from harness.waiting import until

HOST = "a.example.com"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def issued(authority):
    return authority.issue(HOST)


@pytest.fixture
def sluice(make_sluice, authority):
    running = make_sluice(workers=1)
    running.port = free_port()
    running.write("gateway.yaml", gateway(running.port))
    running.write("ca.yaml", config_map("ca", authority.pem))
    return running


def policy(target: str, kind: str = "Service", group: str = "") -> str:
    made = json.loads(backend_tls_policy(target, HOST, "ca"))
    made["spec"]["targetRefs"][0].update(kind=kind, group=group)
    return json.dumps(made)


@pytest.fixture
def run(sluice):
    """Starts Sluice with one Service, its policy and its route; ends the backend afterwards."""
    running = []

    def start(behind, app_protocol: str):
        running.append(behind)
        route_text = route("r", [rule(service_ref("secured"))])
        secured = service("secured", behind.port, app_protocol=app_protocol)
        sluice.write("all.yaml", documents(secured, policy("secured"), route_text))
        sluice.start()
        return behind

    yield start
    for behind in running:
        behind.stop()


@pytest.mark.parametrize("version", ["http1", "h2c"])
def test_http_2_is_agreed_on_by_alpn(sluice, run, issued, version):
    behind = run(TlsH2Backend(issued), "kubernetes.io/h2c")
    for _ in range(3):
        assert curl(sluice.port, "/a", version).status == 200
    assert behind.protocols == ["h2"]  # and the connection was kept
    assert [asked.one(":path") for asked in behind.asked] == ["/a"] * 3
    assert behind.asked[0].one(":scheme") == "https"
    assert behind.problems == []
    assert behind.http1_requests == 0


# A copy was told that the scheme is http, as its backend in plain text is.
def test_a_mirror_behind_tls_is_told_so_and_its_plain_backend_is_not(sluice, issued):
    plain, copy = H2Backend(), TlsH2Backend(issued)
    try:
        sluice.write(
            "all.yaml",
            documents(
                service("plain", plain.port, app_protocol="kubernetes.io/h2c"),
                service("copy", copy.port, app_protocol="kubernetes.io/h2c"),
                policy("copy"),
                route("r", [rule(service_ref("plain"), filters=[service_mirror_filter("copy")])]),
            ),
        )
        sluice.start()
        assert curl(sluice.port, "/a").status == 200
        until(lambda: copy.asked, "the copy")
        assert [seen.asked[0].one(":scheme") for seen in (plain, copy)] == ["http", "https"]
        assert copy.problems == []
    finally:
        plain.stop()
        copy.stop()


def test_a_websocket_reaches_a_wss_backend(sluice, run, issued):
    behind = run(WssBackend(issued), "kubernetes.io/wss")
    sockets = WebSockets("127.0.0.1", sluice.port, "shop.example.com", count=3)
    try:
        assert [sockets.echo() for _ in range(3)] == [3, 3, 3]
        assert behind.server_names == [HOST] * 3
    finally:
        sockets.close()


@pytest.mark.log("SSL_do_handshake")
@pytest.mark.parametrize("retry", [None, {"attempts": 2, "backoff": "5ms"}], ids=["none", "retry"])
def test_an_endpoint_with_a_good_certificate_answers_for_one_without(
    sluice, issued, tmp_path, retry
):
    good = TlsBackend(issued.certificate, issued.key, name="good")
    forged = Authority(tmp_path, "forger").issue(HOST)
    bad = TlsBackend(forged.certificate, forged.key, name="bad")
    try:
        more = {"retry": retry} if retry else {}
        sluice.write("backend.yaml", backend("secured", good.port, bad.port))
        sluice.write(
            "all.yaml",
            documents(
                policy("secured", "Backend", "sluice.dev"),
                route("r", [rule(backend_ref("secured"), **more)]),
            ),
        )
        sluice.start()
        assert [ask(sluice.port).text for _ in range(20)] == ["good"] * 20
        assert bad.connections == 0  # none that got as far as HTTP
        assert bad.refused > 0
        sluice.write("backend.yaml", backend("secured", bad.port))
        sluice.wait()
        assert ask(sluice.port).status == 502
        assert bad.requests == []
    finally:
        good.stop()
        bad.stop()
