"""RequestRedirect: status, scheme, hostname, port and path of the Location."""

import json
import os
import socket

import pytest
from harness.certificates import certificate, gateway_of, https_listener, secret
from harness.client import ask
from harness.curl import curl
from harness.manifests import (
    backend,
    backend_ref,
    documents,
    header_filter,
    path_edit,
    redirect_filter,
    route,
    rule,
)
from harness.net import free_port
from harness.raw_backend import RawBackend
from harness.versions import VERSIONS, gateway_for, scheme_of


@pytest.fixture
def serve(make_sluice):
    """serve(rules) -> a running Sluice; a rule is (path, fields of the redirect)."""

    def start(rules: list[dict], *more: str, version: str = "http1"):
        sluice = make_sluice()
        sluice.port = free_port()
        objects = [gateway_for(version, sluice.port), route("r", rules), *more]
        sluice.write("all.yaml", documents(*objects))
        sluice.start()
        return sluice

    return start


def redirect(at: str, /, **fields: object) -> dict:
    return rule(path=at, filters=[redirect_filter(**fields)])


@pytest.mark.parametrize("version", VERSIONS)
def test_host_status_and_port_make_the_location(serve, version):
    scheme = scheme_of(version)
    sluice = serve(
        [
            redirect("/host", hostname="example.org"),
            redirect("/host-and-status", hostname="example.org", statusCode=301),
            redirect("/port", port=8083),
            redirect("/port-and-host", port=8083, hostname="example.org"),
            redirect("/port-and-status", port=8083, statusCode=301),
            redirect("/own-port", port={"http": 80, "https": 443}[scheme]),
        ],
        version=version,
    )
    expected = {
        "/host": (302, f"{scheme}://example.org:{sluice.port}/host"),
        "/host-and-status": (301, f"{scheme}://example.org:{sluice.port}/host-and-status"),
        "/port": (302, f"{scheme}://example.com:8083/port"),
        "/port-and-host": (302, f"{scheme}://example.org:8083/port-and-host"),
        "/port-and-status": (301, f"{scheme}://example.com:8083/port-and-status"),
        "/own-port": (302, f"{scheme}://example.com/own-port"),
    }
    for path, wanted in expected.items():
        answer = curl(sluice.port, path, version)
        assert (answer.status, answer.joined("location")) == wanted
        assert answer.body == b""
        assert answer.all("content-length") == ["0"]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_scheme_brings_its_port(serve, version):
    sluice = serve(
        [
            redirect("/scheme", scheme="https"),
            redirect("/same-scheme", scheme="http"),
            redirect("/scheme-and-host", scheme="https", hostname="example.org", statusCode=301),
            redirect("/scheme-and-port", scheme="https", port=8443),
            redirect("/scheme-and-own-port", scheme="https", port=443),
        ],
        version=version,
    )
    expected = {
        "/scheme": "https://example.com/scheme",
        "/same-scheme": "http://example.com/same-scheme",
        "/scheme-and-host": "https://example.org/scheme-and-host",
        "/scheme-and-port": "https://example.com:8443/scheme-and-port",
        "/scheme-and-own-port": "https://example.com/scheme-and-own-port",
    }
    for path, location in expected.items():
        assert curl(sluice.port, path, version).all("location") == [location]


# The port of the listener -> fields of a redirect and where it leads, but for the path.
BY_LISTENER = {
    80: [
        ({}, "http://example.org"),
        ({"port": 80}, "http://example.org"),
        ({"port": 8080}, "http://example.org:8080"),
        ({"scheme": "https"}, "https://example.org"),
        ({"scheme": "https", "port": 443}, "https://example.org"),
        ({"scheme": "https", "port": 8443}, "https://example.org:8443"),
    ],
    8080: [
        ({}, "http://example.org:8080"),
        ({"port": 80}, "http://example.org"),
        ({"scheme": "http"}, "http://example.org"),
        ({"scheme": "https"}, "https://example.org"),
        ({"scheme": "https", "port": 8443}, "https://example.org:8443"),
    ],
    443: [
        ({}, "https://example.org"),
        ({"port": 443}, "https://example.org"),
        ({"port": 8443}, "https://example.org:8443"),
        ({"scheme": "https"}, "https://example.org"),
        ({"scheme": "http"}, "http://example.org"),
        ({"scheme": "http", "port": 80}, "http://example.org"),
        ({"scheme": "http", "port": 8080}, "http://example.org:8080"),
    ],
}


def may_listen(address: str) -> bool:
    try:
        for port in BY_LISTENER:
            socket.create_server((address, port)).close()
    except PermissionError:
        return False
    return True


