"""BackendTLSPolicy: how connections to backends are secured, and when they are refused."""

import json

import pytest
from harness.authority import Authority
from harness.client import ask
from harness.manifests import (
    backend,
    backend_ref,
    config_map,
    documents,
    gateway,
    route,
    trust_bundle,
    trust_bundle_ref,
)
from harness.net import free_port
from harness.raw_backend import RawBackend
from harness.tls_backend import TlsBackend
from harness.waiting import until

HOST = "a.example.com"
URI = "spiffe://a.example.com/app"


def policy(
    name: str = "secure", target: str = "secured", hostname: str = HOST, ca: str = "ca", **more
) -> str:
    validation: dict = {"hostname": hostname, **more}
    if ca:
        reference = {"group": "", "kind": "ConfigMap", "name": ca}
        validation["caCertificateRefs"] = [reference]
    targets = [{"group": "sluice.dev", "kind": "Backend", "name": target}]
    return json.dumps(
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "BackendTLSPolicy",
            "metadata": {"name": name},
            "spec": {"targetRefs": targets, "validation": validation},
        }
    )


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def secured(authority, keep):
    issued = authority.issue(HOST, "b.example.com", URI)
    return keep(TlsBackend(issued.certificate, issued.key, name="secured"))


@pytest.fixture
def sluice(make_sluice):
    return make_sluice()


@pytest.fixture
def serve(sluice, authority, secured):
    """Starts Sluice with a policy for the backend; answers the port of its listener."""

    def start(*documents_of_policy: str) -> int:
        port = free_port()
        sluice.write(
            "routes.yaml",
            documents(
                gateway(port),
                backend("secured", secured.port),
                route("to-secured", [{"backendRefs": [backend_ref("secured")]}]),
            ),
        )
        texts = documents_of_policy or (policy(),)
        sluice.write("policy.yaml", documents(config_map("ca", authority.pem), *texts))
        sluice.start()
        return port

    return start


def condition(sluice, kind: str) -> tuple[str, str]:
    shown = json.loads(sluice.ctl("get", "backendtlspolicies", "-o", "json").stdout)
    ancestors = shown["items"][0].get("status", {}).get("ancestors", [])
    found = [item for item in ancestors[0]["conditions"] if item["type"] == kind]
    return found[0]["status"], found[0]["reason"]


def test_a_backend_is_reached_by_its_policy(serve, sluice, secured):
    port = serve()
    assert ask(port).text == "secured"
    assert secured.handshakes[0].server_name == HOST
    assert secured.handshakes[0].version == "TLSv1.3"
    assert condition(sluice, "Accepted") == ("True", "Accepted")
    assert condition(sluice, "ResolvedRefs") == ("True", "ResolvedRefs")


def test_connections_are_kept_for_the_next_request(serve, sluice, secured):
    port = serve()
    assert [ask(port).status for _ in range(30)] == [200] * 30
    assert len(secured.handshakes) <= len(sluice.worker_pids())


def test_sessions_are_resumed_when_connections_are_not_kept(serve, sluice, secured):
    secured.fields = [("Connection", "close")]
    port = serve()
    assert [ask(port).status for _ in range(30)] == [200] * 30
    assert any(handshake.resumed for handshake in secured.handshakes)


@pytest.mark.log("SSL_do_handshake")
@pytest.mark.parametrize(
    "broken",
    [
        policy(hostname="wrong.example.com"),
        policy(subjectAltNames=[{"type": "Hostname", "hostname": "c.example.com"}]),
        policy(subjectAltNames=[{"type": "URI", "uri": "spiffe://a.example.com/other"}]),
    ],
    ids=["hostname", "dns name", "uri"],
)
def test_a_backend_that_is_not_who_it_should_be_gets_nothing(serve, secured, broken):
    port = serve(broken)
    answer = ask(port)
    assert answer.status == 502
    assert secured.requests == []
    until(lambda: secured.refused, "the end of the handshake")


@pytest.mark.log("SSL_do_handshake")
def test_a_backend_of_another_authority_gets_nothing(serve, sluice, secured, tmp_path):
    port = serve()
    assert ask(port).status == 200
    other = Authority(tmp_path, "other")
    sluice.write("policy.yaml", documents(config_map("ca", other.pem), policy()))
    sluice.wait()
    count = len(secured.requests)
    assert [ask(port).status for _ in range(5)] == [502] * 5
    assert len(secured.requests) == count


