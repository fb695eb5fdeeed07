"""A certificate authority for one test, by the openssl program."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from harness.certificates import Certificate

KEYS = {"ec": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], "rsa": ["rsa:2048"]}


@dataclass
class Issued:
    certificate: Path
    key: Path

    @property
    def pair(self) -> Certificate:
        return Certificate(self.certificate.read_text(), self.key.read_text())


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


class Authority:
    def __init__(self, directory: Path, name: str = "authority", key: str = "ec"):
        self.directory = directory
        self.certificate = directory / f"{name}.crt"
        self._key = directory / f"{name}.key"
        self._issued = 0
        _openssl(
            *["req", "-x509", "-newkey", *KEYS[key], "-nodes", "-days", "30"],
            *["-subj", f"/CN={name}", "-addext", "keyUsage=critical,keyCertSign,cRLSign"],
            *["-keyout", str(self._key), "-out", str(self.certificate)],
        )

    @property
    def pem(self) -> str:
        return self.certificate.read_text()

    def issue(self, *names: str, key: str = "ec", tells_signer: bool = True) -> Issued:
        """A certificate for DNS names, and URIs where a name has a scheme.

        Strict clients want to be told which key signed it.
        """
        self._issued += 1
        stem = self.directory / f"{self.certificate.stem}-{self._issued}"
        issued = Issued(stem.with_suffix(".crt"), stem.with_suffix(".key"))
        request, extensions = stem.with_suffix(".csr"), stem.with_suffix(".ext")
        kinds = [("URI" if "://" in name else "DNS") + f":{name}" for name in names]
        signer = "keyid" if tells_signer else "none"
        extensions.write_text(
            f"subjectAltName = {','.join(kinds)}\nauthorityKeyIdentifier = {signer}\n"
        )
        _openssl(
            *["req", "-newkey", *KEYS[key], "-nodes", "-subj", "/CN=sluice test"],
            *["-keyout", str(issued.key), "-out", str(request)],
        )
        _openssl(
            *["x509", "-req", "-in", str(request), "-CA", str(self.certificate)],
            *["-CAkey", str(self._key), "-days", "30", "-set_serial", str(self._issued + 1)],
            *["-extfile", str(extensions), "-out", str(issued.certificate)],
        )
        return issued
