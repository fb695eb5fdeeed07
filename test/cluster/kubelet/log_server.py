"""Where the API server asks for the logs of containers (`kubectl logs`)."""

import http.server
import ssl
import threading
from pathlib import Path
from urllib.parse import urlsplit

from cluster.kubelet.pod import Pod
from cluster.layout import NODE


class Handler(http.server.BaseHTTPRequestHandler):
    pods: dict[tuple[str, str], Pod]

    def do_GET(self) -> None:
        log = self._log_file(urlsplit(self.path).path.strip("/").split("/"))
        if log is None or not log.exists():
            self.send_error(404)
            return
        content = log.read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _log_file(self, parts: list[str]) -> Path | None:
        if len(parts) != 4 or parts[0] != "containerLogs":
            return None
        _, namespace, name, container = parts
        pod = self.pods.get((namespace, name))
        named = [one for one in pod.containers if one.name == container] if pod else []
        return named[0].log if named else None

    def log_message(self, *_) -> None:
        pass


def serve(certificates: Path, pods: dict[tuple[str, str], Pod]) -> int:
    """Answers in a thread of its own, to whoever has a client certificate; returns the port."""
    handler = type("PodLogs", (Handler,), {"pods": pods})
    server = http.server.ThreadingHTTPServer((NODE, 0), handler)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(certificates / "ca.crt"))
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.load_cert_chain(certificates / "server.crt", certificates / "server.key")
    server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]
