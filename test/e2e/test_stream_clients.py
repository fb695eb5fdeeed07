"""Programs of others over TLSRoutes and UDPRoutes: openssl, redis, curl, QUIC."""

import shutil
import subprocess

import pytest
from harness.authority import Authority
from harness.certificates import gateway_of, secret, tls_listener
from harness.manifests import backend, backend_ref, documents, stream_route
from harness.net import accepts, free_port
from harness.openssl import (
    OpensslTalk,
    client_command,
    knows_group,
    openssl_server,
    openssl_version,
)
from harness.plain_nginx import PlainNginx, http2_listen
from harness.stream_backend import StreamBackend
from harness.streams import Talk, quic_server, redis_server
from harness.waiting import until

PASSED = "passed.example.com"
ENDED = "ended.example.com"
GROUP = "X25519MLKEM768"

BOTH = pytest.mark.parametrize("name", [PASSED, ENDED], ids=["passthrough", "terminate"])


@pytest.fixture
def authority(scratch):
    return Authority(scratch)


@pytest.fixture
def issued(authority):
    """Of both names: for the servers, and for the listener that ends TLS."""
    return authority.issue(PASSED, ENDED)


@pytest.fixture
def relay(make_sluice, issued):
    """relay(passed, ended): PASSED goes to a port that speaks TLS, ENDED to a plain one."""

    def start(passed: int, ended: int):
        sluice = make_sluice()
        sluice.port = free_port()
        sluice.write(
            "all.yaml",
            documents(
                secret("cert", issued.pair),
                gateway_of(
                    tls_listener("passed", sluice.port, PASSED),
                    tls_listener("ended", sluice.port, ENDED, "cert"),
                ),
                backend("passed", passed),
                backend("ended", ended),
            ),
        )
        for name, hostname in (("passed", PASSED), ("ended", ENDED)):
            text = stream_route("TLSRoute", name, backend_ref(name), hostnames=[hostname])
            sluice.write(f"{name}.yaml", text)
        sluice.start()
        return sluice

    return start


@pytest.fixture
def port(relay, issued, scratch):
    """Behind it are openssl's server, which says lines backwards, and one that says them again."""
    plain = StreamBackend("plain")
    with openssl_server(issued, "-rev", log=scratch / "s_server") as (secured, _):
        yield relay(secured, plain.port).port
    plain.stop()


@pytest.fixture
def talk(port, scratch, authority):
    """talk(name, options) -> what openssl's client notes of a connection over which lines went."""

    def converse(name: str, *options: str) -> OpensslTalk:
        words = ["-servername", name, "-verify_hostname", name, "-verify_return_error"]
        words += ["-CAfile", str(authority.certificate), *options]
        client = OpensslTalk(port, scratch / "s_client", *words)
        try:
            if name == ENDED:
                assert client.line() == "plain"
            for number in range(20):
                said = f"{number} is said"
                assert client.ask(said) == (said if name == ENDED else said[::-1])
        finally:
            code = client.stop()
        assert (code, client.fact("Verification")) == (0, "OK")
        return client

    return converse


@BOTH
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_openssl_talks_tls_of_both_versions(talk, name, version):
    client = talk(name, "-tls" + version.replace(".", "_"))
    assert client.fact("Protocol version") == f"TLSv{version}"


@BOTH
def test_a_key_exchange_for_the_time_of_quantum_computers_is_relayed(talk, name):
    if not knows_group(GROUP):
        pytest.skip(f"{openssl_version()} does not know {GROUP}")
    assert GROUP in talk(name, "-groups", GROUP).log.read_text()


@pytest.mark.parametrize("options", [["-noservername"], ["-servername", "other.example.org"]])
def test_a_client_that_names_nobody_here_is_told_nothing(port, options):
    done = subprocess.run(
        client_command(port, *options), input="", capture_output=True, text=True, timeout=20
    )
    assert done.returncode != 0
    assert "SSL handshake has read 0 bytes and written" in done.stdout, done
    assert "alert" not in done.stderr.lower(), done


