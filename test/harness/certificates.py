"""Certificates for tests, made by the openssl command when they are asked for, and TLS clients."""

import base64
import functools
import json
import socket
import ssl
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Certificate:
    pem: str
    key: str

    @property
    def der(self) -> bytes:
        return ssl.PEM_cert_to_DER_cert(self.pem)


def make_certificate(*names: str, rsa: bool = False) -> Certificate:
    """Signed by itself, for the DNS names."""
    kind = ["rsa:2048"] if rsa else ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    with tempfile.TemporaryDirectory() as name:
        key, pem = Path(name) / "key", Path(name) / "pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-nodes", "-days", "30", "-newkey", *kind]
            + ["-subj", f"/CN={names[0]}", "-keyout", str(key), "-out", str(pem)]
            + ["-addext", "subjectAltName=" + ",".join(f"DNS:{one}" for one in names)],
            check=True,
            capture_output=True,
        )
        return Certificate(pem.read_text(), key.read_text())


certificate = functools.cache(make_certificate)  # the same one for the same names


def secret(name: str, held: Certificate, namespace: str = "default") -> str:
    data = {
        key: base64.b64encode(text.encode()).decode()
        for key, text in (("tls.crt", held.pem), ("tls.key", held.key))
    }
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": namespace},
            "type": "kubernetes.io/tls",
            "data": data,
        }
    )


def https_listener(name: str, port: int, *secrets: str, hostname: str | None = None, **tls) -> dict:
    references = [{"name": one} for one in secrets]
    listener = {
        "name": name,
        "protocol": "HTTPS",
        "port": port,
        "tls": {"certificateRefs": references, **tls},
    }
    if hostname:
        listener["hostname"] = hostname
    return listener


def tls_listener(name: str, port: int, hostname: str | None = None, *secrets: str) -> dict:
    """Passthrough, or Terminate where there are Secrets."""
    tls: dict = {"mode": "Passthrough"}
    if secrets:
        tls = {"mode": "Terminate", "certificateRefs": [{"name": one} for one in secrets]}
    listener = {"name": name, "protocol": "TLS", "port": port, "tls": tls}
    if hostname:
        listener["hostname"] = hostname
    return listener


def gateway_of(*listeners: dict, name: str = "web", **spec) -> str:
    return json.dumps(
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "Gateway",
            "metadata": {"name": name, "namespace": "default"},
            "spec": {"gatewayClassName": "sluice", "listeners": list(listeners), **spec},
        }
    )


class TlsClient:
    """One connection: HTTP/1.1 over TLS, trusting everybody."""

    def __init__(
        self,
        port: int,
        name: str | None,
        address: str = "127.0.0.1",
        versions: tuple = (),
        ciphers: str | None = None,
        session: ssl.SSLSession | None = None,
        context: ssl.SSLContext | None = None,
    ):
        self.context = context or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if context is None:
            self.context.check_hostname = False
            self.context.verify_mode = ssl.CERT_NONE
        if versions:
            self.context.minimum_version, self.context.maximum_version = versions
        if ciphers:
            self.context.set_ciphers(ciphers)
        raw = socket.create_connection((address, port), timeout=10)
        try:
            self.socket = self.context.wrap_socket(raw, server_hostname=name, session=session)
        except BaseException:
            raw.close()
            raise

    def __enter__(self) -> "TlsClient":
        return self

    def __exit__(self, *_) -> None:
        self.socket.close()

    @property
    def der(self) -> bytes:
        return self.socket.getpeercert(binary_form=True)

    def ask(self, host: str, path: str = "/") -> tuple[int, str]:
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        reader = self.socket.makefile("rb")
        status = int(reader.readline().split()[1])
        length = 0
        while line := reader.readline().strip():
            key, _, value = line.partition(b":")
            if key.lower() == b"content-length":
                length = int(value)
        return status, reader.read(length).decode()

    def word(self, host: str, path: str = "/") -> str:
        status, body = self.ask(host, path)
        return body.split(" ", 1)[0].strip() if status == 200 else str(status)


def ask_h2(port: int, name: str, host: str, path: str = "/") -> int:
    """The status of one request over HTTP/2 with SNI `name` and authority `host`."""
    done = subprocess.run(
        ["curl", "-sk", "--http2", "--resolve", f"{name}:{port}:127.0.0.1", "-H", f"Host: {host}"]
        + ["-o", "/dev/null", "-w", "%{http_version} %{http_code}", f"https://{name}:{port}{path}"],
        capture_output=True,
        text=True,
        timeout=20,
    )
    version, status = done.stdout.split()
    assert version == "2", done
    return int(status)
