"""RequestMirror where only one of backend and mirror speaks HTTP/2: what a copy says in the other
version of HTTP. The services "plain" and "other" speak HTTP/1.1, "h2" and "other-h2" HTTP/2."""

import contextlib
import json

import grpc
import pytest
from harness.authority import Authority
from harness.client import ask
from harness.curl import curl
from harness.h2_backend import H2Asked, H2Backend
from harness.manifests import (
    backend_tls_policy,
    config_map,
    documents,
    header_filter,
    path_edit,
    rewrite_filter,
    route,
    rule,
    service,
    service_mirror_filter,
    service_ref,
)
from harness.net import free_port
from harness.raw_backend import RawBackend, Received
from harness.tls_backend import TlsBackend
from harness.tls_protocols import TlsH2Backend
from harness.versions import VERSIONS, gateway_for
from harness.waiting import until

HOST = "a.example.com"
OF_HTTP1 = {"host", "connection", "te", "content-length", "transfer-encoding"}
SIZES = [None, 0, 5, 300_000]  # None: a GET


@pytest.fixture
def authority(scratch):
    return Authority(scratch)


@pytest.fixture
def servers():
    """name -> a server of the Service of that name; a test may put others there."""
    running = {
        "plain": RawBackend("plain"),
        "other": RawBackend("other"),
        "h2": H2Backend(),
        "other-h2": H2Backend(),
    }
    yield running
    for one in running.values():
        one.stop()


def objects_of(servers: dict, port: int, rules: list[dict], version: str = "http1") -> list[str]:
    objects = [gateway_for(version, port), route("r", rules)]
    for name, server in servers.items():
        protocol = "kubernetes.io/h2c" if "h2" in name else None
        objects.append(service(name, server.port, app_protocol=protocol))
    return objects


@pytest.fixture
def serve(make_sluice, servers):
    """serve(main, filters, ...) -> a running Sluice whose one rule goes to "main"."""

    def start(main: str, filters: list[dict], *more: str, version: str = "http1"):
        sluice = make_sluice(workers=1)
        sluice.port = free_port()
        rules = [rule(service_ref(main), filters=filters)]
        sluice.write(
            "all.yaml", documents(*objects_of(servers, sluice.port, rules, version), *more)
        )
        sluice.start()
        return sluice

    return start


def copy_of_http2(server: H2Backend) -> H2Asked:
    with contextlib.suppress(TimeoutError):
        until(lambda: server.problems or any(asked.whole for asked in server.asked), "the copy")
    assert server.problems == []
    seen = f"{server.connections} connections, asked {server.asked}"
    assert [asked.whole for asked in server.asked] == [True], seen
    return server.asked[0]


def as_http2(sent: Received, scheme: str = "http") -> list[tuple[str, str]]:
    """What a mirror is told of a request that the backend got by HTTP/1.1."""
    (host,) = sent.all("Host")
    pseudo = [":method", ":scheme", ":path", ":authority"]
    fields = [*zip(pseudo, [sent.method, scheme, sent.target, host], strict=True)]
    fields += [(name.lower(), value) for name, value in sent.fields if name.lower() not in OF_HTTP1]
    has_length = sent.all("content-length") or sent.all("transfer-encoding")
    return [*fields, *([("content-length", str(len(sent.body)))] if has_length else [])]


def as_http1(asked: H2Asked) -> list[tuple[str, str]]:
    """The fields that a mirror is told of a request that the backend got by HTTP/2."""
    fields = [("Host", asked.one(":authority"))]
    left_out = ("content-length", "te")
    fields += [
        (name, value)
        for name, value in asked.fields
        if not name.startswith(":") and name not in left_out
    ]
    if asked.all("content-length") or asked.body:
        fields.append(("Content-Length", str(len(asked.body))))
    return [*fields, ("Connection", "close")]


