"""HTTPS listeners: certificates, sessions, 421, rotation, and what survives whom."""

import http.client
import json
import ssl

import pytest
from harness.certificates import (
    Certificate,
    TlsClient,
    ask_h2,
    certificate,
    gateway_of,
    https_listener,
    make_certificate,
    secret,
)
from harness.client import ask
from harness.echo_backend import EchoBackend
from harness.manifests import backend, backend_ref, documents, gateway, route
from harness.net import accepts, free_port
from harness.processes import kill
from harness.waiting import until

TLS12 = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2)
TLS13 = (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_3)


@pytest.fixture
def sluice(make_sluice, backends):
    running = make_sluice()
    running.port = free_port()
    running.write(
        "fixed.yaml",
        documents(*(backend(name, number) for name, number in backends.ports.items())),
    )
    return running


def to(name: str, *hostnames: str, gateway_name: str = "web", section: str | None = None) -> str:
    text = route(
        f"to-{name}-{section or 'all'}",
        [{"backendRefs": [backend_ref(name)]}],
        list(hostnames) or None,
        gateway=gateway_name,
    )
    if section is None:
        return text
    made = json.loads(text)
    made["spec"]["parentRefs"][0]["sectionName"] = section
    return json.dumps(made)


def conditions(sluice, listener: str, name: str = "web") -> dict:
    for one in sluice.get("gateway", name)["status"]["listeners"]:
        if one["name"] == listener:
            return {c["type"]: (c["status"], c["reason"]) for c in one["conditions"]}
    return {}


def start_simple(sluice, held: Certificate | None = None, **tls) -> None:
    held = held or certificate("a.example.com")
    sluice.write("cert.yaml", secret("cert", held))
    sluice.write(
        "web.yaml",
        documents(gateway_of(https_listener("s", sluice.port, "cert", **tls)), to("blue")),
    )
    sluice.start()
    sluice.wait("Gateway/default/web")


def test_the_server_name_chooses_listener_and_certificate(sluice):
    names = {"any": "any.test", "exact": "shop.example.com", "wild": "*.example.org"}
    held = {name: certificate(text) for name, text in names.items()}
    sluice.write("certs.yaml", documents(*(secret(n, c) for n, c in held.items())))
    sluice.write(
        "web.yaml",
        documents(
            gateway_of(
                https_listener("any", sluice.port, "any"),
                https_listener("exact", sluice.port, "exact", hostname="shop.example.com"),
                https_listener("wild", sluice.port, "wild", hostname="*.example.org"),
            ),
            to("blue", section="any"),
            to("green", section="exact"),
            to("store", section="wild"),
        ),
    )
    sluice.start()
    sluice.wait("Gateway/default/web")
    expected = [
        ("shop.example.com", "exact", "green"),
        ("SHOP.example.COM", "exact", "green"),
        ("a.b.example.org", "wild", "store"),
        ("example.org", "any", "blue"),
        ("else.test", "any", "blue"),
    ]
    for name, listener, word in expected:
        with TlsClient(sluice.port, name) as client:
            assert client.der == held[listener].der, name
            assert client.word(name) == word
    with TlsClient(sluice.port, None) as client:
        assert client.der == held["any"].der
        assert client.word("nobody.test") == "blue"


def test_an_unknown_server_name_is_refused_in_the_handshake(sluice):
    sluice.write("cert.yaml", secret("cert", certificate("a.example.com")))
    sluice.write(
        "web.yaml",
        documents(
            gateway_of(https_listener("s", sluice.port, "cert", hostname="a.example.com")),
            to("blue"),
        ),
    )
    sluice.start()
    sluice.wait("Gateway/default/web")
    with TlsClient(sluice.port, "a.example.com") as client:
        assert client.word("a.example.com") == "blue"
    for name in ("b.example.com", None):
        with pytest.raises(ssl.SSLError, match="(?i)unrecognized.name"):
            TlsClient(sluice.port, name)


