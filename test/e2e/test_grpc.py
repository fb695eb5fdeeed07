"""gRPC through Sluice: real clients, a real server, and errors that both understand."""

import contextlib

import grpc
import pytest
from harness.authority import Authority
from harness.certificates import gateway_of, https_listener, secret
from harness.client import ask
from harness.grpc_server import Chat, GrpcServer
from harness.h2_backend import H2Backend, H2Step
from harness.h2_client import H2Client
from harness.manifests import (
    backend,
    backend_ref,
    backend_tls_policy,
    config_map,
    documents,
    gateway,
    grpc_route,
    header_filter,
    route,
    rule,
    service,
    service_ref,
)
from harness.net import free_port, free_ports
from harness.waiting import until

HOST = "grpc.example.com"
CALL = [("content-type", "application/grpc"), ("te", "trailers")]


@pytest.fixture
def server(keep):
    return keep(GrpcServer("one"))


def matched(to: str, **method: str) -> dict:
    fields = {"backendRefs": [backend_ref(to)]}
    return {**fields, "matches": [{"method": method}]} if method else fields


@pytest.fixture
def sluice(make_sluice, server):
    running = make_sluice(workers=1)
    running.port = free_port()
    running.write("gateway.yaml", gateway(running.port))
    running.write(
        "backends.yaml",
        documents(backend("one", server.port), service("nobody"), backend("gone", free_port())),
    )
    return running


@pytest.fixture
def channel(sluice):
    with grpc.insecure_channel(f"127.0.0.1:{sluice.port}") as opened:
        yield opened


def unary(channel, path="/echo.Echo/Unary", body=b"hello", **more) -> bytes:
    return channel.unary_unary(path)(body, timeout=more.pop("timeout", 10), **more)


def failure(channel, path: str, **more) -> grpc.RpcError:
    with pytest.raises(grpc.RpcError) as caught:
        unary(channel, path, **more)
    return caught.value


@pytest.fixture
def secured(sluice, scratch):
    """A channel to a listener that ends TLS."""
    authority = Authority(scratch)
    held = authority.issue(HOST).pair
    port = free_port()
    listener = https_listener("s", port, "cert", hostname=HOST)
    sluice.write("gateway.yaml", documents(secret("cert", held), gateway_of(listener)))
    trust = grpc.ssl_channel_credentials(authority.pem.encode())
    named = [("grpc.ssl_target_name_override", HOST)]
    with grpc.secure_channel(f"127.0.0.1:{port}", trust, named) as opened:
        yield opened


def test_calls_of_every_kind(sluice, channel, server):
    sluice.write("route.yaml", grpc_route("r", [matched("one")]))
    sluice.start()
    make_calls_of_every_kind(channel, server)


def test_calls_of_every_kind_over_tls(sluice, secured, server):
    sluice.write("route.yaml", grpc_route("r", [matched("one")]))
    sluice.start()
    make_calls_of_every_kind(secured, server)
    chat_for_a_while(secured)


def make_calls_of_every_kind(channel, server) -> None:
    assert unary(channel, metadata=[("x-key", "v")]) == b"one:hello"
    assert server.echo.metadata["x-key"] == "v"
    assert server.echo.metadata["x-forwarded-for"] == "127.0.0.1"
    answer, call = channel.unary_unary("/echo.Echo/Unary").with_call(b"x" * 500_000, timeout=10)
    assert (len(answer), dict(call.trailing_metadata())["x-trailer"]) == (500_004, "t")
    assert [*channel.unary_stream("/echo.Echo/Count")(b"500", timeout=10)] == [
        str(i).encode() for i in range(500)
    ]
    numbers = [str(i).encode() for i in range(500)]
    assert channel.stream_unary("/echo.Echo/Sum")(iter(numbers), timeout=10) == b"124750"


def test_a_chat_has_no_order_but_its_own(sluice, channel):
    sluice.write("route.yaml", grpc_route("r", [matched("one")]))
    sluice.start()
    chat_for_a_while(channel)


def chat_for_a_while(channel) -> None:
    chat = Chat(channel)
    for i in range(50):
        assert chat.say(f"word {i}".encode()) == f"word {i}"[::-1].encode()
    assert chat.rest() == []