def test_redis_is_reached_through_and_in_plain_text_and_sessions_stay(
    relay, issued, authority, scratch
):
    with redis_server(scratch / "redis", issued) as (plain, secured):
        sluice = relay(secured, plain)
        words = ["redis-cli", "-h", "127.0.0.1", "-p", str(sluice.port), "--tls"]
        words += ["--cacert", str(authority.certificate), "--sni"]
        sessions = [Talk([*words, name]) for name in (PASSED, ENDED)]
        through, ended = sessions
        try:
            assert through.ask("set key value") == "OK"
            assert ended.ask("get key") == "value"
            for name, hostname in (("passed", PASSED), ("ended", ENDED)):
                text = stream_route("TLSRoute", name, backend_ref("nobody"), hostnames=[hostname])
                sluice.write(f"{name}.yaml", text)
            sluice.wait()
            assert ended.ask("set key another") == "OK"
            assert through.ask("get key") == "another"
        finally:
            codes = [session.stop() for session in sessions]
        assert codes == [0, 0]
        refused = subprocess.run(
            [*words, PASSED, "get", "key"], capture_output=True, text=True, timeout=20
        )
        assert refused.returncode != 0 and "another" not in refused.stdout


@BOTH
@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
def test_curl_is_answered_by_an_nginx_behind(relay, issued, authority, scratch, name, version):
    plain, secured = free_port(), free_port()
    listen = http2_listen("nginx", f"127.0.0.1:{secured}", True)
    http = f"""ssl_certificate {issued.certificate}; ssl_certificate_key {issued.key};
      server {{ {listen} return 200 "passed $scheme"; }}
      server {{ listen 127.0.0.1:{plain}; return 200 "ended $scheme"; }}"""
    behind = PlainNginx(scratch / "behind", http)
    try:
        for each in (plain, secured):
            until(lambda each=each: accepts("127.0.0.1", each), "the nginx behind")
        port = relay(secured, plain).port
        command = ["curl", "-sS", "--cacert", str(authority.certificate), version]
        command += ["--resolve", f"{name}:{port}:127.0.0.1"]
        command += ["-w", " %{http_version} %{num_connects}\n"]
        done = subprocess.run(
            [*command, *[f"https://{name}:{port}/{number}" for number in range(2)]],
            capture_output=True,
            text=True,
            timeout=20,
        )
        assert done.returncode == 0, done
        spoken = {"--http1.1": "1.1", "--http2": "2" if name == PASSED else "1.1"}[version]
        told = {PASSED: "passed https", ENDED: "ended http"}[name]
        assert done.stdout == f"{told} {spoken} 1\n{told} {spoken} 0\n"
    finally:
        behind.stop()


@pytest.fixture
def datagrams(make_sluice):
    """datagrams(backend's port) -> the port of a UDP listener before it."""

    def start(behind: int) -> int:
        port, sluice = free_port(), make_sluice()
        listener = {"name": "udp", "protocol": "UDP", "port": port}
        route = stream_route("UDPRoute", "udp", backend_ref("behind"))
        sluice.write("all.yaml", documents(gateway_of(listener), backend("behind", behind), route))
        sluice.start()
        return port

    return start


def test_dtls_goes_over_a_udproute(datagrams, issued, authority, scratch):
    with openssl_server(issued, log=scratch / "s_server", datagrams=True) as (behind, server):
        words = ["-dtls", "-CAfile", str(authority.certificate), "-verify_hostname", PASSED]
        words += ["-verify_return_error"]
        client = OpensslTalk(datagrams(behind), scratch / "s_client", *words)
        try:
            for number in range(20):
                client.say(f"there {number}")
                assert server.line() == f"there {number}"
                server.say(f"back {number}")
                assert client.line() == f"back {number}"
        finally:
            code = client.stop()
        assert (code, client.fact("Verification")) == (0, "OK")
        assert client.fact("Protocol version") == "DTLSv1.2"


@pytest.mark.parametrize(
    "options", [[], ["--change-local-addr=20ms", "--delay-stream=200ms", "--nat-rebinding"]]
)
def test_http3_goes_over_a_udproute(datagrams, issued, scratch, options):
    if shutil.which("gtlsclient") is None:
        pytest.skip("this release of Debian has no ngtcp2-client, or it is not installed")
    served, received = scratch / "served", scratch / "received"
    for directory in (served, received):
        directory.mkdir()
    content = bytes(range(256)) * 4000
    (served / "file").write_bytes(content)
    with quic_server(served, issued, scratch / "quic.log") as behind:
        port = datagrams(behind)
        command = ["gtlsclient", "-q", "--exit-on-all-streams-close", f"--download={received}"]
        command += [*options, "127.0.0.1", str(port), f"https://{PASSED}/file"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done
    assert (received / "file").read_bytes() == content