def ask_for(sluice, version: str, size: int | None):
    """Returns what was sent as the body."""
    if size is None:
        answer, body = (
            curl(sluice.port, "/a%2Fb?x=%20", version, headers=[("X-Some", "th-ing")]),
            b"",
        )
    else:
        body = (bytes(range(256)) * (size // 256 + 1))[:size]
        answer = curl(sluice.port, "/a", version, method="POST", body=body)
    assert answer.status == 200
    assert answer.body in (b"plain", b"fine")
    return body


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("size", SIZES)
def test_a_mirror_of_http_2_is_told_what_a_backend_of_http_1_is(serve, servers, version, size):
    sluice = serve("plain", [service_mirror_filter("h2")], version=version)
    body = ask_for(sluice, version, size)
    copy = copy_of_http2(servers["h2"])
    sent = servers["plain"].last()
    assert copy.fields == as_http2(sent)
    assert (copy.body, sent.body) == (body, body)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("size", SIZES)
def test_a_mirror_of_http_1_is_told_what_a_backend_of_http_2_is(serve, servers, version, size):
    sluice = serve("h2", [service_mirror_filter("plain")], version=version)
    body = ask_for(sluice, version, size)
    (copy,) = servers["plain"].wait_for(1)
    sent = copy_of_http2(servers["h2"])
    assert (copy.method, copy.target) == (sent.one(":method"), sent.one(":path"))
    assert copy.fields == as_http1(sent)
    assert (copy.body, sent.body) == (body, body)


EDITS = [
    header_filter("request", put={"X-Set": "s"}, add={"X-Had": "b"}, remove=["X-Gone"]),
    rewrite_filter(hostname="inner.example", path=path_edit(full="/inner")),
]
ASKED = {"X-Gone": "g", "X-Had": "a", "TE": "trailers", "Keep-Alive": "5"}


def edited_fields(sluice, request_id: str) -> list[tuple[str, str]]:
    return [
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-host", "example.com"),
        ("x-forwarded-port", str(sluice.port)),
        ("x-request-id", request_id),
        ("accept-encoding", "identity"),
        ("x-had", "a"),
        ("x-set", "s"),
        ("x-had", "b"),
    ]


def test_the_copy_for_http_2_is_of_the_edited_request(serve, servers):
    sluice = serve("plain", [*EDITS, service_mirror_filter("h2")])
    assert ask(sluice.port, path="/outer?q", method="PUT", headers=ASKED, body=b"12").status == 200
    (request_id,) = servers["plain"].last().all("x-request-id")
    assert copy_of_http2(servers["h2"]).fields == [
        (":method", "PUT"),
        (":scheme", "http"),
        (":path", "/inner?q"),
        (":authority", "inner.example"),
        *edited_fields(sluice, request_id),
        ("content-length", "2"),
    ]


def test_the_copy_for_http_1_is_of_the_edited_request(serve, servers):
    sluice = serve("h2", [*EDITS, service_mirror_filter("plain")])
    assert ask(sluice.port, path="/outer?q", method="PUT", headers=ASKED, body=b"12").status == 200
    (copy,) = servers["plain"].wait_for(1)
    assert copy.line == "PUT /inner?q HTTP/1.1"
    assert copy.fields == [
        ("Host", "inner.example"),
        *edited_fields(sluice, servers["h2"].asked[0].one("x-request-id")),
        ("Content-Length", "2"),
        ("Connection", "close"),
    ]


@pytest.mark.parametrize(("main", "mirror"), [("plain", "h2"), ("h2", "plain")])
def test_a_chunked_body_gets_a_length(serve, servers, main, mirror):
    sluice = serve(main, [service_mirror_filter(mirror)])
    assert ask(sluice.port, method="PUT", body=iter([b"a" * 1000] * 100)).status == 200
    copy = copy_of_http2(servers["h2"]) if mirror == "h2" else servers["plain"].wait_for(1)[0]
    assert copy.body == b"a" * 100_000
    assert copy.all("content-length" if mirror == "h2" else "Content-Length") == ["100000"]
    assert copy.all("transfer-encoding") == []


# More than one frame of HTTP/2 holds.
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("main", "mirror"), [("plain", "h2"), ("h2", "plain")])
def test_long_heads_are_copied(serve, servers, version, main, mirror):
    sluice = serve(main, [service_mirror_filter(mirror)], version=version)
    # A part of them gets no shorter by the Huffman code.
    long = [(f"X-Long-{i}", "{" * 4000 + "0" * 3000) for i in range(3)]
    assert curl(sluice.port, "/?" + "q" * 300, version, headers=long).status == 200
    if mirror == "h2":
        copy = copy_of_http2(servers["h2"])
        assert copy.fields == as_http2(servers["plain"].last())
    else:
        (copy,) = servers["plain"].wait_for(1)
        assert copy.fields == as_http1(servers["h2"].asked[0])
    assert [copy.all(name.lower()) for name, _ in long] == [[value] for _, value in long]


@pytest.mark.parametrize("main", ["plain", "h2"])
def test_each_mirror_of_a_request_hears_its_own_version(serve, servers, main):
    mirrors = ["other-h2", "other", "h2", "plain"]
    mirrors.remove(main)
    sluice = serve(main, [service_mirror_filter(name) for name in mirrors])
    body = b"x" * 100_000
    assert ask(sluice.port, method="POST", body=body).status == 200
    for name in mirrors:
        if "h2" in name:
            assert copy_of_http2(servers[name]).body == body
        else:
            assert servers[name].wait_for(1)[0].body == body


@pytest.mark.parametrize("size", [0, 1, 300_000])
def test_a_grpc_call_is_copied_to_a_mirror_of_http_1(serve, servers, size):
    sluice = serve("h2", [service_mirror_filter("plain")])
    message = b"m" * size
    with grpc.insecure_channel(f"127.0.0.1:{sluice.port}") as channel:
        call = channel.unary_unary("/echo.Echo/Unary")
        with pytest.raises(grpc.RpcError):  # as "h2" says nothing of gRPC
            call(message, timeout=10, metadata=[("x-some-bin", b"\0\xff")])
    (copy,) = servers["plain"].wait_for(1)
    assert copy.line == "POST /echo.Echo/Unary HTTP/1.1"
    assert copy.body == b"\0" + size.to_bytes(4, "big") + message
    sent = copy_of_http2(servers["h2"])
    assert sent.all("te") == ["trailers"]
    assert copy.fields == as_http1(sent)
    assert (copy.all("content-type"), copy.all("te")) == (["application/grpc"], [])


def policy(name: str) -> str:
    made = json.loads(backend_tls_policy(name, HOST, "ca"))
    made["spec"]["targetRefs"][0].update(kind="Service", group="")
    return json.dumps(made)


@pytest.mark.parametrize("size", SIZES)
def test_a_mirror_of_http_2_behind_tls(serve, servers, authority, size):
    secured = servers["secured-h2"] = TlsH2Backend(authority.issue(HOST))
    more = [config_map("ca", authority.pem), policy("secured-h2")]
    sluice = serve("plain", [service_mirror_filter("secured-h2")], *more)
    body = ask_for(sluice, "http1", size)
    copy = copy_of_http2(secured)
    assert copy.fields == as_http2(servers["plain"].last(), scheme="https")
    assert (copy.body, secured.protocols) == (body, ["h2"])


@pytest.mark.parametrize("size", SIZES)
def test_a_mirror_of_http_1_behind_tls(serve, servers, authority, size):
    issued = authority.issue(HOST)
    secured = servers["secured"] = TlsBackend(issued.certificate, issued.key)
    more = [config_map("ca", authority.pem), policy("secured")]
    sluice = serve("h2", [service_mirror_filter("secured")], *more)
    body = ask_for(sluice, "http1", size)
    (copy,) = secured.wait_for(1)
    assert copy.fields == as_http1(servers["h2"].asked[0])
    assert (copy.body, secured.handshakes[0].server_name) == (body, HOST)


def test_a_mirror_that_does_not_speak_http_2_changes_nothing(serve, servers):
    servers["not-h2"] = RawBackend("not-h2")
    sluice = serve("plain", [service_mirror_filter("not-h2")])
    for _ in range(3):
        assert ask(sluice.port, method="POST", body=b"x" * 100_000).body == b"plain"
    until(lambda: 'to "default/not-h2:80": the conn' in sluice.nginx_log(), "the warning")


@pytest.mark.parametrize(("main", "mirror"), [("plain", "h2"), ("h2", "plain")])
def test_what_the_operator_makes_nginx_say_is_copied_too(operator_nginx, servers, main, mirror):
    port = free_port()
    rules = [rule(service_ref(main), filters=[service_mirror_filter(mirror)])]
    operator_nginx.write("all.yaml", documents(*objects_of(servers, port, rules)))
    operator_nginx.start("proxy_set_header X-Operator $request_method;")
    until(lambda: ask(port).status == 200, "the route")
    if mirror == "h2":
        until(lambda: servers["h2"].asked, "the copy")
        assert servers["h2"].asked[0].all("x-operator") == ["GET"]
    else:
        assert servers["plain"].wait_for(1)[0].all("x-operator") == ["GET"]