def test_an_error_of_the_server_arrives_as_it_was(sluice, channel):
    sluice.write("route.yaml", grpc_route("r", [matched("one")]))
    sluice.start()
    error = failure(channel, "/echo.Echo/Fail")
    assert error.code() == grpc.StatusCode.FAILED_PRECONDITION
    assert error.details() == "not today: 100%"
    assert failure(channel, "/echo.Echo/Unknown").code() == grpc.StatusCode.UNIMPLEMENTED


def test_methods_choose_servers_and_the_rest_is_unimplemented(sluice, channel):
    other = GrpcServer("two")
    try:
        sluice.write("other.yaml", backend("two", other.port))
        rules = [
            matched("one", service="echo.Echo", method="Unary"),
            matched("two", service="echo.Other", method="Unary"),
        ]
        sluice.write("route.yaml", grpc_route("r", rules))
        sluice.start()
        assert unary(channel) == b"one:hello"
        assert unary(channel, "/echo.Other/Unary") == b"two:hello"
        error = failure(channel, "/echo.Third/Unary")
        assert error.code() == grpc.StatusCode.UNIMPLEMENTED
        assert error.details() == "no route for this request"
    finally:
        other.stop()


def test_a_named_rule_edits_the_metadata_of_calls(sluice, channel, server):
    edits = header_filter("request", {"x-tenant": "blue"}, {"x-list": "b"}, ["x-secret"])
    named = {"name": "tenants", **matched("one", service="echo.Echo"), "filters": [edits]}
    sluice.write("route.yaml", grpc_route("r", [named]))
    sluice.start()
    sent = [("x-tenant", "forged"), ("x-list", "a"), ("x-secret", "s"), ("x-other", "o")]
    assert unary(channel, metadata=sent) == b"one:hello"
    seen = server.echo.metadata
    assert [seen.get(name) for name, _ in sent] == ["blue", "a,b", None, "o"]


def test_backends_that_cannot_answer_are_unavailable(sluice, channel):
    rules = [
        matched("one", service="echo.Echo"),
        {**matched("", service="echo.Nobody"), "backendRefs": [service_ref("nobody")]},
        matched("gone", service="echo.Gone"),
        matched("undefined", service="echo.Invalid"),
        {"matches": [{"method": {"service": "echo.None"}}]},
    ]
    sluice.write("route.yaml", grpc_route("r", rules))
    sluice.start()
    for name, details in (
        ("Nobody", "this backend has no ready endpoints"),
        ("Gone", "no endpoint could be connected to"),
        ("Invalid", "this route's backend is not valid"),
        ("None", "this route has no backends"),
    ):
        error = failure(channel, f"/echo.{name}/Unary")
        assert (error.code(), error.details()) == (grpc.StatusCode.UNAVAILABLE, details)
    assert unary(channel) == b"one:hello", "the connection still serves"


def test_an_error_is_one_frame_of_headers_and_http_200(sluice):
    sluice.write("route.yaml", grpc_route("r", [matched("one", service="echo.Echo")]))
    sluice.start()
    client = H2Client(sluice.port)
    with contextlib.closing(client):
        answer = client.ask("POST", "/a.B/C", CALL, b"\0\0\0\0\0")
        assert (answer.status, answer.ended_with_head) == (200, True)
        assert answer.all("content-type") == ["application/grpc"]
        assert answer.all("grpc-status") == ["12"]
        # Other requests are told as ever.
        answer = client.ask("POST", "/a.B/C", [("content-type", "text/plain")], b"x")
        assert (answer.status, answer.all("grpc-status")) == (404, [])
    answer = ask(sluice.port, path="/a.B/C", headers={"Content-Type": "application/grpc+proto"})
    assert (answer.status, answer.headers["grpc-status"], answer.body) == (200, "12", b"")


def test_the_clients_deadline_reaches_the_server(sluice, channel, server):
    sluice.write("route.yaml", grpc_route("r", [matched("one")]))
    sluice.start()
    unary(channel, timeout=7)
    assert 5 < server.echo.time_left < 7.5, "clients round grpc-timeout up"