def test_an_rsa_and_an_ecdsa_certificate_serve_their_clients(sluice):
    ec, rsa = certificate("a.example.com"), certificate("a.example.com", rsa=True)
    sluice.write("certs.yaml", documents(secret("ec", ec), secret("rsa", rsa)))
    sluice.write(
        "web.yaml", documents(gateway_of(https_listener("s", sluice.port, "rsa", "ec")), to("blue"))
    )
    sluice.start()
    sluice.wait("Gateway/default/web")
    for ciphers, held in (("ECDHE+ECDSA", ec), ("ECDHE+aRSA", rsa)):
        with TlsClient(sluice.port, "a.example.com", versions=TLS12, ciphers=ciphers) as client:
            assert client.der == held.der
            assert client.word("a.example.com") == "blue"


def test_of_certificates_of_one_kind_the_one_for_the_name_is_served(sluice):
    first, second = certificate("a.example.com"), certificate("b.example.com")
    sluice.write("certs.yaml", documents(secret("first", first), secret("second", second)))
    sluice.write(
        "web.yaml",
        documents(gateway_of(https_listener("s", sluice.port, "first", "second")), to("blue")),
    )
    sluice.start()
    sluice.wait("Gateway/default/web")
    for name, held in (("a.example.com", first), ("b.example.com", second), ("c.test", first)):
        with TlsClient(sluice.port, name) as client:
            assert client.der == held.der, name


def test_a_rotated_certificate_is_served_at_once_and_connections_live_on(sluice):
    old, new = certificate("a.example.com"), make_certificate("a.example.com")
    start_simple(sluice, old)
    workers = sluice.worker_pids()
    with TlsClient(sluice.port, "a.example.com") as before:
        assert before.der == old.der
        for held in (new, old, new):
            sluice.write("cert.yaml", secret("cert", held))
            sluice.wait("Gateway/default/web")
            with TlsClient(sluice.port, "a.example.com") as client:
                assert client.der == held.der
                assert client.word("a.example.com") == "blue"
        assert before.word("a.example.com") == "blue"
    assert sluice.worker_pids() == workers


def resumed(port: int, first: str, second: str, versions: tuple) -> bool:
    """Whether a session of `first` is resumed with `second` by any of a few tries."""
    with TlsClient(port, first, versions=versions) as one:
        one.ask(first)  # TLS 1.3 tickets come after the handshake
        session, context = one.socket.session, one.context
    for _ in range(4):
        with TlsClient(port, second, session=session, context=context) as two:
            assert two.word(second) == "blue"
            if two.socket.session_reused:
                return True
    return False


@pytest.mark.parametrize("versions", [TLS12, TLS13], ids=["tls12", "tls13"])
def test_sessions_are_resumed_with_their_own_listener_only(sluice, versions):
    held = certificate("a.example.com", "b.example.com")
    sluice.write("cert.yaml", secret("cert", held))
    sluice.write(
        "web.yaml",
        documents(
            gateway_of(
                https_listener("a", sluice.port, "cert", hostname="a.example.com"),
                https_listener("b", sluice.port, "cert", hostname="b.example.com"),
            ),
            to("blue"),
        ),
    )
    sluice.start()
    sluice.wait("Gateway/default/web")
    assert resumed(sluice.port, "a.example.com", "a.example.com", versions)
    assert not resumed(sluice.port, "a.example.com", "b.example.com", versions)


def test_the_options_of_a_listener_are_obeyed(sluice):
    start_simple(sluice, options={"sluice.dev/min-tls-version": "1.3"})
    with TlsClient(sluice.port, "a.example.com", versions=TLS13) as client:
        assert client.word("a.example.com") == "blue"
    with pytest.raises(ssl.SSLError):
        TlsClient(sluice.port, "a.example.com", versions=TLS12)
    options = {"sluice.dev/ciphers": "ECDHE-ECDSA-AES256-GCM-SHA384"}
    sluice.write(
        "web.yaml",
        documents(
            gateway_of(https_listener("s", sluice.port, "cert", options=options)), to("blue")
        ),
    )
    sluice.wait("Gateway/default/web")
    with TlsClient(sluice.port, "a.example.com", versions=TLS12) as client:
        assert client.socket.cipher()[0] == "ECDHE-ECDSA-AES256-GCM-SHA384"
    with pytest.raises(ssl.SSLError):
        TlsClient(
            sluice.port, "a.example.com", versions=TLS12, ciphers="ECDHE-ECDSA-AES128-GCM-SHA256"
        )


