"""Backends that speak HTTP/2 (appProtocol kubernetes.io/h2c), for clients of both versions."""

import contextlib

import pytest
from harness.client import ask
from harness.curl import curl
from harness.h2_backend import H2Backend, H2Step
from harness.h2_client import H2Client
from harness.manifests import (
    backend,
    backend_ref,
    documents,
    header_filter,
    rewrite_filter,
    route,
    rule,
    service,
    service_ref,
)
from harness.net import free_port
from harness.versions import VERSIONS, gateway_for, scheme_of
from harness.waiting import until


@pytest.fixture
def h2_backend():
    running = H2Backend()
    yield running
    running.stop()
    assert running.problems == []


def manifests(port: int, h2_backend, *rules: dict, version: str = "http1") -> str:
    return documents(
        gateway_for(version, port),
        service("h2", h2_backend.port, app_protocol="kubernetes.io/h2c"),
        route("r", list(rules) or [rule(service_ref("h2"))]),
    )


@pytest.fixture
def version() -> str:
    """Of the client; tests of every one of them have a parameter of this name."""
    return "http1"


@pytest.fixture
def sluice(make_sluice, h2_backend, version):
    running = make_sluice(workers=1)
    running.port = free_port()
    running.write("all.yaml", manifests(running.port, h2_backend, version=version))
    return running


@pytest.mark.parametrize("version", VERSIONS)
def test_the_backend_is_told_the_same_as_one_of_http1(sluice, h2_backend, version):
    sluice.start()
    reply = curl(
        sluice.port,
        "/a%2Fb?q=%20x",
        version,
        host="shop.example.com:8080",
        headers=[("X-Own", "mine"), ("X-Empty", ""), ("X-Forwarded-For", "10.9.8.7")],
    )
    assert (reply.status, reply.body) == (200, b"fine")
    (asked,) = h2_backend.asked
    assert asked.one(":authority") == "shop.example.com:8080"
    assert asked.one(":path") == "/a%2Fb?q=%20x"
    assert asked.one(":method") == "GET"
    assert asked.all("host") == []
    assert asked.one("x-own") == "mine"
    assert asked.one("x-empty") == ""
    assert asked.one("x-forwarded-for") == "127.0.0.1"
    assert asked.one("x-forwarded-proto") == scheme_of(version)
    assert asked.one("x-forwarded-host") == "shop.example.com:8080"
    assert asked.one("x-forwarded-port") == str(sluice.port)
    assert len(asked.one("x-request-id")) == 32
    for name in ("connection", "upgrade", "keep-alive", "transfer-encoding"):
        assert asked.all(name) == []


@pytest.mark.parametrize("version", VERSIONS)
def test_methods_bodies_and_answers_pass_both_ways(sluice, h2_backend, version):
    sluice.start()
    large = bytes(i % 253 for i in range(300_000))
    for method, body in (("POST", large), ("PUT", b"x"), ("DELETE", None), ("PATCH", b"{}")):
        h2_backend.script(H2Step(status=201, fields=[("x-a", "1"), ("x-a", "2")], body=large))
        reply = curl(sluice.port, "/", version, method=method, body=body)
        assert (reply.status, reply.body, reply.all("x-a")) == (201, large, ["1", "2"])
        assert h2_backend.asked[0].one(":method") == method
        assert h2_backend.asked[0].body == (body or b"")
    h2_backend.script(H2Step(fields=[("content-length", "4")], body=b""))
    reply = curl(sluice.port, "/", version, method="HEAD")
    assert (reply.status, reply.all("content-length")) == (200, ["4"])


def test_a_backend_says_who_it_is_and_gives_no_orders(sluice, h2_backend):
    sluice.start()
    fields = [("server", "mine"), ("x-accel-redirect", "/etc/passwd")]
    h2_backend.script(H2Step(fields=[*fields, ("x-long", "v" * 10_000)]))
    reply = curl(sluice.port)
    assert (reply.status, reply.body) == (200, b"fine")
    assert reply.all("server") == ["mine"]
    assert h2_backend.http1_requests == 0
    assert len(reply.all("x-long")[0]) == 10_000


def test_trailers_reach_the_client(sluice, h2_backend):
    sluice.start()
    client = H2Client(sluice.port)
    with contextlib.closing(client):
        h2_backend.script(H2Step(trailers=[("x-checksum", "abc")]))
        answer = client.ask("GET", "/", [("te", "trailers")])
    assert (answer.body, answer.trailers) == (b"fine", [("x-checksum", "abc")])
    assert h2_backend.asked[0].all("te") == ["trailers"]


