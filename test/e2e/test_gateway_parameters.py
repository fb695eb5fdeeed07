"""GatewayParameters: who is believed about the client, and how large a request may be."""

import json
import re
import subprocess

import pytest
from harness.certificates import gateway_of
from harness.client import ask
from harness.curl import curl
from harness.h2_client import H2Client
from harness.manifests import (
    backend,
    backend_ref,
    documents,
    parameters,
    parameters_ref,
    redirect_filter,
    route,
    rule,
)
from harness.net import free_port, free_ports
from harness.raw_client import send_raw
from harness.waiting import until

FORWARDED = [
    ("X-Forwarded-For", "192.0.2.1, 10.1.2.3"),
    ("X-Forwarded-Proto", "https"),
    ("X-Forwarded-Host", "shop.example.com"),
    ("X-Forwarded-Port", "443"),
    ("X-Request-Id", "from-the-edge"),
]


@pytest.fixture
def sluice(make_sluice, echo):
    running = make_sluice()
    running.port = free_port()
    running.write("backend.yaml", backend("echo", echo.port))
    running.write("route.yaml", route("r", [rule(backend_ref("echo"))]))
    write_gateway(running)
    return running


def write_gateway(sluice, ref: dict | None = None, name: str = "web", port: int = 0) -> None:
    listener = {"name": "http", "port": port or sluice.port, "protocol": "HTTP"}
    more = {"infrastructure": {"parametersRef": ref}} if ref else {}
    sluice.write(f"{name}.yaml", gateway_of(listener, name=name, **more))


def use(sluice, client_address: dict | None = None, limits: dict | None = None) -> None:
    sluice.write("parameters.yaml", parameters("edge", client_address, limits))
    write_gateway(sluice, parameters_ref())


def seen_by_backend(sluice, headers: list[tuple[str, str]], version: str = "http1") -> dict:
    reply = curl(sluice.port, version=version, headers=headers)
    assert reply.status == 200
    return {name: value for name, value in json.loads(reply.body)["headers"]}


def condition(sluice, kind: str, name: str, wanted: str = "Accepted") -> dict:
    conditions = sluice.get(kind, name)["status"]["conditions"]
    return next(each for each in conditions if each["type"] == wanted)


@pytest.mark.parametrize("version", ["http1", "h2c"])
def test_nobody_is_believed_by_default(sluice, version):
    sluice.start()
    seen = seen_by_backend(sluice, FORWARDED, version)
    assert seen["x-forwarded-for"] == "127.0.0.1"
    assert seen["x-forwarded-proto"] == "http"
    assert seen["x-forwarded-host"] == "example.com"
    assert seen["x-forwarded-port"] == str(sluice.port)
    assert re.fullmatch(r"[0-9a-f]{32}", seen["x-request-id"])


@pytest.mark.parametrize("version", ["http1", "h2c"])
def test_a_trusted_proxys_fields_are_kept_and_its_list_is_appended_to(sluice, version):
    use(sluice, {"trustedProxies": ["127.0.0.0/8"]})
    sluice.start()
    seen = seen_by_backend(sluice, FORWARDED, version)
    assert seen["x-forwarded-for"] == "192.0.2.1, 10.1.2.3, 127.0.0.1"
    assert seen["x-forwarded-proto"] == "https"
    assert seen["x-forwarded-host"] == "shop.example.com"
    assert seen["x-forwarded-port"] == "443"
    assert seen["x-request-id"] == "from-the-edge"


def test_what_a_trusted_proxy_does_not_say_is_said_as_ever(sluice):
    use(sluice, {"trustedProxies": ["127.0.0.1"]})
    sluice.start()
    seen = seen_by_backend(sluice, [("X-Forwarded-For", ""), ("X-Request-Id", "")])
    assert seen["x-forwarded-for"] == "127.0.0.1"
    assert seen["x-forwarded-proto"] == "http"
    assert seen["x-forwarded-host"] == "example.com"
    assert re.fullmatch(r"[0-9a-f]{32}", seen["x-request-id"])


@pytest.mark.parametrize(
    ("said", "location"),
    [
        ({"X-Forwarded-Proto": "https"}, "https://example.com/new"),
        (
            {"X-Forwarded-Proto": "https", "X-Forwarded-Port": "8443"},
            "https://example.com:8443/new",
        ),
        ({"X-Forwarded-Proto": "https", "X-Forwarded-Port": "70000"}, "https://example.com/new"),
        ({"X-Forwarded-Port": "80"}, "http://example.com/new"),
        ({"X-Forwarded-Proto": "ftp"}, None),
        ({}, None),
    ],
)
def test_redirects_lead_to_where_a_trusted_proxy_was_asked(sluice, said, location):
    use(sluice, {"trustedProxies": ["127.0.0.0/8"]})
    moved = redirect_filter(path={"type": "ReplaceFullPath", "replaceFullPath": "/new"})
    sluice.write("route.yaml", route("r", [rule(filters=[moved])]))
    sluice.start()
    own = f"http://example.com:{sluice.port}/new"
    reply = curl(sluice.port, headers=list(said.items()))
    assert (reply.status, reply.joined("location")) == (302, location or own)
    use(sluice, {"trustedProxies": []})
    sluice.wait()
    assert curl(sluice.port, headers=list(said.items())).joined("location") == own


