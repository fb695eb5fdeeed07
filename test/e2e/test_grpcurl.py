"""gRPC as others speak it: grpcurl with reflection, and the gRPC project's own cases in Go."""

import json
import subprocess

import pytest
from harness.authority import Authority
from harness.certificates import gateway_of, https_listener, secret
from harness.manifests import (
    backend,
    backend_ref,
    backend_tls_policy,
    config_map,
    documents,
    gateway,
    grpc_route,
)
from harness.net import free_port

HOST = "grpc.example.com"
SERVICE = "grpc.testing.TestService"
CASES = [
    "empty_unary",
    "large_unary",
    "client_streaming",
    "server_streaming",
    "ping_pong",
    "empty_stream",
    "custom_metadata",
    "status_code_and_message",
    "special_status_message",
    "timeout_on_sleeping_server",
    "cancel_after_begin",
    "cancel_after_first_response",
    "unimplemented_method",
    "unimplemented_service",
]


@pytest.fixture
def authority(scratch):
    return Authority(scratch)


@pytest.fixture
def serve(gotool, authority):
    """serve(tls) -> the port of a gRPC server in Go, with reflection."""
    started = []

    def start(tls: bool = False) -> int:
        issued = authority.issue(HOST)
        secured = ["-cert", str(issued.certificate), "-key", str(issued.key)] if tls else []
        process = subprocess.Popen(
            [gotool("grpcpeer"), "serve", *secured], stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        return int(process.stdout.readline())

    yield start
    for process in started:
        process.terminate()
        process.wait(10)
        process.stdout.close()


@pytest.fixture
def sluice(make_sluice, authority, serve, request):
    """Every call goes to one server; `request.param`: (TLS of the listener, TLS of the server)."""
    secured, behind = request.param
    running = make_sluice(workers=1)
    running.port, running.secured = free_port(), secured
    held = authority.issue(HOST).pair
    listener = https_listener("s", running.port, "cert", hostname=HOST)
    policy = [config_map("ca", authority.pem), backend_tls_policy("go", HOST, "ca")]
    running.write(
        "all.yaml",
        documents(
            secret("cert", held),
            gateway_of(listener) if secured else gateway(running.port),
            backend("go", serve(tls=behind)),
            grpc_route("r", [{"backendRefs": [backend_ref("go")]}]),
            *(policy if behind else []),
        ),
    )
    running.start()
    return running


ALL = pytest.mark.parametrize(
    "sluice",
    [(False, False), (True, False), (True, True)],
    ids=["h2c", "https", "https-to-https"],
    indirect=True,
)


@pytest.fixture
def grpcurl(gotool, sluice, authority):
    """grpcurl(what, *messages) -> what it prints."""

    def call(*what: str, messages: list[dict] = (), code: int = 0) -> str:
        secured = ["-cacert", str(authority.certificate), "-servername", HOST]
        command = [gotool("grpcurl"), *(secured if sluice.secured else ["-plaintext"])]
        command += ["-authority", HOST, "-max-time", "20"]
        command += ["-d", "@"] if messages else []
        done = subprocess.run(
            [*command, f"127.0.0.1:{sluice.port}", *what],
            input="\n".join(json.dumps(message) for message in messages),
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == code, done
        return done.stdout if code == 0 else done.stderr

    return call


def answers(text: str) -> list[dict]:
    """The messages that grpcurl printed, one JSON object after the other."""
    decoder, found, at = json.JSONDecoder(), [], 0
    while text[at:].strip():
        message, at = decoder.raw_decode(text, len(text) - len(text[at:].lstrip()))
        found.append(message)
    return found


def sizes(messages: list[dict]) -> list[int]:
    """Lengths of payloads; base64 has 4 characters for 3 bytes."""
    return [len(message["payload"]["body"]) * 3 // 4 for message in messages]


@ALL
def test_reflection_tells_grpcurl_the_services(grpcurl):
    assert SERVICE in grpcurl("list").split()
    assert "rpc FullDuplexCall ( stream" in grpcurl("describe", SERVICE)


@ALL
def test_grpcurl_makes_calls_of_every_kind(grpcurl):
    method = f"{SERVICE}/"
    assert answers(grpcurl(f"{method}EmptyCall")) == [{}]
    unary = grpcurl(f"{method}UnaryCall", messages=[{"responseSize": 30000}])
    assert sizes(answers(unary)) == [30000]
    wanted = [{"size": size} for size in (3, 30000, 9, 300)]
    stream = grpcurl(f"{method}StreamingOutputCall", messages=[{"responseParameters": wanted}])
    assert sizes(answers(stream)) == [3, 30000, 9, 300]
    upload = [{"payload": {"body": "AAAA" * n}} for n in (1, 2, 3)]
    assert answers(grpcurl(f"{method}StreamingInputCall", messages=upload)) == [
        {"aggregatedPayloadSize": 18}
    ]
    chat = [{"responseParameters": [one]} for one in wanted]
    assert sizes(answers(grpcurl(f"{method}FullDuplexCall", messages=chat))) == [3, 30000, 9, 300]


@ALL
def test_grpcurl_is_told_the_servers_own_error(grpcurl):
    status = [{"responseStatus": {"code": 9, "message": "not today"}}]
    told = grpcurl(f"{SERVICE}/UnaryCall", messages=status, code=64 + 9)
    assert "Code: FailedPrecondition" in told
    assert "Message: not today" in told


@ALL
def test_a_client_in_go_passes_the_cases_of_the_grpc_project(gotool, sluice, authority):
    secured = ["-ca", str(authority.certificate), "-name", HOST] if sluice.secured else []
    done = subprocess.run(
        [gotool("grpcpeer"), "call", *secured, f"127.0.0.1:{sluice.port}"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout.split()) == (0, CASES), done