def test_http_2_is_negotiated_and_plain_http_is_told_so(sluice):
    start_simple(sluice)
    assert ask_h2(sluice.port, "a.example.com", "a.example.com") == 200
    answer = ask(sluice.port, "a.example.com")
    assert (answer.status, "plain HTTP request" in answer.text) == (400, True)


def test_the_backend_hears_that_the_client_used_https(sluice):
    echo = EchoBackend()
    try:
        sluice.write("cert.yaml", secret("cert", certificate("a.example.com")))
        sluice.write(
            "web.yaml",
            documents(
                gateway_of(https_listener("s", sluice.port, "cert")),
                backend("echo", echo.port),
                to("echo"),
            ),
        )
        sluice.start()
        sluice.wait("Gateway/default/web")
        with TlsClient(sluice.port, "a.example.com") as client:
            seen = dict(json.loads(client.ask("a.example.com")[1])["headers"])
        assert seen["x-forwarded-proto"] == "https"
        assert seen["x-forwarded-port"] == str(sluice.port)
    finally:
        echo.stop()


# (SNI, host, status).
MISDIRECTED = [
    ("example.org", "example.org", 200),
    ("example.org", "second-example.org", 421),
    ("example.org", "unknown-example.org", 404),
    ("second-example.org", "second-example.org", 200),
    ("second-example.org", "example.org", 421),
    ("second-example.org", "unknown-example.org", 421),
    ("third-example.wildcard.org", "third-example.wildcard.org", 200),
    ("third-example.wildcard.org", "fith-example.wildcard.org", 200),
    ("third-example.wildcard.org", "fourth-example.wildcard.org", 421),
    ("third-example.wildcard.org", "unknown-example.org", 421),
    ("fourth-example.wildcard.org", "fourth-example.wildcard.org", 200),
    ("fourth-example.wildcard.org", "fith-example.wildcard.org", 421),
    ("fourth-example.wildcard.org", "second-example.org", 421),
    ("second-example.org", "SECOND-example.org:1234", 200),
    ("example.org", "Second-Example.org:1234", 421),
    ("unknown-example.org", "example.org", 200),
    ("unknown-example.org", "unknown-example.org", 404),
]


def test_a_request_for_another_listener_is_misdirected(sluice):
    hosts = {
        "any": None,
        "second": "second-example.org",
        "wild": "*.wildcard.org",
        "fourth": "fourth-example.wildcard.org",
    }
    sluice.write("cert.yaml", secret("cert", certificate("example.org")))
    sluice.write(
        "web.yaml",
        documents(
            gateway_of(
                *(
                    https_listener(name, sluice.port, "cert", hostname=host)
                    for name, host in hosts.items()
                )
            ),
            to("blue", "example.org", section="any"),
            to("green", "second-example.org", section="second"),
            to("store", section="wild"),
            to("red", section="fourth"),
        ),
    )
    sluice.start()
    sluice.wait("Gateway/default/web")
    for name, host, status in MISDIRECTED:
        assert ask_h2(sluice.port, name, host) == status, (name, host)
        with TlsClient(sluice.port, name) as client:
            assert client.ask(host)[0] == status, (name, host)
    log = next(sluice.state.rglob("*access*.log")).read_text()
    assert log.count("reason=misdirected") == 16


def test_a_connection_outlives_a_request_for_another_listener(sluice):
    sluice.write("cert.yaml", secret("cert", certificate("a.example.com")))
    sluice.write(
        "web.yaml",
        documents(
            gateway_of(
                https_listener("a", sluice.port, "cert", hostname="a.example.com"),
                https_listener("b", sluice.port, "cert", hostname="b.example.com"),
            ),
            to("blue"),
        ),
    )
    sluice.start()
    sluice.wait("Gateway/default/web")
    with TlsClient(sluice.port, "a.example.com") as client:
        assert client.ask("b.example.com")[0] == 421
        assert client.ask("nobody.test")[0] == 404
        assert client.word("a.example.com") == "blue"