def test_the_listener_decides_about_scheme_and_port(make_sluice):
    # Nobody else's: other ports than these would be named in every Location.
    address = f"127.80.{os.getpid() // 250 % 250}.{os.getpid() % 250 + 1}"
    if not may_listen(address):
        pytest.skip("ports below 1024 need root")
    sluice = make_sluice(workers=1)
    listeners = [{"name": f"p{port}", "protocol": "HTTP", "port": port} for port in (80, 8080)]
    objects = [
        secret("cert", certificate("example.com")),
        gateway_of(
            *listeners,
            https_listener("p443", 443, "cert"),
            addresses=[{"type": "IPAddress", "value": address}],
        ),
    ]
    for port, cases in BY_LISTENER.items():
        rules = [
            redirect(f"/{index}", hostname="example.org", **fields)
            for index, (fields, _) in enumerate(cases)
        ]
        made = json.loads(route(f"r{port}", rules))
        made["spec"]["parentRefs"][0]["port"] = port
        objects.append(json.dumps(made))
    sluice.write("all.yaml", documents(*objects))
    sluice.start()
    for port, cases in BY_LISTENER.items():
        version = "https-h2" if port == 443 else "http1"
        for index, (fields, base) in enumerate(cases):
            answer = curl(port, f"/{index}/path", version, address=address)
            assert answer.all("location") == [f"{base}/{index}/path"], (port, fields)


@pytest.mark.parametrize("version", VERSIONS)
def test_paths_are_replaced_and_the_query_stays(serve, version):
    sluice = serve(
        [
            redirect("/original-prefix", path=path_edit(prefix="/replacement-prefix")),
            redirect("/full", path=path_edit(full="/full-path-replacement"), hostname="a.example"),
            redirect(
                "/full-path-and-host",
                path=path_edit(full="/replacement-host"),
                hostname="b.example",
            ),
            redirect("/strip", path=path_edit(prefix="/"), port=8083),
        ],
        version=version,
    )
    scheme = scheme_of(version)
    base = f"{scheme}://example.com:{sluice.port}"
    expected = {
        "/original-prefix/lemon": f"{base}/replacement-prefix/lemon",
        "/original-prefix": f"{base}/replacement-prefix",
        "/original-prefix/?q=1&q=%20": f"{base}/replacement-prefix/?q=1&q=%20",
        "/original-prefix/a%2Fb": f"{base}/replacement-prefix/a%2Fb",
        "/full/path": f"{scheme}://a.example:{sluice.port}/full-path-replacement",
        "/full/path?q": f"{scheme}://a.example:{sluice.port}/full-path-replacement?q",
        "/full-path-and-host/x": f"{scheme}://b.example:{sluice.port}/replacement-host",
        "/strip/three": f"{scheme}://example.com:8083/three",
        "/strip": f"{scheme}://example.com:8083/",
        "/strip//evil.example": f"{scheme}://example.com:8083/evil.example",
    }
    for path, location in expected.items():
        assert curl(sluice.port, path, version).all("location") == [location], path


@pytest.mark.parametrize("version", VERSIONS)
def test_every_status_of_a_redirect_is_answered_to_every_method(serve, version):
    statuses = (301, 302, 303, 307, 308)
    # curl takes the RST_STREAM of a body that nginx does not want for a failure.
    posted = b"x" * 100_000 if version == "http1" else None
    sluice = serve(
        [redirect(f"/{status}", statusCode=status, port=8083) for status in statuses],
        version=version,
    )
    for status in statuses:
        for method, body in (("GET", None), ("HEAD", None), ("POST", posted)):
            answer = curl(sluice.port, f"/{status}/path", version, method=method, body=body)
            assert answer.status == status
            location = f"{scheme_of(version)}://example.com:8083/{status}/path"
            assert answer.all("location") == [location]


def test_a_client_without_a_host_is_told_the_path(serve):
    sluice = serve([redirect("/", path=path_edit(full="/x"))])
    answer = curl(sluice.port, host=None, more=["--http1.0"])
    assert answer.all("location") == ["/x"]


def test_a_redirect_needs_no_backend_that_works(serve):
    moved = {**backend_ref("missing"), "filters": [redirect_filter(hostname="example.org")]}
    sluice = serve([rule(moved, path="/")])
    assert curl(sluice.port).status == 302


def test_a_redirect_of_a_backend_ref_follows_the_draw(serve):
    raw = RawBackend()
    try:
        moved = {
            **backend_ref("raw", 1),
            "filters": [redirect_filter(hostname="example.org", path=path_edit(prefix="/new"))],
        }
        sluice = serve([rule(moved, backend_ref("raw", 1), path="/old")], backend("raw", raw.port))
        answers = [ask(sluice.port, path="/old/x") for _ in range(60)]
        locations = {answer.headers.get("location") for answer in answers}
        assert locations == {None, f"http://example.org:{sluice.port}/new/x"}
        assert {answer.status for answer in answers} == {200, 302}
    finally:
        raw.stop()


def test_fields_of_a_redirect_are_edited(serve):
    sluice = serve(
        [
            rule(
                path="/",
                filters=[
                    redirect_filter(hostname="example.org", port=80),
                    header_filter("response", put={"X-Edited": "yes"}, remove=["Server"]),
                ],
            )
        ]
    )
    answer = curl(sluice.port)
    assert (answer.status, answer.all("x-edited"), answer.all("server")) == (302, ["yes"], [])


def test_a_connection_goes_on_after_a_redirect(serve):
    sluice = serve([redirect("/", hostname="example.org", port=80)])
    urls = [f"http://127.0.0.1:{sluice.port}/{i}" for i in range(3)]
    answer = curl(sluice.port, more=["-w", "%{num_connects}\n", *urls])
    assert answer.body.count(b"Location: http://example.org/") == 3
    connects = [line for line in answer.body.decode().splitlines() if line in ("0", "1")]
    assert connects == ["1", "0", "0", "0"]
