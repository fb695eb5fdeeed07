"""The numbers that a controller tells a monitoring system."""

import http.client
import socket
from pathlib import Path


def read_numbers(text: str) -> dict[str, float]:
    """By name with labels, as they are written."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path):
        super().__init__("sluice", timeout=10)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


class Counters:
    """Of the controller whose state is in `state`."""

    def __init__(self, state: Path):
        self.socket = state / "control.sock"

    def all(self) -> dict[str, float]:
        connection = _Connection(self.socket)
        try:
            connection.request("GET", "/metrics")
            answer = connection.getresponse()
            text = answer.read().decode()
            assert answer.status == 200, text
            return read_numbers(text)
        finally:
            connection.close()

    def route(self, kind: str, name: str, namespace: str = "default") -> dict[str, int]:
        """Of a route in the table; empty for one that is not there."""
        labels = f'kind="{kind}",namespace="{namespace}",name="{name}"'
        return self._numbers(
            {
                "relayed": f'sluice_route_connections_total{{{labels},result="relayed"}}',
                "refused": f'sluice_route_connections_total{{{labels},result="refused"}}',
                "active": f"sluice_route_connections_active{{{labels}}}",
                "from_clients": f'sluice_route_bytes_total{{{labels},direction="from_clients"}}',
                "to_clients": f'sluice_route_bytes_total{{{labels},direction="to_clients"}}',
            }
        )

    def socket_of(self, port: int, transport: str = "tcp") -> dict[str, int]:
        """Of a listening socket of 127.0.0.1."""
        labels = f'address="127.0.0.1:{port}",transport="{transport}"'
        closed = "sluice_listener_connections_closed_total"
        return self._numbers(
            {
                "accepted": f"sluice_listener_connections_total{{{labels}}}",
                "too_slow": f'{closed}{{{labels},reason="too_slow"}}',
                "malformed": f'{closed}{{{labels},reason="malformed"}}',
                "no_route": f'{closed}{{{labels},reason="no_route"}}',
            }
        )

    def _numbers(self, names: dict[str, str]) -> dict[str, int]:
        found = self.all()
        return {short: int(found[name]) for short, name in names.items() if name in found}
