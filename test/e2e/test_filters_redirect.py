"""RequestRedirect: status, scheme, hostname, port and path of the Location."""

import pytest
from harness.client import ask
from harness.curl import curl
from harness.manifests import (
    backend,
    backend_ref,
    documents,
    gateway,
    header_filter,
    path_edit,
    redirect_filter,
    route,
    rule,
)
from harness.net import free_port
from harness.raw_backend import RawBackend

VERSIONS = ["http1", "h2c"]


@pytest.fixture
def serve(make_sluice):
    """serve(rules) -> a running Sluice; a rule is (path, fields of the redirect)."""

    def start(rules: list[dict], *more: str):
        sluice = make_sluice()
        sluice.port = free_port()
        sluice.write("all.yaml", documents(gateway(sluice.port), route("r", rules), *more))
        sluice.start()
        return sluice

    return start


def redirect(at: str, /, **fields: object) -> dict:
    return rule(path=at, filters=[redirect_filter(**fields)])


@pytest.mark.parametrize("version", VERSIONS)
def test_host_status_and_port_make_the_location(serve, version):
    sluice = serve(
        [
            redirect("/host", hostname="example.org"),
            redirect("/host-and-status", hostname="example.org", statusCode=301),
            redirect("/port", port=8083),
            redirect("/port-and-host", port=8083, hostname="example.org"),
            redirect("/port-and-status", port=8083, statusCode=301),
            redirect("/own-port", port=80),
        ]
    )
    expected = {
        "/host": (302, f"http://example.org:{sluice.port}/host"),
        "/host-and-status": (301, f"http://example.org:{sluice.port}/host-and-status"),
        "/port": (302, "http://example.com:8083/port"),
        "/port-and-host": (302, "http://example.org:8083/port-and-host"),
        "/port-and-status": (301, "http://example.com:8083/port-and-status"),
        "/own-port": (302, "http://example.com/own-port"),
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
        ]
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
            redirect("/strip", path=path_edit(prefix="/"), port=80),
        ]
    )
    base = f"http://example.com:{sluice.port}"
    expected = {
        "/original-prefix/lemon": f"{base}/replacement-prefix/lemon",
        "/original-prefix": f"{base}/replacement-prefix",
        "/original-prefix/?q=1&q=%20": f"{base}/replacement-prefix/?q=1&q=%20",
        "/original-prefix/a%2Fb": f"{base}/replacement-prefix/a%2Fb",
        "/full/path": f"http://a.example:{sluice.port}/full-path-replacement",
        "/full/path?q": f"http://a.example:{sluice.port}/full-path-replacement?q",
        "/full-path-and-host/x": f"http://b.example:{sluice.port}/replacement-host",
        "/strip/three": "http://example.com/three",
        "/strip": "http://example.com/",
        "/strip//evil.example": "http://example.com/evil.example",
    }
    for path, location in expected.items():
        assert curl(sluice.port, path, version).all("location") == [location], path


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_every_status_of_a_redirect_is_answered_to_every_method(serve, status):
    sluice = serve([redirect("/", statusCode=status, port=80)])
    for method, body in (("GET", None), ("HEAD", None), ("POST", b"x" * 100_000)):
        answer = curl(sluice.port, "/some/path", method=method, body=body)
        assert answer.status == status
        assert answer.all("location") == ["http://example.com/some/path"]


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
