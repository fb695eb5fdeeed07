"""The Autobahn WebSocket test suite: through Sluice nothing fails that its backend passes."""

import json
import subprocess

from harness.certificates import certificate, gateway_of, https_listener, secret
from harness.manifests import backend, backend_ref, documents, route
from harness.net import free_port

HOST = "ws.example.com"
LEFT_OUT = ["9.*", "12.*", "13.*"]  # speed, and compression, which is between client and backend
CASES = 247


GOOD = {"OK", "NON-STRICT", "INFORMATIONAL"}


def judge(cases: dict) -> dict[str, tuple[str, str]]:
    """What is wrong with which case."""
    assert len(cases) == CASES
    said = {name: (case["behavior"], case["behaviorClose"]) for name, case in cases.items()}
    assert sum(behavior == "OK" for behavior, _ in said.values()) > CASES * 9 // 10
    return {name: both for name, both in said.items() if not GOOD.issuperset(both)}


def test_no_case_fails_that_the_backend_passes(make_sluice, live, scratch, wstest):
    plain, secured = free_port(), free_port()
    sluice = make_sluice(workers=1)
    sluice.write(
        "all.yaml",
        documents(
            secret("cert", certificate(HOST)),
            gateway_of(
                {"name": "http", "protocol": "HTTP", "port": plain},
                https_listener("https", secured, "cert"),
            ),
            backend("websocket", live.websocket_port),
            route("r", [{"backendRefs": [backend_ref("websocket")]}]),
        ),
    )
    sluice.start()
    urls = {
        "backend": f"ws://127.0.0.1:{live.websocket_port}",
        "ws": f"ws://127.0.0.1:{plain}",
        "wss": f"wss://127.0.0.1:{secured}",
    }
    wanted = {
        "outdir": str(scratch / "reports"),
        "servers": [{"agent": agent, "url": url} for agent, url in urls.items()],
        "cases": ["*"],
        "exclude-cases": LEFT_OUT,
        "exclude-agent-cases": {},
    }
    spec = scratch / "fuzzingclient.json"
    spec.write_text(json.dumps(wanted))
    done = subprocess.run(
        [wstest, "-m", "fuzzingclient", "-s", spec],
        cwd=scratch,
        capture_output=True,
        text=True,
        timeout=240,
    )
    index = scratch / "reports/index.json"
    assert index.exists(), done
    wrong = {agent: judge(cases) for agent, cases in json.loads(index.read_text()).items()}
    of_backend = wrong.pop("backend")
    print(f"the backend gets wrong: {of_backend}")
    assert len(of_backend) <= 1, "the backend is no judge"
    assert wrong == {"ws": of_backend, "wss": of_backend}