def test_http_and_https_share_a_port_number_on_different_addresses(sluice):
    sluice.write("cert.yaml", secret("cert", certificate("a.example.com")))
    sluice.write(
        "web.yaml",
        documents(
            gateway_of(
                https_listener("s", sluice.port, "cert"),
                name="secure",
                addresses=[{"type": "IPAddress", "value": "127.0.0.2"}],
            ),
            gateway_of(
                {"name": "h", "protocol": "HTTP", "port": sluice.port},
                name="plain",
                addresses=[{"type": "IPAddress", "value": "127.0.0.3"}],
            ),
            to("blue", gateway_name="secure"),
            to("green", gateway_name="plain"),
        ),
    )
    sluice.start()
    sluice.wait("Gateway/default/secure")
    sluice.wait("Gateway/default/plain")
    with TlsClient(sluice.port, "a.example.com", address="127.0.0.2") as client:
        assert client.word("a.example.com") == "blue"
    assert ask(sluice.port, "a.example.com", address="127.0.0.3").word == "green"


def test_gateways_of_both_kinds_have_several_addresses_each(sluice):
    other = free_port()
    secured, plain = sluice.port, other
    held = {"one": certificate("a.example.com"), "two": certificate("b.example.com")}
    addresses = {"one": ["127.0.0.4", "127.0.0.5"], "two": ["127.0.0.6", "::1"]}
    # What is the HTTPS port of one is the HTTP port of the other.
    ports = {"one": (secured, plain), "two": (plain, secured)}
    objects = [secret(name, one) for name, one in held.items()]
    for name, (tls_port, port) in ports.items():
        objects += [
            gateway_of(
                https_listener("s", tls_port, name),
                {"name": "h", "protocol": "HTTP", "port": port},
                name=name,
                addresses=[{"type": "IPAddress", "value": value} for value in addresses[name]],
            ),
            to({"one": "blue", "two": "green"}[name], gateway_name=name),
        ]
    sluice.write("cert.yaml", documents(*objects))
    sluice.start()
    for name, word in (("one", "blue"), ("two", "green")):
        sluice.wait(f"Gateway/default/{name}")
        tls_port, port = ports[name]
        for address in addresses[name]:
            with TlsClient(tls_port, "a.example.com", address=address) as client:
                assert client.der == held[name].der
                assert client.word("a.example.com") == word
            assert ask(port, address=address).word == word
    for port in (secured, plain):
        assert not accepts("127.0.0.7", port)


def test_a_listener_becomes_https_and_http_again(sluice):
    sluice.write("cert.yaml", secret("cert", certificate("a.example.com")))
    secure = documents(gateway_of(https_listener("s", sluice.port, "cert")), to("blue"))
    plain = documents(gateway(sluice.port), to("blue"))
    sluice.write("web.yaml", plain)
    sluice.start()
    workers = sluice.worker_pids()
    for _ in range(2):
        kept = http.client.HTTPConnection("127.0.0.1", sluice.port, timeout=10)
        kept.request("GET", "/")
        assert kept.getresponse().read().startswith(b"blue")
        sluice.write("web.yaml", secure)
        sluice.wait("Gateway/default/web")
        kept.request("GET", "/")
        assert kept.getresponse().status == 404
        kept.close()
        with TlsClient(sluice.port, "a.example.com") as client:
            assert client.word("a.example.com") == "blue"
            sluice.write("web.yaml", plain)
            sluice.wait("Gateway/default/web")
            assert client.ask("a.example.com")[0] == 421
    assert sluice.worker_pids() == workers


