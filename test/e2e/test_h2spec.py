"""h2spec on Sluice's listeners: no case fails that does not fail on the same nginx alone."""

import concurrent.futures
import socket
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from harness.authority import Authority
from harness.certificates import gateway_of, https_listener, secret
from harness.manifests import backend, backend_ref, documents, gateway, route
from harness.net import accepts, free_port
from harness.plain_nginx import PlainNginx, http2_listen
from harness.waiting import until

HOST = "127.0.0.1"
CASES = 145
PREFACE = b"INVALID CONNECTION PREFACE\r\n\r\n"
# A port of Sluice speaks HTTP/1.1 as well: what is no preface of HTTP/2 gets its 400. nginx before
# 1.25.1 has no such port to compare with; the same case fails on those that have.
PREFACE_CASE = "http2/3.5 Sends invalid connection preface"

SERVER = """
  server {{
    {listen}
    {tls}
    merge_slashes off;
    client_max_body_size 0;
    location / {{
      proxy_pass http://{host}:{backend};
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_request_buffering off;
      proxy_buffering off;
    }}
  }}"""


@pytest.fixture
def issued(scratch):
    return Authority(scratch).issue("a.example.com")


def failing(program: Path, port: int, report: Path, tls: bool) -> set[str]:
    """The names of the cases that fail; all of them ran."""
    command = [str(program), "-h", HOST, "-p", str(port), "-j", str(report), "-o", "2"]
    subprocess.run([*command, *(["-t", "-k"] if tls else [])], capture_output=True, timeout=240)
    cases = ElementTree.parse(report).getroot().findall(".//testcase")
    assert len(cases) == CASES, report.read_text()[-2000:]
    return {
        f"{case.get('package')} {case.get('classname')}"
        for case in cases
        if case.find("failure") is not None or case.find("error") is not None
    }


@pytest.mark.parametrize("tls", [False, True], ids=["h2c", "https"])
def test_no_case_fails_that_passes_on_nginx_alone(
    gotool, make_sluice, scratch, echo, issued, nginx, tls
):
    program = gotool("h2spec")
    ours, theirs = free_port(), free_port()
    listener = gateway_of(https_listener("s", ours, "cert")) if tls else gateway(ours)
    sluice = make_sluice(workers=1)
    sluice.write(
        "all.yaml",
        documents(
            secret("cert", issued.pair),
            listener,
            backend("echo", echo.port),
            route("r", [{"backendRefs": [backend_ref("echo")]}]),
        ),
    )
    sluice.start()
    secured = f"ssl_certificate {issued.certificate}; ssl_certificate_key {issued.key};"
    nginx = nginx or "/usr/sbin/nginx"
    listen = http2_listen(nginx, f"{HOST}:{theirs}", tls)
    plain = PlainNginx(
        scratch / "plain",
        SERVER.format(listen=listen, tls=secured if tls else "", host=HOST, backend=echo.port),
        nginx,
    )
    try:
        until(lambda: accepts(HOST, theirs), "the plain nginx")
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            sides = pool.map(
                lambda port: failing(program, port, scratch / f"{port}.xml", tls), (ours, theirs)
            )
            with_sluice, alone = sides
    finally:
        plain.stop()
    expected = set() if tls or "http2 on" in listen else {PREFACE_CASE}
    assert with_sluice - alone == expected, f"{len(alone)} fail on nginx alone"
    assert len(alone) < CASES // 2, "nginx alone was not reached as it should"


def test_what_is_no_preface_is_a_bad_request_of_http1(make_sluice):
    port = free_port()
    sluice = make_sluice(workers=1)
    sluice.write("all.yaml", gateway(port))
    sluice.start()
    with socket.create_connection((HOST, port), timeout=10) as client:
        client.sendall(PREFACE)
        answer = b"".join(iter(lambda: client.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 400 ")
