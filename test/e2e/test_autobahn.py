"""The Autobahn WebSocket test suite through Sluice: nothing fails."""

import json
import subprocess

import pytest
from harness.certificates import certificate, gateway_of, https_listener, secret
from harness.manifests import backend, backend_ref, documents, route
from harness.net import free_port

HOST = "ws.example.com"
LEFT_OUT = ["9.*", "12.*", "13.*"]  # speed, and compression, which is between client and backend
CASES = 247


@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_no_case_fails(make_sluice, live, scratch, wstest, scheme):
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
    url = f"{scheme}://127.0.0.1:{plain if scheme == 'ws' else secured}"
    wanted = {
        "outdir": str(scratch / "reports"),
        "servers": [{"agent": "sluice", "url": url}],
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
    cases = json.loads(index.read_text())["sluice"]
    assert len(cases) == CASES
    said = {name: (case["behavior"], case["behaviorClose"]) for name, case in cases.items()}
    good = {"OK", "NON-STRICT", "INFORMATIONAL"}
    assert {name: both for name, both in said.items() if not good.issuperset(both)} == {}
    assert sum(behavior == "OK" for behavior, _ in said.values()) > CASES * 9 // 10