@pytest.mark.parametrize(
    "names",
    [
        [{"type": "Hostname", "hostname": "b.example.com"}],
        [{"type": "URI", "uri": URI}],
        [{"type": "URI", "uri": "spiffe://x/y"}, {"type": "Hostname", "hostname": "b.example.com"}],
    ],
    ids=["dns name", "uri", "either"],
)
def test_any_of_the_alternative_names_is_enough(serve, secured, names):
    # The hostname then authenticates nobody: it is the server name alone.
    port = serve(policy(hostname="sni.example.com", subjectAltNames=names))
    assert ask(port).status == 200
    assert secured.handshakes[0].server_name == "sni.example.com"


@pytest.mark.log("SSL_do_handshake")
def test_the_machines_own_authorities_do_not_know_a_private_one(serve, secured):
    port = serve(policy(ca="", wellKnownCACertificates="System"))
    assert ask(port).status == 502
    assert secured.requests == []


def test_a_policy_without_certificates_stops_requests_and_says_why(serve, sluice, secured):
    port = serve(policy(ca="missing"))
    assert ask(port).status == 500
    assert secured.connections == 0
    assert condition(sluice, "Accepted") == ("False", "NoValidCACertificate")
    assert condition(sluice, "ResolvedRefs") == ("False", "InvalidCACertificateRef")


def test_a_config_map_that_changes_is_followed(serve, sluice, secured, authority):
    port = serve()
    assert ask(port).status == 200
    for pem in ("", "Hello world\n"):
        sluice.write("policy.yaml", documents(config_map("ca", pem), policy()))
        sluice.wait()
        assert ask(port).status == 500
        assert condition(sluice, "Accepted") == ("False", "NoValidCACertificate")
    sluice.write("policy.yaml", documents(config_map("ca", authority.pem), policy()))
    sluice.wait()
    assert ask(port).status == 200


def test_a_bundle_of_the_cluster_is_trusted_and_followed(serve, sluice, secured, authority):
    policy_of_bundle = policy(ca="", caCertificateRefs=[trust_bundle_ref("backends")])
    port = serve(policy_of_bundle)
    workers = sluice.worker_pids()

    def hold(*bundle: str) -> int:
        sluice.write("policy.yaml", documents(*bundle, policy_of_bundle))
        sluice.wait()
        return ask(port).status

    assert ask(port).status == 500
    assert condition(sluice, "ResolvedRefs") == ("False", "InvalidCACertificateRef")
    for pem in ("", "Hello world\n"):
        assert hold(trust_bundle("backends", authority.pem)) == 200
        assert condition(sluice, "Accepted") == ("True", "Accepted")
        assert condition(sluice, "ResolvedRefs") == ("True", "ResolvedRefs")
        assert hold(trust_bundle("backends", pem)) == 500
        assert condition(sluice, "Accepted") == ("False", "NoValidCACertificate")
        assert condition(sluice, "ResolvedRefs") == ("False", "InvalidCACertificateRef")
    assert hold(trust_bundle("backends", authority.pem)) == 200
    count = len(secured.requests)
    assert hold() == 500
    assert len(secured.requests) == count
    assert hold(trust_bundle("backends", authority.pem)) == 200
    assert sluice.worker_pids() == workers


@pytest.mark.log("SSL_do_handshake")
def test_a_bundle_rotates_to_another_authority_and_back(serve, sluice, authority, tmp_path):
    other = Authority(tmp_path, "other")
    policy_of_bundle = policy(ca="", caCertificateRefs=[trust_bundle_ref("backends")])
    port = serve(policy_of_bundle)
    steps = ((authority.pem, 200), (other.pem, 502), (other.pem + authority.pem, 200))
    for pem, status in steps:
        sluice.write("policy.yaml", documents(trust_bundle("backends", pem), policy_of_bundle))
        sluice.wait()
        assert [ask(port).status for _ in range(5)] == [status] * 5


def test_a_policy_comes_and_goes_with_its_connections(serve, sluice, secured):
    plain = RawBackend("plain")
    try:
        port = serve()
        assert ask(port).text == "secured"
        routes = (sluice.manifests / "routes.yaml").read_text()
        sluice.write("routes.yaml", routes.replace(str(secured.port), str(plain.port)))
        sluice.remove("policy.yaml")
        until(lambda: ask(port).text == "plain", "the plain backend")
    finally:
        plain.stop()


def test_of_two_policies_the_older_one_counts(serve, sluice, secured):
    first = json.loads(policy("z-first"))
    first["metadata"]["creationTimestamp"] = "2026-01-01T00:00:00Z"
    second = json.loads(policy("a-second", hostname="wrong.example.com"))
    second["metadata"]["creationTimestamp"] = "2026-01-02T00:00:00Z"
    port = serve(json.dumps(first), json.dumps(second))
    assert ask(port).status == 200
    assert condition(sluice, "Accepted") == ("False", "Conflicted")