def test_connections_are_kept_and_reused(sluice, h2_backend):
    sluice.start()
    for i in range(6):
        body = b"b" * 100 if i % 2 else None
        assert ask(sluice.port, method="POST" if body else "GET", body=body).status == 200
    assert h2_backend.connections == 1
    assert [asked.stream for asked in h2_backend.asked] == [1, 3, 5, 7, 9, 11]


def test_protocols_do_not_share_connections(sluice, h2_backend):
    more = backend("h1", h2_backend.port)
    rules = [rule(service_ref("h2")), rule(backend_ref("h1"), path="/h1")]
    sluice.write("all.yaml", documents(more, manifests(sluice.port, h2_backend, *rules)))
    sluice.start()
    assert [ask(sluice.port, path=path).text for path in ("/", "/h1", "/", "/h1", "/")] == [
        "fine",
        "h1",
        "fine",
        "h1",
        "fine",
    ]
    assert h2_backend.connections == 2


@pytest.mark.parametrize("version", VERSIONS)
def test_fields_are_edited_both_ways(sluice, h2_backend, version):
    sent = header_filter(
        "request",
        {"X-Set": "new", "Host": "h.example"},
        {"X-Add": "2", "Cookie": "c=3"},
        ["X-Gone"],
    )
    told = header_filter("response", {"X-Set": "new"}, {"X-Add": "2"}, ["X-Gone", "Server"])
    rules = [rule(service_ref("h2"), filters=[sent, told])]
    sluice.write("all.yaml", manifests(sluice.port, h2_backend, *rules, version=version))
    sluice.start()
    h2_backend.script(
        H2Step(fields=[("x-set", "old"), ("x-add", "1"), ("x-gone", "g"), ("x-gone", "h")])
    )
    fields = [("X-Set", "old"), ("X-Add", "1"), ("X-Gone", "g"), ("Cookie", "a=1")]
    reply = curl(sluice.port, "/", version, headers=[*fields, ("Cookie", "b=2"), ("X-Empty", "")])
    assert reply.all("x-set") == ["new"]
    assert reply.joined("x-add") == "1,2"
    assert reply.all("x-gone") == reply.all("server") == []
    (asked,) = h2_backend.asked
    assert (asked.one(":authority"), asked.all("host")) == ("h.example", [])
    assert asked.all("x-set") == ["new"]
    assert ",".join(asked.all("x-add")) == "1,2"
    assert asked.all("x-gone") == []
    assert asked.all("x-empty") == [""]
    assert "; ".join(asked.all("cookie")) == "a=1; b=2; c=3"


def test_a_rewritten_host_becomes_the_authority(sluice, h2_backend):
    rewrite = rewrite_filter(
        hostname="inner.example.org", path={"type": "ReplaceFullPath", "replaceFullPath": "/new"}
    )
    rules = [rule(service_ref("h2"), filters=[rewrite])]
    sluice.write("all.yaml", manifests(sluice.port, h2_backend, *rules))
    sluice.start()
    assert ask(sluice.port, "shop.example.com", "/old?q=1").status == 200
    assert h2_backend.asked[0].one(":authority") == "inner.example.org"
    assert h2_backend.asked[0].one(":path") == "/new?q=1"
    assert ask(sluice.port, "shop.example.com", method="POST", body=b"x").status == 200
    assert h2_backend.asked[1].one(":authority") == "inner.example.org"


def test_a_backend_that_is_not_there_is_a_502(sluice, h2_backend):
    sluice.write("all.yaml", manifests(sluice.port, h2_backend))
    h2_backend.stop()
    sluice.start()
    assert ask(sluice.port).status == 502


def test_settings_of_the_location_hold_for_http2_too(operator_nginx, h2_backend):
    port = free_port()
    operator_nginx.write("all.yaml", manifests(port, h2_backend))
    operator_nginx.start(
        settings="proxy_set_header X-Operator yes; proxy_set_header Host fixed.example.com;",
        edits={"proxy_read_timeout 60s": "proxy_read_timeout 300ms; proxy_hide_header X-Secret"},
    )
    h2_backend.script(H2Step(fields=[("x-secret", "1"), ("x-open", "1")]))
    reply = curl(port)
    assert (reply.status, reply.all("x-secret"), reply.all("x-open")) == (200, [], ["1"])
    assert h2_backend.asked[0].one("x-operator") == "yes"
    assert h2_backend.asked[0].one(":authority") == "example.com"
    h2_backend.script(H2Step(delay_s=0.8))
    assert curl(port).status == 504
    until(lambda: len(operator_nginx.access_log()) == 2, "the log")
    assert operator_nginx.access_log()[1] == "/ 504 [504] backend_timeout"
