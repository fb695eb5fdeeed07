"""RequestMirror where backend and mirror speak HTTP/2, or are reached over TLS."""

import grpc
import pytest
from harness.authority import Authority
from harness.client import ask
from harness.grpc_server import GrpcServer
from harness.manifests import (
    backend,
    backend_ref,
    backend_tls_policy,
    config_map,
    documents,
    gateway,
    grpc_route,
    header_filter,
    mirror_filter,
    route,
    rule,
)
from harness.net import free_port
from harness.raw_backend import RawBackend
from harness.tls_backend import TlsBackend
from harness.waiting import until

HOST = "a.example.com"


@pytest.fixture
def authority(scratch):
    return Authority(scratch)


@pytest.fixture
def held(authority):
    return authority.issue(HOST).pair


@pytest.fixture
def servers():
    """One that answers calls and one that gets copies; a test may add others."""
    running = {name: GrpcServer(name) for name in ("main", "copy")}
    yield running
    for one in running.values():
        one.stop()


@pytest.fixture
def serve(make_sluice):
    def start(*objects: str):
        sluice = make_sluice(workers=1)
        sluice.port = free_port()
        sluice.write("all.yaml", documents(gateway(sluice.port), *objects))
        sluice.start()
        return sluice

    return start


def mirrored(*filters: dict) -> dict:
    return {"backendRefs": [backend_ref("main")], "filters": list(filters)}


def calls(sluice, *bodies: bytes) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{sluice.port}") as channel:
        call = channel.unary_unary("/echo.Echo/Unary")
        for body in bodies:
            assert call(body, timeout=10, metadata=[("x-gone", "g")]) == b"main:" + body


# Beyond 65,535 bytes the copy has to wait for the windows of HTTP/2.
@pytest.mark.parametrize("size", [0, 1, 20_000, 300_000, 1_000_000])
def test_calls_are_copied_with_their_bodies(serve, servers, size):
    objects = [backend(name, server.port) for name, server in servers.items()]
    edit = header_filter("request", put={"x-set": "s"}, remove=["x-gone"])
    sluice = serve(*objects, grpc_route("r", [mirrored(edit, mirror_filter("copy"))]))
    body = (bytes(range(256)) * (size // 256 + 1))[:size]
    calls(sluice, body, body)
    copies = servers["copy"].echo
    until(lambda: len(copies.asked) == 2, "the copies")
    assert copies.asked == [body, body]
    assert (copies.metadata["x-set"], copies.metadata.get("x-gone")) == ("s", None)


def test_a_call_that_streams_is_copied_when_it_is_whole(serve, servers):
    objects = [backend(name, server.port) for name, server in servers.items()]
    sluice = serve(*objects, grpc_route("r", [mirrored(mirror_filter("copy"))]))
    with grpc.insecure_channel(f"127.0.0.1:{sluice.port}") as channel:
        numbers = [str(i).encode() for i in range(500)]
        total = channel.stream_unary("/echo.Echo/Sum")(iter(numbers), timeout=10)
    assert total == b"124750"
    until(lambda: servers["copy"].echo.metadata, "the copy")


def test_a_server_that_is_not_there_changes_nothing(serve, servers):
    sluice = serve(
        backend("main", servers["main"].port),
        backend("copy", free_port()),
        grpc_route("r", [mirrored(mirror_filter("copy"))]),
    )
    calls(sluice, b"a", b"b")
    until(lambda: 'to "default/copy": ' in sluice.nginx_log(), "the warning")


def test_calls_are_copied_over_tls(serve, servers, held, authority):
    secured = GrpcServer("secured", held)
    servers["secured"] = secured
    sluice = serve(
        backend("main", servers["main"].port),
        backend("secured", secured.port),
        config_map("ca", authority.pem),
        backend_tls_policy("secured", HOST, "ca"),
        grpc_route("r", [mirrored(mirror_filter("secured"))]),
    )
    body = b"x" * 300_000
    calls(sluice, body)
    until(lambda: secured.echo.asked == [body], "the copy")


@pytest.mark.parametrize("size", [0, 500_000])
def test_requests_are_copied_over_tls_as_the_policy_says(serve, authority, size):
    issued = authority.issue(HOST)
    main, copy = RawBackend("main"), TlsBackend(issued.certificate, issued.key, name="copy")
    try:
        sluice = serve(
            backend("main", main.port),
            backend("copy", copy.port),
            config_map("ca", authority.pem),
            backend_tls_policy("copy", HOST, "ca"),
            route("r", [rule(backend_ref("main"), filters=[mirror_filter("copy")])]),
        )
        body = b"x" * size
        assert ask(sluice.port, method="POST", body=body).body == b"main"
        (received,) = copy.wait_for(1)
        assert received.body == body
        assert copy.handshakes[0].server_name == HOST
        # Nobody else than whom the policy names gets a copy.
        sluice.write("all.yaml", (sluice.manifests / "all.yaml").read_text().replace(HOST, "b.com"))
        sluice.wait()
        assert ask(sluice.port, method="POST", body=body).body == b"main"
        until(lambda: copy.refused == 1, "a handshake that was broken off")
        until(lambda: 'to "default/copy": the conn' in sluice.nginx_log(), "the warning")
        assert len(copy.requests) == 1
    finally:
        main.stop()
        copy.stop()
