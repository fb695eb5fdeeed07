"""Backends: nginx servers from one rendered configuration, and one with long connections."""

import signal
import sys
from pathlib import Path
from string import Template

from harness.net import accepts, free_ports
from harness.processes import Process
from harness.waiting import until

HERE = Path(__file__).parent
ADDRESS = "127.0.0.1"

SERVER = """server {{
    listen {address}:{port};
    location / {{ add_header X-Backend {name}; return 200 "{name} {method} {uri} {host}\\n"; }}
  }}
"""


class NamedBackends:
    """`names` -> one nginx server each, answering "<name> <method> <uri> <host>"."""

    def __init__(self, directory: Path, names: list[str], nginx: str = "nginx"):
        directory.mkdir(parents=True, exist_ok=True)
        self.ports = dict(zip(names, free_ports(len(names), ADDRESS), strict=True))
        servers = "".join(
            SERVER.format(
                address=ADDRESS,
                port=port,
                name=name,
                method="$request_method",
                uri="$request_uri",
                host="$host",
            )
            for name, port in self.ports.items()
        )
        conf = directory / "backends.conf"
        template = Template((HERE / "backends.conf").read_text())
        conf.write_text(template.safe_substitute(directory=directory, servers=servers))
        self.process = Process(
            [
                nginx,
                "-p",
                str(directory),
                "-e",
                str(directory / "backends-boot.log"),
                "-c",
                str(conf),
            ],
            directory / "backends.log",
        )
        for port in self.ports.values():
            until(lambda port=port: accepts(ADDRESS, port), f"the backend on port {port}")

    def stop(self) -> None:
        self.process.stop(signal.SIGQUIT)


class LiveBackend:
    """WebSocket echo and slow downloads (see live_backend.py)."""

    def __init__(self, directory: Path):
        directory.mkdir(parents=True, exist_ok=True)
        self.websocket_port, self.download_port = free_ports(2, ADDRESS)
        self.process = Process(
            [
                sys.executable,
                str(HERE / "live_backend.py"),
                ADDRESS,
                str(self.websocket_port),
                str(self.download_port),
            ],
            directory / "live-backend.log",
        )
        for port in (self.websocket_port, self.download_port):
            until(lambda port=port: accepts(ADDRESS, port), f"the backend on port {port}")

    def stop(self) -> None:
        self.process.stop()