def test_a_server_that_gives_up_at_the_deadline_has_exceeded_it(sluice):
    # Symptom: UNAVAILABLE, as the server's reset came before the client had given up.
    giving_up = H2Backend()
    try:
        sluice.write("backends.yaml", backend("one", giving_up.port))
        sluice.write("route.yaml", grpc_route("r", [matched("one")]))
        sluice.start()
        giving_up.script(*[H2Step(cancelled=True, delay_s=0.05)] * 3)
        for timeout, status in (("50m", "4"), ("9S", "14"), (None, "14")):
            fields = [("grpc-timeout", timeout)] if timeout else []
            with contextlib.closing(H2Client(sluice.port)) as client:
                answer = client.ask("POST", "/a.B/C", [*CALL, *fields], b"\0\0\0\0\0")
            assert (answer.status, answer.all("grpc-status")) == (200, [status]), timeout
    finally:
        giving_up.stop()


def test_a_client_that_leaves_cancels_the_call(sluice, channel, server):
    sluice.write("route.yaml", grpc_route("r", [matched("one")]))
    sluice.start()
    call = channel.unary_unary("/echo.Echo/Hang").future(b"", timeout=30)
    until(lambda: server.echo.metadata, "the call at the server")
    assert not server.echo.cancelled.is_set()
    call.cancel()
    until(server.echo.cancelled.is_set, "the end of the call at the server", 20)
    assert unary(channel) == b"one:hello"


def test_a_limit_of_the_rule_is_deadline_exceeded(sluice, channel, server):
    sluice.write("backends.yaml", service("h2", server.port, app_protocol="kubernetes.io/h2c"))
    rules = [
        rule(service_ref("h2"), path="/echo.Echo", timeouts={"request": "300ms"}),
        rule(service_ref("h2"), path="/try.Echo", timeouts={"backendRequest": "300ms"}),
    ]
    sluice.write("route.yaml", route("r", rules))
    sluice.start()
    for path, details in (
        ("/echo.Echo/Hang", "the request took too long"),
        ("/try.Echo/Hang", "the backend took too long"),
    ):
        server.echo.cancelled.clear()
        error = failure(channel, path)
        assert (error.code(), error.details()) == (grpc.StatusCode.DEADLINE_EXCEEDED, details)
        until(server.echo.cancelled.is_set, "the end of the call at the server", 20)
    assert unary(channel) == b"one:hello"


def test_a_stream_may_be_silent_for_longer_than_others(operator_nginx, server, scratch):
    authority = Authority(scratch)
    held = authority.issue(HOST).pair
    behind_tls = GrpcServer("secured", held)
    port, tls_port = free_ports(2)
    operator_nginx.write(
        "all.yaml",
        documents(
            secret("cert", held),
            gateway_of(
                {"name": "h", "protocol": "HTTP", "port": port},
                https_listener("s", tls_port, "cert"),
            ),
            backend("one", server.port),
            backend("secured", behind_tls.port),
            config_map("ca", authority.pem),
            backend_tls_policy("secured", HOST, "ca"),
            grpc_route("r", [matched("one")]),
            grpc_route("s", [matched("secured", service="echo.Echo", method="Chat")]),
        ),
    )
    operator_nginx.start(
        settings="client_body_timeout 300ms; send_timeout 300ms;",
        edits={
            "proxy_send_timeout 60s": "proxy_send_timeout 300ms",
            "proxy_read_timeout 60s": "proxy_read_timeout 300ms",
        },
    )
    trust = grpc.ssl_channel_credentials(authority.pem.encode())
    named = [("grpc.ssl_target_name_override", HOST)]
    with (
        contextlib.closing(grpc.insecure_channel(f"127.0.0.1:{port}")) as plain,
        contextlib.closing(grpc.secure_channel(f"127.0.0.1:{tls_port}", trust, named)) as secured,
    ):
        paths = ("/echo.Echo/Chat", "/echo.Plain/Chat")  # the first server is behind TLS
        chats = [Chat(channel, path=path) for channel in (plain, secured) for path in paths]
        for i in range(3):
            assert [chat.say(b"ab") for chat in chats] == [b"ba"] * 4
            with contextlib.suppress(TimeoutError):
                until(lambda: not all(c.answers.is_active() for c in chats), "a silence", 0.8)
            assert all(chat.answers.is_active() for chat in chats), i
        assert [chat.rest() for chat in chats] == [[]] * 4
    behind_tls.stop()
