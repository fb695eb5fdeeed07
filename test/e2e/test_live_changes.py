"""Thousands of changes under load: no failed request, same workers, every connection open."""

import os

from harness.load import Load
from harness.longlived import WebSockets
from harness.manifests import backend, backend_ref, documents, gateway, route
from harness.net import free_port

CHANGES = int(os.environ.get("SLUICE_LIVE_CHANGES", "5000"))
WEBSOCKETS = 50


def test_5000_changes_under_load_break_nothing(make_sluice, backends, live):
    print(f"SLUICE_LIVE_CHANGES={CHANGES}")
    sluice = make_sluice()
    port = free_port()
    ports = backends.ports
    sluice.write(
        "fixed.yaml",
        documents(
            gateway(port),
            *(backend(name, number) for name, number in ports.items()),
            backend("websocket", live.websocket_port),
            route(
                "fixed",
                [
                    {
                        "matches": [{"path": {"value": "/ws"}}],
                        "backendRefs": [backend_ref("websocket")],
                    },
                    {"backendRefs": [backend_ref("blue"), backend_ref("green")]},
                ],
                ["example.com"],
            ),
        ),
    )
    sluice.start()
    workers = sluice.worker_pids()
    sockets = WebSockets("127.0.0.1", port, "example.com", "/ws", count=WEBSOCKETS)
    load = Load("127.0.0.1", port, "example.com", "/load", clients=4)
    try:
        for number in range(CHANGES):
            which = number % 100
            names = list(ports)
            rule = {
                "matches": [{"path": {"value": f"/p{number}"}}],
                "backendRefs": [backend_ref(names[number % len(names)])],
            }
            hosts = ["example.com"] if number % 2 else [f"h{which}.example.com"]
            sluice.write(f"change-{which}.yaml", route(f"change-{which}", [rule], hosts))
            if number % 500 == 499:
                sluice.wait(seconds=30)
        sluice.wait(seconds=60)
        assert sockets.echo() == WEBSOCKETS
    finally:
        load.stop()
        sockets.close()
    assert load.failures == []
    assert load.total > 1000
    assert sluice.worker_pids() == workers
