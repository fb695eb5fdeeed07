"""Which rule answers a call: metadata, hosts, listeners and Gateways; weights; TLS to servers."""

import contextlib
import functools
import math

import grpc
import pytest
from harness import matches
from harness.authority import Authority
from harness.certificates import gateway_of
from harness.client import ask
from harness.grpc_server import GrpcServer
from harness.manifests import (
    backend,
    backend_ref,
    config_map,
    documents,
    grpc_route,
    header_filter,
    route,
    rule,
    service,
)
from harness.matches import fields, http_listener, to
from harness.net import free_port, free_ports
from harness.policies import service_tls_policy

NAMES = ["one", "two", "three"]


@pytest.fixture(scope="module")
def servers():
    running = {name: GrpcServer(name) for name in NAMES}
    yield running
    for one in running.values():
        one.stop()


@pytest.fixture
def sluice(make_sluice, servers):
    running = make_sluice(workers=1)
    running.port = free_port()
    running.write(
        "backends.yaml", documents(*(backend(name, one.port) for name, one in servers.items()))
    )
    return running


attached = functools.partial(matches.attached, make=grpc_route)


def called(
    port: int,
    host: str = "example.com",
    metadata: dict[str, str] | None = None,
    service_name: str = "echo.Echo",
    address: str = "127.0.0.1",
) -> str:
    """The server that answered a call on a connection of its own; the code when none did."""
    options = [("grpc.default_authority", host), ("grpc.use_local_subchannel_pool", 1)]
    with grpc.insecure_channel(f"{address}:{port}", options) as channel:
        call = channel.unary_unary(f"/{service_name}/Unary")
        try:
            sent = list((metadata or {}).items())
            return call(b"", timeout=10, metadata=sent).decode().partition(":")[0]
        except grpc.RpcError as error:
            return error.code().name


def test_metadata_chooses_servers(sluice):
    rules = [
        to("one", fields(version="one")),
        to("two", fields(version="two")),
        to("one", fields(version="two", color="orange")),
        to("one", fields(color="blue"), fields(color="green")),
        to("two", fields(color="red"), fields(color="yellow")),
    ]
    gateway = gateway_of(http_listener("http", sluice.port))
    sluice.write("all.yaml", documents(gateway, grpc_route("r", rules)))
    sluice.start()
    cases = [
        ({"version": "one"}, "one"),
        ({"version": "two"}, "two"),
        ({"version": "two", "color": "orange"}, "one"),
        ({"version": "two", "color": "blue"}, "two"),
        ({"color": "blue"}, "one"),
        ({"color": "green"}, "one"),
        ({"color": "red"}, "two"),
        ({"color": "yellow"}, "two"),
        ({"color": "purple"}, "UNIMPLEMENTED"),
        ({"some-other-header": "one"}, "UNIMPLEMENTED"),
        ({}, "UNIMPLEMENTED"),
    ]
    got = [called(sluice.port, metadata=metadata) for metadata, _ in cases]
    assert got == [wanted for _, wanted in cases]


def test_the_most_specific_listener_takes_the_call(sluice):
    sections = {"one": "bar.com", "two": "foo.bar.com", "three": "*.bar.com", "four": "*.foo.com"}

    def parents(*names: str) -> list[dict]:
        return [{"name": "web", "sectionName": name} for name in names]

    sluice.write(
        "all.yaml",
        documents(
            gateway_of(
                *(http_listener(name, sluice.port, host) for name, host in sections.items())
            ),
            attached("r1", [to("one")], *parents("one")),
            attached("r2", [to("two")], *parents("two")),
            attached("r3", [to("three")], *parents("three", "four")),
        ),
    )
    sluice.start()
    hosts = {
        "bar.com": "one",
        "foo.bar.com": "two",
        "baz.bar.com": "three",
        "boo.bar.com": "three",
        "multiple.prefixes.bar.com": "three",
        "multiple.prefixes.foo.com": "three",
        "foo.com": "UNIMPLEMENTED",
        "no.matching.host": "UNIMPLEMENTED",
    }
    assert {host: called(sluice.port, host) for host in hosts} == hosts


def test_gateways_keep_their_routes_apart(sluice):
    addresses = {"g1": "127.0.0.2", "g2": "127.0.0.3"}
    gateways = [
        gateway_of(
            http_listener("http", sluice.port),
            name=name,
            addresses=[{"type": "IPAddress", "value": value}],
        )
        for name, value in addresses.items()
    ]
    first, second = ({"method": {"service": f"echo.{name}"}} for name in ("Echo", "EchoTwo"))
    sluice.write(
        "all.yaml",
        documents(
            *gateways,
            attached("shared", [to("one", first)], {"name": "g1"}, {"name": "g2"}),
            attached("own1", [to("two", second)], {"name": "g1"}),
            attached("own2", [to("three", second)], {"name": "g2"}),
        ),
    )
    sluice.start()
    for name, own in (("g1", "two"), ("g2", "three")):
        for called_service, wanted in (
            ("echo.Echo", "one"),
            ("echo.EchoTwo", own),
            ("echo.EchoThree", "UNIMPLEMENTED"),
        ):
            got = called(sluice.port, service_name=called_service, address=addresses[name])
            assert got == wanted, (name, called_service)


