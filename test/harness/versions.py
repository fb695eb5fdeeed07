"""The clients that every filter serves alike, and the Gateway that each of them needs."""

from harness.certificates import certificate, gateway_of, https_listener, secret
from harness.manifests import documents, gateway

VERSIONS = ["http1", "h2c", "https-h2"]


def scheme_of(version: str) -> str:
    return "https" if version.startswith("https") else "http"


def gateway_for(version: str, port: int) -> str:
    """The Gateway "web" whose one listener serves clients of `version` on `port`."""
    if scheme_of(version) == "http":
        return gateway(port)
    held = secret("certificate-of-web", certificate("example.com"))
    return documents(held, gateway_of(https_listener("s", port, "certificate-of-web")))