def test_another_network_is_not_believed(sluice):
    use(sluice, {"trustedProxies": ["10.0.0.0/8", "::1"]})
    sluice.start()
    assert seen_by_backend(sluice, FORWARDED)["x-forwarded-for"] == "127.0.0.1"


def test_several_lists_are_joined(sluice):
    use(sluice, {"trustedProxies": ["127.0.0.0/8"]})
    sluice.start()
    answer = send_raw(
        sluice.port,
        b"GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.1\r\nX-Other: 1\r\n"
        b"X-Forwarded-For: 10.1.2.3\r\n\r\n",
    )
    assert b'["x-forwarded-for", "192.0.2.1, 10.1.2.3, 127.0.0.1"]' in answer.body


def test_the_log_shows_the_clients_address(sluice):
    use(sluice, {"trustedProxies": ["127.0.0.0/8", "10.0.0.0/8"]})
    sluice.start()
    forged = [("X-Forwarded-For", "203.0.113.9, 192.0.2.1, 10.1.2.3")]
    assert curl(sluice.port, "/logged", headers=forged).status == 200

    def line() -> str | None:
        text = "".join(path.read_text() for path in sluice.state.rglob("*access*.log"))
        found = [each for each in text.splitlines() if "/logged" in each]
        return found[0] if found else None

    until(line, "a line of the access log")
    assert line().startswith("192.0.2.1 ")


def test_trust_is_given_and_taken_without_a_reload(sluice):
    use(sluice, {"trustedProxies": []})
    sluice.start()
    workers = sluice.worker_pids()
    assert seen_by_backend(sluice, FORWARDED)["x-forwarded-proto"] == "http"
    for networks, seen in [(["127.0.0.0/8"], "https"), (["10.0.0.0/8"], "http")] * 2:
        sluice.write("parameters.yaml", parameters("edge", {"trustedProxies": networks}))
        sluice.wait()
        assert seen_by_backend(sluice, FORWARDED)["x-forwarded-proto"] == seen
    assert sluice.worker_pids() == workers


def test_a_body_above_the_limit_is_413(sluice, echo):
    use(sluice, limits={"maxBodyBytes": 1000})
    sluice.start()
    assert ask(sluice.port, method="POST", body=b"x" * 1000).status == 200
    before = len(echo.seen)
    answer = ask(sluice.port, method="POST", body=b"x" * 1001)
    assert (answer.status, answer.body) == (413, b"the body is too large\n")
    assert len(echo.seen) == before


def test_an_http_2_body_above_the_limit_is_413(sluice, echo):
    use(sluice, limits={"maxBodyBytes": 1000})
    sluice.start()
    client = H2Client(sluice.port)
    assert client.ask("POST", "/", [("content-length", "1000")], b"x" * 1000).status == 200
    before = len(echo.seen)
    stream = client.begin("POST", "/", [("content-length", "1001")])
    assert client.answer(stream).status == 413
    assert client.ask("GET", "/").status == 200
    assert len(echo.seen) == before + 1
    client.close()


def test_a_chunked_body_above_the_limit_is_413(sluice):
    use(sluice, limits={"maxBodyBytes": 1000})
    sluice.start()
    assert ask(sluice.port, method="POST", body=iter([b"x" * 500] * 2)).status == 200
    head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"1f4\r\n" + b"x" * 500 + b"\r\n"
    assert send_raw(sluice.port, head + chunk * 2 + b"1\r\nx\r\n0\r\n\r\n").status == 413
    # Its end need not be waited for.
    assert send_raw(sluice.port, head + chunk * 3).status == 413


def test_an_http_2_body_of_unknown_length_above_the_limit_is_413(sluice):
    use(sluice, limits={"maxBodyBytes": 1000})
    sluice.start()
    client = H2Client(sluice.port)
    stream = client.begin("POST", "/")
    client.send(stream, b"x" * 1000, end=True)
    assert client.answer(stream).status == 200
    stream = client.begin("POST", "/")
    client.send(stream, b"x" * 1001, end=True)
    assert client.answer(stream).status == 413
    stream = client.begin("GET", "/", end=True)
    assert client.answer(stream).status == 200
    client.close()


def test_the_body_of_a_request_that_is_too_large_is_not_asked_for(sluice):
    use(sluice, limits={"maxBodyBytes": 1000})
    sluice.start()
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\nExpect: 100-continue\r\n\r\n"
    answer = send_raw(sluice.port, head)
    assert answer.status == 413
    assert answer.all("Connection") == ["close"]


def test_a_limit_comes_before_filters(sluice):
    use(sluice, limits={"maxBodyBytes": 10})
    redirect = redirect_filter(hostname="elsewhere.example.com")
    sluice.write("route.yaml", route("r", [rule(filters=[redirect])]))
    sluice.start()
    assert ask(sluice.port, method="POST", body=b"x" * 10).status == 302
    assert ask(sluice.port, method="POST", body=b"x" * 11).status == 413


