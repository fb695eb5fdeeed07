"""The certificates of a cluster and the kubeconfig files that use them."""

import json
import subprocess
from pathlib import Path

from cluster.layout import API_SERVER, FIRST_SERVICE, NODE

DAYS = "30"
KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", DAYS)
LEAF = ("-CA", "ca.crt", "-CAkey", "ca.key", "-addext", "basicConstraints=critical,CA:false")
SERVER_NAMES = (
    f"IP:{NODE},IP:127.0.0.1,IP:{FIRST_SERVICE},DNS:localhost,"
    "DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc"
)


def openssl(directory: Path, *words: str) -> None:
    subprocess.run(["openssl", *words], cwd=directory, check=True, capture_output=True)


def make(directory: Path) -> None:
    """ca, server (API server and kubelet), admin, and the keys that sign tokens of accounts."""
    directory.mkdir(mode=0o700)
    ca = ("-subj", "/CN=cluster authority", "-keyout", "ca.key", "-out", "ca.crt")
    signs = ("-addext", "keyUsage=critical,keyCertSign,cRLSign")
    openssl(directory, "req", "-x509", *KEY, *signs, *ca)
    names = ("-addext", f"subjectAltName={SERVER_NAMES}")
    server = ("-subj", "/CN=kube-apiserver", "-keyout", "server.key", "-out", "server.crt")
    openssl(directory, "req", "-x509", *KEY, *LEAF, *names, *server)
    make_client(directory, "admin", groups=("system:masters",))
    openssl(directory, "genrsa", "-out", "accounts.key", "2048")
    openssl(directory, "rsa", "-in", "accounts.key", "-pubout", "-out", "accounts.pub")


def make_client(directory: Path, user: str, groups: tuple[str, ...] = ()) -> None:
    """USER.crt and USER.key, by which the API server knows a user and its groups."""
    subject = "".join(f"/O={group}" for group in groups) + f"/CN={user}"
    usage = ("-addext", "extendedKeyUsage=clientAuth")
    files = ("-keyout", f"{user}.key", "-out", f"{user}.crt")
    openssl(directory, "req", "-x509", *KEY, *LEAF, *usage, "-subj", subject, *files)


def write_kubeconfig(path: Path, directory: Path, user: dict, through: dict | None = None) -> None:
    """`user` is the user of a kubeconfig: a client certificate, a token, a tokenFile, exec.
    `through`: the cluster of one, when something stands before the API server."""
    itself = {"server": API_SERVER, "certificate-authority": f"{directory}/ca.crt"}
    cluster = through or itself
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "cluster",
        "clusters": [{"name": "cluster", "cluster": cluster}],
        "users": [{"name": "user", "user": user}],
        "contexts": [{"name": "cluster", "context": {"cluster": "cluster", "user": "user"}}],
    }
    path.touch(mode=0o600)
    path.write_text(json.dumps(document, indent=2) + "\n")  # JSON is YAML


def client_user(directory: Path, user: str) -> dict:
    return {
        "client-certificate": f"{directory}/{user}.crt",
        "client-key": f"{directory}/{user}.key",
    }
