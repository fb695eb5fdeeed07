"""BackendTLSPolicy for Services and their ports: HTTP and HTTPS listeners, conflicts, changes."""

import contextlib
import json

import grpc
import pytest
from harness.authority import Authority
from harness.certificates import TlsClient, certificate, gateway_of, https_listener, secret
from harness.client import ask
from harness.grpc_server import GrpcServer
from harness.manifests import config_map, documents, route, rule
from harness.net import free_ports
from harness.policies import service_tls_policy
from harness.raw_backend import RawBackend
from harness.tls_backend import TlsBackend

HOST = "abc.example.com"
OTHER = "other.example.com"
URI = "spiffe://abc.example.com/test-identity"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def running(authority):
    """What listens behind the two ports of the Service, and one without TLS."""
    issued = authority.issue(HOST, OTHER, URI)
    found = {
        "first": TlsBackend(issued.certificate, issued.key, name="first"),
        "second": TlsBackend(issued.certificate, issued.key, name="second"),
        "plain": RawBackend("plain"),
    }
    yield found
    for one in found.values():
        one.stop()


def shop(name: str, ports: dict[str, int], **more: str) -> str:
    """A Service whose ports 443, 444, ... lead to `ports` by name; `more` are fields of each."""
    numbers = {one: 443 + index for index, one in enumerate(ports)}
    return documents(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": name},
                "spec": {"ports": [{"name": n, "port": p, **more} for n, p in numbers.items()]},
            }
        ),
        json.dumps(
            {
                "apiVersion": "discovery.k8s.io/v1",
                "kind": "EndpointSlice",
                "metadata": {
                    "name": f"{name}-1",
                    "labels": {"kubernetes.io/service-name": name},
                },
                "addressType": "IPv4",
                "ports": [{"name": n, "port": p} for n, p in ports.items()],
                "endpoints": [{"addresses": ["127.0.0.1"]}],
            }
        ),
    )


def to(name: str, port: int = 443) -> dict:
    return {"name": name, "port": port}


@pytest.fixture
def sluice(make_sluice, authority):
    """Listens with and without TLS; knows the authority as "ca"."""
    sluice = make_sluice(workers=1)
    sluice.port, sluice.tls_port = free_ports(2)
    sluice.write(
        "fixed.yaml",
        documents(
            secret("cert", certificate("example.com")),
            gateway_of(
                {"name": "http", "protocol": "HTTP", "port": sluice.port},
                https_listener("https", sluice.tls_port, "cert"),
            ),
            config_map("ca", authority.pem),
        ),
    )
    return sluice


def word(sluice, host: str) -> str:
    """The backend that answered or the status, which both listeners must agree on."""
    answer = ask(sluice.port, host)
    plain = answer.word if answer.status == 200 else str(answer.status)
    with TlsClient(sluice.tls_port, host) as client:
        assert client.word(host) == plain
    return plain


def conditions(sluice, policy: str) -> dict[str, tuple[str, str]]:
    """Of the one Gateway that the policy is used by."""
    shown = json.loads(sluice.ctl("get", "backendtlspolicies", "-o", "json").stdout)
    (found,) = [one for one in shown["items"] if one["metadata"]["name"] == policy]
    (ancestor,) = found["status"]["ancestors"]
    assert ancestor["ancestorRef"]["name"] == "web"
    return {c["type"]: (c["status"], c["reason"]) for c in ancestor["conditions"]}


GOOD = {"Accepted": ("True", "Accepted"), "ResolvedRefs": ("True", "ResolvedRefs")}
NO_CERTIFICATE = ("False", "NoValidCACertificate")
NAMED = {
    "dns": [{"type": "Hostname", "hostname": HOST}],
    "uri": [{"type": "URI", "uri": URI}],
    "any": [{"type": "Hostname", "hostname": "no.test"}, {"type": "URI", "uri": URI}],
    "no-dns": [{"type": "Hostname", "hostname": "no.test"}],
    "no-uri": [{"type": "URI", "uri": "spiffe://abc.example.com/another"}],
}


