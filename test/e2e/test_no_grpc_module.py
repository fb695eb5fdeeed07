"""An nginx that was built without the grpc module."""

import shutil
from pathlib import Path

import pytest
from harness.client import ask
from harness.h2_backend import H2Backend
from harness.h2_client import H2Client
from harness.manifests import (
    backend,
    backend_ref,
    documents,
    gateway,
    grpc_route,
    route,
    rule,
    service,
    service_mirror_filter,
    service_ref,
)
from harness.net import free_port
from harness.waiting import until

MODULE, UNKNOWN = b"\0ngx_http_grpc_module\0", b"\0ngx_http_none_module\0"


@pytest.fixture(scope="module")
def nginx(request, tmp_path_factory) -> str:
    """A copy of nginx in which the module goes by a name that nobody looks for."""
    program = request.config.getoption("--nginx") or shutil.which("nginx") or "/usr/sbin/nginx"
    code = Path(program).read_bytes()
    assert MODULE in code
    copy = tmp_path_factory.mktemp("nginx") / "nginx"
    copy.write_bytes(code.replace(MODULE, UNKNOWN))
    copy.chmod(0o755)
    return str(copy)


def test_backends_of_http2_answer_500_and_the_others_serve(make_sluice, backends):
    h2_backend = H2Backend()
    sluice = make_sluice(workers=1)
    port = free_port()
    sluice.write(
        "all.yaml",
        documents(
            gateway(port),
            backend("blue", backends.ports["blue"]),
            service("h2", h2_backend.port, app_protocol="kubernetes.io/h2c"),
            route("r", [rule(backend_ref("blue")), rule(service_ref("h2"), path="/h2")]),
            grpc_route(
                "calls",
                [{"matches": [{"method": {"service": "a.B"}}], "backendRefs": [service_ref("h2")]}],
            ),
        ),
    )
    try:
        sluice.start()
        answer = ask(port, path="/h2")
        assert (answer.status, answer.text) == (
            500,
            "this gateway can't speak HTTP/2 to backends\n",
        )
        client = H2Client(port)
        call = client.ask("POST", "/a.B/C", [("content-type", "application/grpc")], b"\0\0\0\0\0")
        client.close()
        assert (call.status, call.all("grpc-status")) == (200, ["13"])
        assert ask(port).word == "blue"
        assert h2_backend.connections == 0
        log = next(sluice.state.rglob("*access*.log"))
        until(lambda: log.read_text().count("reason=no_http2") == 2, "both lines of the log")
    finally:
        h2_backend.stop()


def test_a_mirror_may_speak_http2_all_the_same(make_sluice, backends):
    mirror = H2Backend()
    sluice = make_sluice(workers=1)
    port = free_port()
    sluice.write(
        "all.yaml",
        documents(
            gateway(port),
            backend("blue", backends.ports["blue"]),
            service("h2", mirror.port, app_protocol="kubernetes.io/h2c"),
            route("r", [rule(backend_ref("blue"), filters=[service_mirror_filter("h2")])]),
        ),
    )
    try:
        sluice.start()
        assert ask(port, path="/a").word == "blue"
        until(lambda: mirror.asked and mirror.asked[0].whole, "the copy")
        assert mirror.asked[0].one(":path") == "/a"
    finally:
        mirror.stop()
