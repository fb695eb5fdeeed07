"""A TLS client whose bytes a test sends as it likes."""

import contextlib
import socket
import ssl


class ManualTls:
    def __init__(self, name: str | None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)

    def hello(self) -> bytes:
        """The ClientHello, once."""
        with contextlib.suppress(ssl.SSLWantReadError):
            self.tls.do_handshake()
        return self._outgoing.read()

    def finish(self, sock: socket.socket) -> bytes:
        """The rest of the handshake over `sock`; the server's certificate (DER)."""
        while True:
            try:
                self.tls.do_handshake()
                sock.sendall(self._outgoing.read())
                return self.tls.getpeercert(binary_form=True)
            except ssl.SSLWantReadError:
                sock.sendall(self._outgoing.read())
                data = sock.recv(65536)
                if not data:
                    raise ConnectionError("closed in the handshake") from None
                self._incoming.write(data)


def client_hello(name: str | None) -> bytes:
    return ManualTls(name).hello()


def in_records(hello: bytes, part: int) -> bytes:
    """The same message, in records of `part` bytes."""
    message = hello[5:]
    parts = [message[at : at + part] for at in range(0, len(message), part)]
    return b"".join(hello[:3] + len(one).to_bytes(2, "big") + one for one in parts)