def test_one_good_certificate_is_enough_to_serve(sluice):
    good = certificate("a.example.com")
    sluice.write("cert.yaml", secret("good", good))
    sluice.write(
        "web.yaml",
        documents(gateway_of(https_listener("s", sluice.port, "missing", "good")), to("blue")),
    )
    sluice.start()
    until(lambda: conditions(sluice, "s").get("Programmed") == ("True", "Programmed"), "serving")
    assert conditions(sluice, "s")["ResolvedRefs"] == ("False", "InvalidCertificateRef")
    with TlsClient(sluice.port, "a.example.com") as client:
        assert client.der == good.der
    sluice.write("cert.yaml", secret("good", Certificate("Hello world", "Hello world")))
    until(lambda: conditions(sluice, "s")["Programmed"] == ("False", "Invalid"), "not served")
    until(lambda: not accepts("127.0.0.1", sluice.port), "the closed port")
    sluice.write("cert.yaml", secret("good", good))
    until(lambda: accepts("127.0.0.1", sluice.port), "the open port")


def test_a_revoked_grant_takes_the_certificate_away(sluice):
    listener = https_listener("s", sluice.port)
    listener["tls"]["certificateRefs"] = [{"name": "cert", "namespace": "vault"}]
    grant = json.dumps(
        {
            "apiVersion": "gateway.networking.k8s.io/v1beta1",
            "kind": "ReferenceGrant",
            "metadata": {"name": "g", "namespace": "vault"},
            "spec": {
                "from": [
                    {
                        "group": "gateway.networking.k8s.io",
                        "kind": "Gateway",
                        "namespace": "default",
                    }
                ],
                "to": [{"group": "", "kind": "Secret"}],
            },
        }
    )
    sluice.write("grant.yaml", grant)
    sluice.write("cert.yaml", secret("cert", certificate("a.example.com"), namespace="vault"))
    sluice.write("web.yaml", documents(gateway_of(listener), to("blue")))
    sluice.start()
    sluice.wait("Gateway/default/web")
    with TlsClient(sluice.port, "a.example.com") as client:
        assert client.word("a.example.com") == "blue"
    sluice.remove("grant.yaml")
    wanted = ("False", "RefNotPermitted")
    until(lambda: conditions(sluice, "s")["ResolvedRefs"] == wanted, "the condition")
    until(lambda: not accepts("127.0.0.1", sluice.port), "the closed port")


def test_a_restarted_controller_changes_nothing_for_clients(sluice):
    old, new = certificate("a.example.com"), make_certificate("a.example.com")
    start_simple(sluice, old)
    with TlsClient(sluice.port, "a.example.com") as before:
        first = sluice.controller_pid()
        kill(first)
        with TlsClient(sluice.port, "a.example.com") as client:
            assert client.word("a.example.com") == "blue"
        until(lambda: sluice.controller_pid() not in (0, first), "a new controller")
        for _ in range(20):
            with TlsClient(sluice.port, "a.example.com") as client:
                assert client.der == old.der
        sluice.wait("Gateway/default/web", seconds=20)
        assert before.word("a.example.com") == "blue"
        sluice.write("cert.yaml", secret("cert", new))
        sluice.wait("Gateway/default/web")
        with TlsClient(sluice.port, "a.example.com") as client:
            assert client.der == new.der


@pytest.mark.log("exited on signal 9")
def test_a_respawned_worker_serves_https(sluice):
    start_simple(sluice)
    for pid in sluice.worker_pids():
        kill(pid)
        until(lambda: len(sluice.worker_pids()) == 2, "a new worker")
    sluice.wait("Gateway/default/web")
    for _ in range(20):
        with TlsClient(sluice.port, "a.example.com") as client:
            assert client.word("a.example.com") == "blue"


def test_nothing_that_is_shown_holds_a_key(sluice):
    held = certificate("a.example.com")
    start_simple(sluice, held)
    lines = [line for line in held.key.splitlines() if not line.startswith("-")]
    shown = sluice.ctl("dump").stdout + sluice.ctl("get", "secret", "cert", "-o", "yaml").stdout
    shown += sluice.ctl("describe", "secret", "default/cert").stdout
    shown += sluice.ctl("describe", "gateway", "default/web").stdout
    shown += sluice.output() + sluice.nginx_log()
    assert "default/cert" in shown
    for line in lines:
        assert line not in shown
        assert secret("cert", held).split('"tls.key": "')[1][:40] not in shown
