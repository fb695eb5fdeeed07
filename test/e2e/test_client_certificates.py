"""Client certificates: those that listeners ask for, and the one that backends see."""

import json
import ssl
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness.authority import Authority, Issued
from harness.certificates import TlsClient, certificate, gateway_of, https_listener, secret
from harness.client import ask
from harness.manifests import (
    backend,
    backend_ref,
    backend_tls_policy,
    config_map,
    documents,
    grant,
    mirror_filter,
    route,
    trust_bundle,
    trust_bundle_ref,
)
from harness.net import free_port, free_ports
from harness.tls_backend import AskingBackend
from harness.waiting import until

HOST = "a.example.com"
OTHER = "b.example.com"
CERTIFICATE_REQUEST = 13  # of the messages of a handshake
TLS12 = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2)
TLS13 = (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_3)
BOTH = pytest.mark.parametrize("versions", [TLS12, TLS13], ids=["tls12", "tls13"])


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("other"), "other")


@pytest.fixture(scope="module")
def client(authority):
    return authority.issue("client.example.com")


@pytest.fixture(scope="module")
def stranger(other):
    return other.issue("stranger.example.com")


@pytest.fixture
def sluice(make_sluice, backends):
    running = make_sluice()
    running.port = free_port()
    running.write(
        "fixed.yaml",
        documents(
            *(backend(name, number) for name, number in backends.ports.items()),
            secret("cert", certificate(HOST, OTHER)),
        ),
    )
    return running


def validation(*names: str, mode: str = "AllowValidOnly", namespace: str | None = None) -> dict:
    references = [{"group": "", "kind": "ConfigMap", "name": name} for name in names]
    for reference in references if namespace else []:
        reference["namespace"] = namespace
    return {"validation": {"mode": mode, "caCertificateRefs": references}}


def frontend(default: dict, per_port: dict[int, dict] | None = None) -> dict:
    """spec.tls of a Gateway."""
    made: dict = {"default": default}
    if per_port:
        made["perPort"] = [{"port": port, "tls": tls} for port, tls in per_port.items()]
    return {"frontend": made}


def to(name: str, gateway: str = "web", section: str | None = None) -> str:
    made = json.loads(route(f"to-{name}", [{"backendRefs": [backend_ref(name)]}], gateway=gateway))
    if section:
        made["spec"]["parentRefs"][0]["sectionName"] = section
    return json.dumps(made)


def serve(sluice, *listeners: dict, tls: dict, name: str = "web", file: str = "web.yaml") -> None:
    sluice.write(file, gateway_of(*listeners, name=name, tls=tls))


def context_of(issued: Issued | None = None, versions: tuple = ()) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if issued:
        context.load_cert_chain(issued.certificate, issued.key)
    if versions:
        context.minimum_version, context.maximum_version = versions
    return context


def answer(
    port: int, context: ssl.SSLContext, host: str = HOST, session: ssl.SSLSession | None = None
) -> str:
    """The word of the backend, a status, or "refused": then there was no answer of HTTP.

    In a thread of its own: what OpenSSL 3.5 remembers of a connection that was reset would be
    told by the next read of another one in the same thread.
    """
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(_answer, port, context, host, session).result()


def _answer(port: int, context: ssl.SSLContext, host: str, session: ssl.SSLSession | None) -> str:
    try:
        with TlsClient(port, host, context=context, session=session) as connection:
            connection.socket.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            head = connection.socket.recv(12)
            if not head:
                return "refused"
            status = head.decode().split()[1]
            while b"\r\n\r\n" not in head:
                head += connection.socket.recv(4096)
            body = head.split(b"\r\n\r\n", 1)[1] or connection.socket.recv(4096)
            return body.decode().split(" ", 1)[0].strip() if status == "200" else status
    except (ssl.SSLError, ConnectionError):
        return "refused"