def test_the_more_specific_hostname_comes_first_whatever_its_age(sluice):
    ports = free_ports(2)
    cases = [
        ("abc.example.com", "*.example.com", "abc.example.com"),
        ("*.example.com", "*.com", "*.example.com"),
    ]
    only_calls = {"kinds": [{"kind": "GRPCRoute"}]}
    objects = []
    for index, (port, (hostname, older, newer)) in enumerate(zip(ports, cases, strict=True)):
        parent = {"name": f"g{index}"}
        objects += [
            gateway_of(
                http_listener("http", port, hostname, allowedRoutes=only_calls), name=f"g{index}"
            ),
            attached(f"older{index}", [to("one")], parent, hostnames=[older], created=1),
            attached(f"newer{index}", [to("two")], parent, hostnames=[newer], created=2),
        ]
    sluice.write("all.yaml", documents(*objects))
    sluice.start()
    assert [called(port, "abc.example.com") for port in ports] == ["two", "two"]


def test_names_of_hosts_may_hold_underscores_and_capitals(sluice):
    gateway = gateway_of(http_listener("http", sluice.port))
    sluice.write("all.yaml", documents(gateway, grpc_route("r", [to("one")])))
    sluice.start()
    for host in ("Some_Odd-Host.Example.COM", "example.com:1234", "x_y"):
        assert called(sluice.port, host) == "one"


def test_answers_of_calls_are_edited(sluice):
    edits = header_filter("response", {"x-set": "s"}, {"x-add": "a"}, ["x-trailer", "server"])
    gateway = gateway_of(http_listener("http", sluice.port))
    sluice.write(
        "all.yaml", documents(gateway, grpc_route("r", [{**to("one"), "filters": [edits]}]))
    )
    sluice.start()
    with grpc.insecure_channel(f"127.0.0.1:{sluice.port}") as channel:
        answer, call = channel.unary_unary("/echo.Echo/Unary").with_call(b"x", timeout=10)
    told = dict(call.initial_metadata())
    assert answer == b"one:x"
    assert (told["x-set"], told["x-add"], told.get("server")) == ("s", "a", None)
    assert dict(call.trailing_metadata())["x-trailer"] == "t", "trailers are the server's own"


def test_calls_and_requests_of_one_host_share_one_order(sluice, backends):
    gateway = gateway_of(http_listener("http", sluice.port))
    sluice.write(
        "all.yaml",
        documents(
            gateway,
            backend("blue", backends.ports["blue"]),
            grpc_route("calls", [to("one", {"method": {"service": "echo.Echo"}})]),
            route("requests", [rule(backend_ref("blue"))]),
        ),
    )
    sluice.start()
    assert called(sluice.port) == "one"
    assert ask(sluice.port, path="/echo.Other/Unary").word == "blue"
    assert ask(sluice.port).word == "blue"


CALLS = 300


def test_each_server_gets_its_share_of_connections(sluice):
    shares = {"one": 0.7, "two": 0.3, "three": 0.0}
    refs = [backend_ref(name, int(share * 100)) for name, share in shares.items()]
    gateway = gateway_of(http_listener("http", sluice.port))
    sluice.write("all.yaml", documents(gateway, grpc_route("r", [{"backendRefs": refs}])))
    sluice.start()
    words = [called(sluice.port) for _ in range(CALLS)]
    assert sum(words.count(name) for name in shares) == CALLS
    for name, share in shares.items():
        sigma = math.sqrt(share * (1 - share) / CALLS)
        # A sound draw misses 4 once in 16,000 runs.
        assert abs(words.count(name) / CALLS - share) <= 4 * sigma, name


INNER = "abc.example.com"


# A GRPCRoute means HTTP/2, whatever the port says and also under TLS.
@pytest.mark.log("SSL_do_handshake")
def test_servers_behind_tls_are_called_as_their_policy_says(sluice, scratch, tmp_path):
    authority, other = Authority(scratch), Authority(tmp_path, "other")
    server = GrpcServer("secured", authority.issue(INNER).pair)
    with contextlib.ExitStack() as stack:
        stack.callback(server.stop)
        names = {"good": (INNER, "ca"), "wrong-name": ("other.test", "ca")}
        names["wrong-ca"] = (INNER, "other-ca")
        routes = [
            attached(name, [rule_of(name)], {"name": "web"}, hostnames=[f"{name}.example.com"])
            for name in names
        ]
        sluice.write(
            "all.yaml",
            documents(
                gateway_of(http_listener("http", sluice.port)),
                config_map("ca", authority.pem),
                config_map("other-ca", other.pem),
                *(service(name, server.port) for name in names),
                *(
                    service_tls_policy(name, hostname, ca, section="main")
                    for name, (hostname, ca) in names.items()
                ),
                *routes,
            ),
        )
        sluice.start()
        assert [called(sluice.port, "good.example.com") for _ in range(3)] == ["secured"] * 3
        count = len(server.echo.asked)
        for name in ("wrong-name", "wrong-ca"):
            got = [called(sluice.port, f"{name}.example.com") for _ in range(3)]
            assert got == ["UNAVAILABLE"] * 3, name
        assert len(server.echo.asked) == count
        for policy in sluice.ctl("get", "backendtlspolicies", "-o", "json").stdout.splitlines():
            assert '"status": "False"' not in policy


def rule_of(name: str) -> dict:
    return {"backendRefs": [{"name": name, "port": 80}]}