@pytest.mark.log("SSL_do_handshake")
def test_the_port_of_a_policy_is_secured_and_verified(sluice, running, authority, tmp_path):
    first = running["first"]
    policies = {"good": (HOST, "ca", {}), "wrong-name": ("no.test", "ca", {})}
    policies["wrong-ca"] = (HOST, "other-ca", {})
    # With names of its own the policy's hostname authenticates nobody.
    policies |= {name: ("sni.test", "ca", {"subjectAltNames": n}) for name, n in NAMED.items()}
    objects = [config_map("other-ca", Authority(tmp_path, "other").pem)]
    for name, (hostname, ca, more) in policies.items():
        ports = {"https": first.port, "http": running["plain"].port}
        objects += [
            shop(name, ports),
            service_tls_policy(name, hostname, ca, section="https", **more),
            route(name, [rule(to(name)), rule(to(name, 444), path="/plain")], [name]),
        ]
    sluice.write("all.yaml", documents(*objects))
    sluice.start()
    expected = {"good": HOST, "dns": "sni.test", "uri": "sni.test", "any": "sni.test"}
    for name in policies:
        first.handshakes.clear()
        asked = len(first.requests)
        for _ in range(3):
            assert word(sluice, name) == ("first" if name in expected else "502"), name
        seen = {one.server_name for one in first.handshakes}
        if name in expected:
            assert seen == {expected[name]}, name
        else:
            assert len(first.requests) == asked, name
        assert ask(sluice.port, name, "/plain").text == "plain"
        assert conditions(sluice, f"secure-{name}") == GOOD, name


def dated(text: str, day: int) -> str:
    made = json.loads(text)
    made["metadata"]["creationTimestamp"] = f"2026-01-{day:02}T00:00:00Z"
    return json.dumps(made)


def test_of_policies_with_one_target_the_older_one_counts(sluice, running):
    first, second = running["first"], running["second"]
    both = {"one": first.port, "two": second.port}
    objects = []
    # Name of the Service; the section of both policies.
    for name, section in (("whole", None), ("part", "one")):
        objects += [
            shop(name, both),
            dated(service_tls_policy(name, OTHER, "ca", f"z-older-{name}", section), 1),
            dated(service_tls_policy(name, "no.test", "ca", f"a-newer-{name}", section), 2),
            route(name, [rule(to(name))], [name]),
        ]
    # Of the same age: the name decides.
    objects += [
        shop("twins", both),
        service_tls_policy("twins", OTHER, "ca", "a-twin"),
        service_tls_policy("twins", "no.test", "ca", "b-twin"),
        route("twins", [rule(to("twins"))], ["twins"]),
    ]
    # A policy of one port and one of them all do not conflict.
    objects += [
        shop("mixed", both),
        dated(service_tls_policy("mixed", HOST, "ca", "general"), 1),
        dated(service_tls_policy("mixed", OTHER, "ca", "specific", "one"), 2),
        route("mixed", [rule(to("mixed")), rule(to("mixed", 444), path="/two")], ["mixed"]),
    ]
    sluice.write("all.yaml", documents(*objects))
    sluice.start()
    pairs = {"whole": ("z-older-whole", "a-newer-whole"), "part": ("z-older-part", "a-newer-part")}
    pairs["twins"] = ("a-twin", "b-twin")
    for name, (winner, loser) in pairs.items():
        first.handshakes.clear()
        assert word(sluice, name) == "first"
        assert {one.server_name for one in first.handshakes} <= {OTHER}
        assert conditions(sluice, winner) == GOOD
        assert conditions(sluice, loser)["Accepted"] == ("False", "Conflicted")
    first.handshakes.clear()
    assert ask(sluice.port, "mixed").text == "first"
    assert ask(sluice.port, "mixed", "/two").text == "second"
    assert {one.server_name for one in first.handshakes} <= {OTHER}
    assert {one.server_name for one in second.handshakes} == {HOST}
    assert conditions(sluice, "general") == conditions(sluice, "specific") == GOOD


