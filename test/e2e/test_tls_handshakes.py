"""ClientHellos that come twice or in pieces: the listener and its certificate are found anyway."""

import contextlib
import re
import socket
import ssl
import subprocess

import pytest
from harness.certificates import certificate, gateway_of, https_listener, secret
from harness.manifests import backend, backend_ref, documents, route, rule
from harness.net import free_port, wait_until_taken

NAMES = ["a.example.com", "b.example.org"]


def manifests(port: int, backends) -> str:
    listeners = [https_listener(name[0], port, f"cert-{name[0]}", hostname=name) for name in NAMES]
    return documents(
        gateway_of(*listeners),
        *(secret(f"cert-{name[0]}", certificate(name)) for name in NAMES),
        backend("blue", backends.ports["blue"]),
        route("r", [rule(backend_ref("blue"))]),
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_hello_retry_request_asks_for_the_operators_curve(operator_nginx, backends, name):
    port = free_port()
    operator_nginx.write("all.yaml", manifests(port, backends))
    operator_nginx.start("ssl_ecdh_curve secp384r1;")
    request = f"GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n"
    told = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", name, "-msg"]
        + ["-tls1_3", "-groups", "X25519:P-384", "-ign_eof"],
        input=request,
        capture_output=True,
        text=True,
        timeout=20,
    ).stdout
    assert told.count("ClientHello") == 2, told
    assert re.search(rf"CN ?= ?{re.escape(name)}\b", told), told
    assert "HTTP/1.1 200" in told and "blue" in told


@pytest.mark.parametrize("piece", [1, 7, 100])
def test_a_client_hello_in_pieces_finds_its_certificate(make_sluice, backends, piece):
    sluice = make_sluice()
    port = free_port()
    sluice.write("all.yaml", manifests(port, backends))
    sluice.start()
    sluice.wait("Gateway/default/web")
    for name in NAMES:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = ssl.create_default_context(cadata=certificate(name).pem)
        tls = context.wrap_bio(incoming, outgoing, server_hostname=name)
        with contextlib.suppress(ssl.SSLWantReadError):
            tls.do_handshake()
        hello = outgoing.read()
        with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for start in range(0, len(hello), piece):
                sock.sendall(hello[start : start + piece])
                wait_until_taken(sock, sluice.worker_pids())
            while True:
                try:
                    tls.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    incoming.write(sock.recv(65536))
            assert tls.getpeercert(binary_form=True) == certificate(name).der
