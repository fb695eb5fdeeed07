"""A backend behind TLS that keeps what it received and how each connection was secured."""

import contextlib
import ssl
from dataclasses import dataclass
from pathlib import Path

from harness.raw_backend import RawBackend


@dataclass
class Handshake:
    server_name: str | None
    protocol: str | None  # by ALPN
    version: str | None
    resumed: bool
    client_certificate: dict | None


class TlsBackend(RawBackend):
    """`handshakes` lists the completed ones; `refused` counts those that the client broke off."""

    def __init__(self, certificate: Path, key: Path, client_ca: Path | None = None, **more):
        self.handshakes: list[Handshake] = []
        self.refused = 0
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, key)
        self._context.sni_callback = self._note_server_name
        self._context.set_alpn_protocols(["h2", "http/1.1"])
        if client_ca:
            self._context.verify_mode = ssl.CERT_REQUIRED
            self._context.load_verify_locations(client_ca)
        super().__init__(**more)

    def _note_server_name(self, connection, server_name, context) -> None:
        connection.server_name_seen = server_name

    def finish_request(self, request, client_address) -> None:
        try:
            secured = self._context.wrap_socket(request, server_side=True)
        except (ssl.SSLError, OSError):
            self.refused += 1
            return
        self.handshakes.append(
            Handshake(
                getattr(secured, "server_name_seen", None),
                secured.selected_alpn_protocol(),
                secured.version(),
                secured.session_reused,
                secured.getpeercert() or None,
            )
        )
        with contextlib.suppress(OSError), secured:
            super().finish_request(secured, client_address)


class AskingBackend(TlsBackend):
    """Answers with the name in the certificate that the client showed, or "nobody"."""

    def __init__(self, certificate: Path, key: Path, client_ca: Path, demands: bool = True):
        super().__init__(certificate, key, client_ca)
        self._context.verify_mode = ssl.CERT_REQUIRED if demands else ssl.CERT_OPTIONAL

    def content(self, connection) -> bytes:
        names = (connection.getpeercert() or {}).get("subjectAltName", ())
        return names[0][1].encode() if names else b"nobody"