# What is spoken over TLS, by the appProtocol of the port.
SPOKEN = {
    "none": (None, "first"),
    "http": ("http", "first"),
    "https": ("https", "first"),
    "wss": ("kubernetes.io/wss", "first"),
    "h2c": ("kubernetes.io/h2c", "calls"),
    "grpc": ("grpc", "calls"),
}


def test_the_port_says_what_is_spoken_over_tls(sluice, running, authority):
    calls = GrpcServer("calls", authority.issue(HOST).pair)
    ports = {"first": running["first"].port, "calls": calls.port}
    objects = []
    for name, (protocol, server) in SPOKEN.items():
        more = {"appProtocol": protocol} if protocol else {}
        objects += [
            shop(name, {"main": ports[server]}, **more),
            service_tls_policy(name, HOST, "ca"),
            route(name, [rule(to(name))], [f"{name}.test"]),
        ]
    sluice.write("all.yaml", documents(*objects))
    try:
        sluice.start()
        for name, (_, server) in SPOKEN.items():
            if server == "first":
                assert word(sluice, f"{name}.test") == "first", name
                continue
            options = [("grpc.default_authority", f"{name}.test")]
            with grpc.insecure_channel(f"127.0.0.1:{sluice.port}", options) as channel:
                call = channel.unary_unary("/echo.Echo/Unary")
                assert call(b"x", timeout=10) == b"calls:x", name
        assert {one.protocol for one in running["first"].handshakes} <= {None, "http/1.1"}
    finally:
        calls.stop()


def broken_reference(kind: str) -> dict:
    return {"caCertificateRefs": [{"group": "", "kind": kind, "name": "ca"}]}


def test_policies_without_certificates_stop_their_requests(sluice, running):
    more = {
        "missing": ({}, "missing", "InvalidCACertificateRef"),
        "empty": ({}, "empty", "InvalidCACertificateRef"),
        "no-pem": ({}, "no-pem", "InvalidCACertificateRef"),
        "kind": (broken_reference("Secretive"), "ca", "InvalidKind"),
    }
    objects = [config_map("empty", ""), config_map("no-pem", "Hello world\n")]
    for name, (fields, ca, _) in more.items():
        objects += [
            shop(name, {"https": running["first"].port}),
            service_tls_policy(name, HOST, ca, **fields),
            route(name, [rule(to(name))], [name]),
        ]
    sluice.write("all.yaml", documents(*objects))
    sluice.start()
    for name, (_, _, reason) in more.items():
        assert [word(sluice, name) for _ in range(3)] == ["500"] * 3
        wanted = {"Accepted": NO_CERTIFICATE, "ResolvedRefs": ("False", reason)}
        assert conditions(sluice, f"secure-{name}") == wanted
    assert running["first"].connections == 0


def test_a_policy_follows_its_config_map_and_its_own_fields(sluice, running, authority):
    first = running["first"]

    def write(hostname: str = HOST, ca: str = "mine") -> None:
        objects = [service_tls_policy("shop", hostname, ca, section="https")]
        objects += [shop("shop", {"https": first.port}), route("r", [rule(to("shop"))])]
        sluice.write("all.yaml", documents(*objects))

    def give(pem: str | None) -> None:
        if pem is None:
            with contextlib.suppress(FileNotFoundError):
                sluice.remove("mine.yaml")
        else:
            sluice.write("mine.yaml", config_map("mine", pem))

    write()
    sluice.start()
    wanted = {"Accepted": NO_CERTIFICATE, "ResolvedRefs": ("False", "InvalidCACertificateRef")}
    for pem in (authority.pem, "", authority.pem, None, authority.pem):
        give(pem)
        sluice.wait()
        assert word(sluice, "example.com") == ("first" if pem else "500")
        assert conditions(sluice, "secure-shop") == (GOOD if pem else wanted)
    write(ca="missing")
    sluice.wait()
    assert word(sluice, "example.com") == "500"
    first.handshakes.clear()
    write(hostname=OTHER)
    sluice.wait()
    assert word(sluice, "example.com") == "first"
    assert {one.server_name for one in first.handshakes} == {OTHER}
    assert conditions(sluice, "secure-shop") == GOOD