def conditions(sluice, listener: str | None = None, name: str = "web") -> dict:
    status = sluice.get("gateway", name)["status"]
    found = status["conditions"]
    if listener:
        found = next(one for one in status["listeners"] if one["name"] == listener)["conditions"]
    return {one["type"]: (one["status"], one["reason"]) for one in found}


@BOTH
def test_only_clients_with_a_certificate_of_the_authority_are_served(
    sluice, authority, client, stranger, versions
):
    sluice.write("ca.yaml", documents(config_map("ca", authority.pem), to("blue")))
    serve(sluice, https_listener("s", sluice.port, "cert"), tls=frontend(validation("ca")))
    sluice.start()
    assert answer(sluice.port, context_of(client, versions)) == "blue"
    assert answer(sluice.port, context_of(stranger, versions)) == "refused"
    assert answer(sluice.port, context_of(None, versions)) == "refused"
    assert answer(sluice.port, context_of(client, versions)) == "blue"
    # Anybody can be refused, so that it is no news to the operator.
    assert "[crit]" not in sluice.nginx_log()
    log = next(sluice.state.rglob("*access*.log")).read_text()
    assert [line for line in log.splitlines() if " 200 " not in line] == []


def test_clients_of_http_2_are_validated_too(sluice, authority, client, stranger):
    sluice.write("ca.yaml", documents(config_map("ca", authority.pem), to("blue")))
    serve(sluice, https_listener("s", sluice.port, "cert"), tls=frontend(validation("ca")))
    sluice.start()

    def ask_h2(*more: str) -> str:
        command = ["curl", "-sk", "--http2", "--resolve", f"{HOST}:{sluice.port}:127.0.0.1", *more]
        command += ["-w", " %{http_version}", f"https://{HOST}:{sluice.port}/"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
        return "refused" if done.returncode else done.stdout

    def shown(issued: Issued) -> list[str]:
        return ["--cert", str(issued.certificate), "--key", str(issued.key)]

    served = ask_h2(*shown(client))
    assert served.startswith("blue") and served.endswith(" 2")
    assert ask_h2(*shown(stranger)) == "refused"
    assert ask_h2() == "refused"


@BOTH
@pytest.mark.parametrize("mode", ["AllowValidOnly", "AllowInsecureFallback"])
def test_clients_are_asked_for_their_certificate(sluice, authority, client, versions, mode):
    sluice.write("ca.yaml", documents(config_map("ca", authority.pem), to("blue")))
    serve(
        sluice, https_listener("s", sluice.port, "cert"), tls=frontend(validation("ca", mode=mode))
    )
    sluice.start()
    context = context_of(client, versions)
    messages = []
    context._msg_callback = lambda *arguments: messages.append(int(arguments[4]))
    assert answer(sluice.port, context) == "blue"
    assert CERTIFICATE_REQUEST in messages


@BOTH
def test_the_insecure_fallback_serves_everybody(sluice, authority, client, stranger, versions):
    sluice.write("ca.yaml", documents(config_map("ca", authority.pem), to("blue")))
    listener = https_listener("s", sluice.port, "cert")
    serve(sluice, listener, tls=frontend(validation("ca", mode="AllowInsecureFallback")))
    sluice.start()
    for issued in (client, stranger, None):
        assert answer(sluice.port, context_of(issued, versions)) == "blue"
    sluice.wait("Gateway/default/web")
    assert conditions(sluice)["InsecureFrontendValidationMode"] == ("True", "ConfigurationChanged")
    serve(sluice, listener, tls=frontend(validation("ca")))
    sluice.wait("Gateway/default/web")
    assert "InsecureFrontendValidationMode" not in conditions(sluice)
    assert answer(sluice.port, context_of(stranger, versions)) == "refused"


@BOTH
def test_the_insecure_fallback_takes_a_signature_that_is_wrong(sluice, tmp_path, versions):
    # nginx logged "[alert] ignoring stale global SSL error" for every such client.
    places = [tmp_path / "trusted", tmp_path / "namesake"]
    for place in places:
        place.mkdir()
    trusted, namesake = (Authority(place, key="rsa") for place in places)
    forged = namesake.issue("client.example.com", key="rsa", tells_signer=False)
    sluice.write("ca.yaml", documents(config_map("ca", trusted.pem), to("blue")))
    listener = https_listener("s", sluice.port, "cert")
    serve(sluice, listener, tls=frontend(validation("ca", mode="AllowInsecureFallback")))
    sluice.start()
    assert answer(sluice.port, context_of(forged, versions)) == "blue"


def test_a_port_has_authorities_of_its_own_and_its_listeners_share_them(
    sluice, authority, other, client, stranger
):
    own, none = free_ports(2)
    sluice.write(
        "ca.yaml",
        documents(config_map("ca", authority.pem), config_map("other", other.pem), to("blue")),
    )
    serve(
        sluice,
        https_listener("a", sluice.port, "cert", hostname=HOST),
        https_listener("b", sluice.port, "cert", hostname=OTHER),
        https_listener("own", own, "cert"),
        https_listener("none", none, "cert"),
        tls=frontend(validation("ca"), {own: validation("other"), none: {}}),
    )
    sluice.start()
    for host in (HOST, OTHER):
        assert answer(sluice.port, context_of(client), host) == "blue"
        assert answer(sluice.port, context_of(stranger), host) == "refused"
    assert answer(own, context_of(client)) == "refused"
    assert answer(own, context_of(stranger)) == "blue"
    assert answer(none, context_of()) == "blue"


def test_clients_of_any_of_several_authorities_are_served(
    sluice, authority, other, client, stranger, tmp_path
):
    sluice.write(
        "ca.yaml",
        documents(
            config_map("ca", authority.pem, "vault"),
            config_map("other", other.pem, "vault"),
            to("blue"),
        ),
    )
    serve(
        sluice,
        https_listener("s", sluice.port, "cert"),
        tls=frontend(validation("ca", "other", namespace="vault")),
    )
    sluice.start()
    assert answer(sluice.port, context_of(client)) == "refused"
    assert conditions(sluice, "s")["ResolvedRefs"] == ("False", "RefNotPermitted")
    assert conditions(sluice, "s")["Accepted"] == ("False", "NoValidCACertificate")
    sluice.write("grant.yaml", grant("default", "vault", "Gateway", "ConfigMap"))
    sluice.wait("Gateway/default/web")
    assert answer(sluice.port, context_of(client)) == "blue"
    assert answer(sluice.port, context_of(stranger)) == "blue"
    assert answer(sluice.port, context_of(Authority(tmp_path).issue("x.test"))) == "refused"


@pytest.mark.parametrize("source", [config_map, trust_bundle])
def test_an_authority_that_changes_counts_from_the_next_handshake_on(
    sluice, authority, other, client, stranger, source
):
    wanted = validation("ca")
    if source is trust_bundle:
        wanted["validation"]["caCertificateRefs"] = [trust_bundle_ref("ca")]
    sluice.write("ca.yaml", source("ca", authority.pem))
    sluice.write("to.yaml", to("blue"))
    serve(sluice, https_listener("s", sluice.port, "cert"), tls=frontend(wanted))
    sluice.start()
    workers = sluice.worker_pids()
    with TlsClient(sluice.port, HOST, context=context_of(client)) as kept:
        assert kept.word(HOST) == "blue"
        for _ in range(2):
            sluice.write("ca.yaml", source("ca", other.pem))
            sluice.wait()
            assert answer(sluice.port, context_of(client)) == "refused"
            assert answer(sluice.port, context_of(stranger)) == "blue"
            sluice.write("ca.yaml", source("ca", authority.pem))
            sluice.wait()
            assert answer(sluice.port, context_of(client)) == "blue"
            assert answer(sluice.port, context_of(stranger)) == "refused"
        assert kept.word(HOST) == "blue"
    assert sluice.worker_pids() == workers


@BOTH
def test_a_broken_authority_hurts_its_own_listeners_only(sluice, authority, client, versions):
    plain, own = free_ports(2)
    sluice.write("ca.yaml", documents(config_map("ca", authority.pem), to("blue")))
    serve(
        sluice,
        {"name": "plain", "protocol": "HTTP", "port": plain},
        https_listener("s", sluice.port, "cert"),
        https_listener("own", own, "cert"),
        tls=frontend(validation("missing"), {own: validation("ca"), plain: validation("missing")}),
    )
    sluice.start()
    assert ask(plain).word == "blue"
    assert answer(own, context_of(client, versions)) == "blue"
    assert answer(sluice.port, context_of(client, versions)) == "refused"
    broken = conditions(sluice, "s")
    assert broken["ResolvedRefs"] == ("False", "InvalidCACertificateRef")
    assert broken["Accepted"] == ("False", "NoValidCACertificate")
    assert broken["Programmed"] == ("False", "Invalid")
    for name in ("plain", "own"):
        assert {conditions(sluice, name)[kind][0] for kind in ("Accepted", "Programmed")} == {
            "True"
        }
    sluice.write("missing.yaml", config_map("missing", authority.pem))
    until(lambda: conditions(sluice, "s")["Programmed"][0] == "True", "the mended listener")
    assert answer(sluice.port, context_of(client, versions)) == "blue"
    assert answer(sluice.port, context_of(None, versions)) == "refused"


# -- sessions: a resumed handshake shows no certificate --


def session_of(port: int, context: ssl.SSLContext, host: str = HOST) -> ssl.SSLSession:
    with TlsClient(port, host, context=context) as connection:
        assert connection.word(host) == "blue"  # tickets of TLS 1.3 come after the handshake
        return connection.socket.session


def resumes(port: int, context: ssl.SSLContext, session: ssl.SSLSession) -> bool:
    for _ in range(4):
        with TlsClient(port, HOST, context=context, session=session) as connection:
            assert connection.word(HOST) == "blue"
            if connection.socket.session_reused:
                return True
    return False


@BOTH
def test_a_validated_client_resumes_its_session(sluice, authority, client, versions):
    sluice.write("ca.yaml", documents(config_map("ca", authority.pem), to("blue")))
    serve(sluice, https_listener("s", sluice.port, "cert"), tls=frontend(validation("ca")))
    sluice.start()
    context = context_of(client, versions)
    assert resumes(sluice.port, context, session_of(sluice.port, context))


@BOTH
@pytest.mark.parametrize("before", ["nothing", "fallback", "other authority", "other listener"])
def test_a_session_never_carries_a_client_past_validation(
    sluice, authority, other, stranger, versions, before
):
    elsewhere = free_port()
    strict = validation("ca")
    first = {
        "nothing": {},
        "fallback": validation("ca", mode="AllowInsecureFallback"),
        "other authority": validation("other"),
        "other listener": strict,
    }[before]
    listeners = [
        https_listener("s", sluice.port, "cert"),
        https_listener("elsewhere", elsewhere, "cert"),
    ]
    sluice.write(
        "ca.yaml",
        documents(config_map("ca", authority.pem), config_map("other", other.pem), to("blue")),
    )
    serve(sluice, *listeners, tls=frontend(first, {elsewhere: {}}))
    sluice.start()
    context = context_of(stranger, versions)
    lenient = elsewhere if before == "other listener" else sluice.port
    session = session_of(lenient, context)
    assert resumes(lenient, context, session)
    serve(sluice, *listeners, tls=frontend(strict, {elsewhere: {}}))
    sluice.wait("Gateway/default/web")
    for _ in range(6):  # by every worker
        assert answer(sluice.port, context, session=session) == "refused"


def test_a_connection_without_validation_does_not_lead_to_a_listener_with_it(
    sluice, authority, client
):
    # Two Gateways share the socket; only one of them validates.
    sluice.write("ca.yaml", documents(config_map("ca", authority.pem), to("blue", "strict")))
    sluice.write("open.yaml", to("green", "open"))
    serve(
        sluice,
        https_listener("s", sluice.port, "cert", hostname=HOST),
        tls=frontend(validation("ca")),
        name="strict",
        file="strict-gateway.yaml",
    )
    serve(
        sluice,
        https_listener("s", sluice.port, "cert", hostname="*.example.com"),
        tls={},
        name="open",
        file="open-gateway.yaml",
    )
    sluice.start()
    with TlsClient(sluice.port, OTHER) as connection:
        assert connection.word(OTHER) == "green"
        assert connection.word(HOST) == "421"
    assert answer(sluice.port, context_of()) == "refused"
    assert answer(sluice.port, context_of(client)) == "blue"


def test_a_listen_of_nginx_conf_must_verify_where_the_gateway_does(
    operator_nginx, backends, authority, client
):
    strict, lax = free_ports(2)
    own = certificate(HOST)
    (operator_nginx.dir / "own.pem").write_text(own.pem + own.key)
    operator_nginx.write(
        "web.yaml",
        documents(
            config_map("ca", authority.pem),
            secret("cert", own),
            backend("blue", backends.ports["blue"]),
            to("blue"),
            gateway_of(
                https_listener("strict", strict, "cert"),
                https_listener("lax", lax, "cert"),
                tls=frontend(validation("ca"), {lax: {}}),
            ),
        ),
    )
    server = f"""ssl_certificate {operator_nginx.dir}/own.pem;
        ssl_certificate_key {operator_nginx.dir}/own.pem;
        ssl_verify_client optional; ssl_client_certificate {authority.certificate};
        location / {{ sluice_pass; }}"""
    settings = "".join(f"server {{ listen 127.0.0.1:{p} ssl; {server} }}" for p in (strict, lax))
    operator_nginx.start(settings)
    assert answer(strict, context_of(client)) == "blue"
    assert answer(strict, context_of()) == "421"
    assert answer(lax, context_of()) == "blue"


# -- what backends see --


def shows(name: str, namespace: str | None = None) -> dict:
    """spec.tls of a Gateway."""
    reference = {"name": name}
    if namespace:
        reference["namespace"] = namespace
    return {"backend": {"clientCertificateRef": reference}}


def http_listener(port: int) -> dict:
    return {"name": "http", "protocol": "HTTP", "port": port}


@pytest.fixture
def make_asking(authority, keep):
    def make(demands: bool = True) -> AskingBackend:
        issued = authority.issue(HOST)
        return keep(AskingBackend(issued.certificate, issued.key, authority.certificate, demands))

    return make


@pytest.fixture
def behind(make_sluice, authority):
    """One worker, so that two Gateways have the same pool of connections."""

    def start(asking: AskingBackend, *texts: str):
        running = make_sluice(workers=1)
        running.write(
            "backend.yaml",
            documents(
                backend("secured", asking.port),
                backend_tls_policy("secured", HOST, "ca"),
                config_map("ca", authority.pem),
                *texts,
            ),
        )
        return running

    return start


def test_a_backend_sees_the_certificate_of_the_gateway(behind, make_asking, client):
    asking = make_asking()
    sluice = behind(asking, secret("mine", client.pair), to("secured"))
    port, https = free_ports(2)
    sluice.write("cert.yaml", secret("cert", certificate(HOST)))
    serve(sluice, http_listener(port), https_listener("s", https, "cert"), tls=shows("mine"))
    sluice.start()
    assert ask(port).text == "client.example.com"
    with TlsClient(https, HOST) as connection:
        assert connection.ask(HOST) == (200, "client.example.com")
    assert asking.handshakes[0].server_name == HOST
    assert len(asking.handshakes) == 1  # both listeners are the same Gateway's
    assert conditions(sluice)["ResolvedRefs"] == ("True", "ResolvedRefs")


@pytest.mark.parametrize("kept", [True, False], ids=["connections", "sessions"])
def test_what_was_opened_for_one_gateway_never_serves_another(behind, make_asking, authority, kept):
    asking = make_asking(demands=False)
    if not kept:
        asking.fields = [("Connection", "close")]
    names = ["first", "second", "nobody"]
    ports = dict(zip(names, free_ports(3), strict=True))
    sluice = behind(
        asking,
        *(secret(name, authority.issue(f"{name}.test").pair) for name in names[:2]),
        *(
            route(f"of-{name}", [{"backendRefs": [backend_ref("secured")]}], gateway=name)
            for name in names
        ),
    )
    for name, port in ports.items():
        tls = {} if name == "nobody" else shows(name)
        serve(sluice, http_listener(port), tls=tls, name=name, file=f"{name}.yaml")
    sluice.start()
    expected = {"first": "first.test", "second": "second.test", "nobody": "nobody"}
    for name in names * 8:
        assert ask(ports[name]).text == expected[name], name
    if kept:
        assert len(asking.handshakes) == 3
    else:
        assert any(handshake.resumed for handshake in asking.handshakes)


def test_a_rotated_client_certificate_is_shown_at_once(behind, make_asking, authority):
    asking = make_asking()
    sluice = behind(asking, to("secured"))
    port = free_port()
    serve(sluice, http_listener(port), tls=shows("mine"))
    sluice.write("mine.yaml", secret("mine", authority.issue("old.test").pair))
    sluice.start()
    workers = sluice.worker_pids()
    assert [ask(port).text for _ in range(3)] == ["old.test"] * 3
    sluice.write("mine.yaml", secret("mine", authority.issue("new.test").pair))
    sluice.wait()
    assert [ask(port).text for _ in range(3)] == ["new.test"] * 3
    assert sluice.worker_pids() == workers


@pytest.mark.log("SSL_do_handshake|certificate required|handshake failure")
def test_a_gateway_without_a_usable_certificate_shows_none(behind, make_asking, client):
    asking = make_asking()
    sluice = behind(asking, to("secured"))
    port = free_port()
    serve(sluice, http_listener(port), tls=shows("mine", "vault"))
    sluice.start()
    assert ask(port).status == 502
    assert conditions(sluice)["ResolvedRefs"] == ("False", "RefNotPermitted")
    assert conditions(sluice)["Accepted"] == ("True", "Accepted")
    sluice.write("grant.yaml", grant("default", "vault", "Gateway", "Secret"))
    reference = ("False", "InvalidClientCertificateRef")
    until(lambda: conditions(sluice)["ResolvedRefs"] == reference, "the missing Secret")
    assert ask(port).status == 502
    sluice.write("mine.yaml", secret("mine", client.pair, "vault"))
    sluice.wait("Gateway/default/web")
    assert conditions(sluice)["ResolvedRefs"] == ("True", "ResolvedRefs")
    assert ask(port).text == "client.example.com"


def test_a_mirror_sees_the_certificate_of_the_gateway_too(behind, make_asking, backends, client):
    asking = make_asking()
    copied = json.loads(route("r", [{"backendRefs": [backend_ref("blue")]}]))
    copied["spec"]["rules"][0]["filters"] = [mirror_filter("secured")]
    sluice = behind(
        asking,
        secret("mine", client.pair),
        backend("blue", backends.ports["blue"]),
        json.dumps(copied),
    )
    port = free_port()
    serve(sluice, http_listener(port), tls=shows("mine"))
    sluice.start()
    assert ask(port).word == "blue"
    asking.wait_for(1)
    (handshake,) = asking.handshakes
    assert handshake.client_certificate["subjectAltName"] == (("DNS", "client.example.com"),)