@pytest.mark.parametrize("version", ["http1", "h2c"])
def test_a_path_with_its_query_above_the_limit_is_414(sluice, version):
    use(sluice, limits={"maxUriBytes": 100})
    sluice.start()
    fits = "/a?q=" + "x" * 95
    assert curl(sluice.port, fits, version=version).status == 200
    reply = curl(sluice.port, fits + "x", version=version)
    assert (reply.status, reply.body) == (414, b"this path with its query is too long\n")


@pytest.mark.parametrize("version", ["http1", "h2c"])
def test_header_fields_above_the_limit_are_431(sluice, version):
    use(sluice, limits={"maxHeaderBytes": 1024})
    sluice.start()
    assert curl(sluice.port, version=version, headers=[("X-Large", "x" * 800)]).status == 200
    reply = curl(sluice.port, version=version, headers=[("X-Large", "x" * 1024)])
    assert (reply.status, reply.body) == (431, b"the header fields are too large\n")
    many = [(f"X-{number}", "x" * 50) for number in range(20)]
    assert curl(sluice.port, version=version, headers=many).status == 431


def test_limits_change_without_a_reload_and_hold_for_one_gateway_only(sluice):
    other = free_port()
    use(sluice, limits={"maxBodyBytes": 10})
    write_gateway(sluice, name="other", port=other)
    sluice.write("other-route.yaml", route("o", [rule(backend_ref("echo"))], gateway="other"))
    sluice.start()
    workers = sluice.worker_pids()
    assert ask(sluice.port, method="POST", body=b"x" * 11).status == 413
    assert ask(other, method="POST", body=b"x" * 11).status == 200
    sluice.write("parameters.yaml", parameters("edge", limits={"maxBodyBytes": 11}))
    sluice.wait()
    assert ask(sluice.port, method="POST", body=b"x" * 11).status == 200
    assert ask(sluice.port, method="POST", body=b"x" * 12).status == 413
    write_gateway(sluice)
    sluice.wait()
    assert ask(sluice.port, method="POST", body=b"x" * 5000).status == 200
    assert sluice.worker_pids() == workers


def test_a_gateways_own_parameters_come_before_its_classs(sluice):
    own, shared = free_ports(2)
    sluice.write(
        "class.yaml",
        documents(
            """apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: sluice}
spec:
  controllerName: sluice.dev/gateway-controller
  parametersRef: {group: sluice.dev, kind: GatewayParameters, namespace: infra, name: all}
""",
            parameters(
                "all", {"trustedProxies": ["127.0.0.0/8"]}, {"maxBodyBytes": 10}, namespace="infra"
            ),
        ),
    )
    sluice.write("own-parameters.yaml", parameters("own", limits={"maxBodyBytes": 20}))
    write_gateway(sluice, parameters_ref("own"), "own", own)
    write_gateway(sluice, None, "shared", shared)
    for name in ("own", "shared"):
        text = route(f"of-{name}", [rule(backend_ref("echo"))], gateway=name)
        sluice.write(f"route-{name}.yaml", text)
    sluice.start()
    assert ask(shared, method="POST", body=b"x" * 11).status == 413
    assert ask(own, method="POST", body=b"x" * 11).status == 200
    assert ask(own, method="POST", body=b"x" * 21).status == 413
    for port in (own, shared):
        answer = ask(port, headers={"X-Forwarded-For": "192.0.2.1"})
        assert answer.header_of_request("x-forwarded-for") == ["192.0.2.1, 127.0.0.1"]


def test_missing_parameters_refuse_the_gateway_until_they_come(sluice):
    write_gateway(sluice, parameters_ref())
    sluice.start()
    refused = condition(sluice, "gateway", "web")
    assert (refused["status"], refused["reason"]) == ("False", "InvalidParameters")
    assert "spec.infrastructure.parametersRef: GatewayParameters default/edge" in refused["message"]
    use(sluice, limits={"maxBodyBytes": 10})
    sluice.wait("Gateway/default/web")
    assert condition(sluice, "gateway", "web")["status"] == "True"
    assert ask(sluice.port, method="POST", body=b"x" * 11).status == 413


def test_refused_parameters_leave_the_last_good_ones_in_force(sluice):
    use(sluice, limits={"maxBodyBytes": 10})
    sluice.start()
    sluice.write("parameters.yaml", parameters("edge", limits={"maxBodyByts": 100}))
    until(lambda: "spec.limits.maxBodyByts: unknown field" in sluice.output(), "the problem")
    sluice.wait()
    assert ask(sluice.port, method="POST", body=b"x" * 11).status == 413
    assert condition(sluice, "gateway", "web")["status"] == "True"
    command = [str(sluice.binaries / "sluicectl"), "check", "-f", str(sluice.manifests)]
    check = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert check.returncode == 1
    assert 'maxBodyByts: unknown field; did you mean "maxBodyBytes"?' in check.stdout
