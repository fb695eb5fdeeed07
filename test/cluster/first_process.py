#!/usr/bin/env python3
"""The first process of a cluster: makes the network and the certificates, starts the rest.

Usage: first_process.py STATE SUITE [OPTION of the API server]...
It is started in new network and pid namespaces (see cluster.py).
When it ends, the kernel ends everything else in the pid namespace, and interfaces go with the
network. It ends when one of its own ends.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

from cluster import certificates, layout  # noqa: E402
from cluster.api import Api, Refusal  # noqa: E402

START_S = 120
ETCD = "http://127.0.0.1:2379"
CONTROLLERS = (
    "clusterrole-aggregation-controller",
    "daemonset-controller",
    "deployment-controller",
    "endpointslice-controller",
    "garbage-collector-controller",
    "namespace-controller",
    "replicaset-controller",
    "root-ca-certificate-publisher-controller",
    "serviceaccount-controller",
    "statefulset-controller",
)


def make_network() -> None:
    lines = ["link set lo up", f"link add {layout.BRIDGE} type bridge"]
    for network in layout.POD_NETWORKS:
        nodad = " nodad" if ":" in network else ""
        lines.append(f"addr add {network} dev {layout.BRIDGE}{nodad}")
    lines.append(f"link set {layout.BRIDGE} up")
    lines += [f"route add local {network} dev lo" for network in layout.GATEWAYS]
    script = "\n".join(lines).encode()
    subprocess.run(["ip", "-batch", "-"], input=script, check=True, stdout=subprocess.DEVNULL)
    Path("/proc/sys/net/ipv6/ip_nonlocal_bind").write_text("1")  # IPv4 needs the route alone


def etcd_arguments(state: Path) -> list[str]:
    return [
        f"--data-dir={state}/etcd",
        f"--listen-client-urls={ETCD}",
        f"--advertise-client-urls={ETCD}",
        "--listen-peer-urls=http://127.0.0.1:2380",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def api_server_arguments(files: Path) -> list[str]:
    return [
        f"--etcd-servers={ETCD}",
        f"--advertise-address={layout.NODE}",
        f"--secure-port={layout.API_PORT}",
        f"--service-cluster-ip-range={','.join(layout.SERVICES)}",
        f"--tls-cert-file={files}/server.crt",
        f"--tls-private-key-file={files}/server.key",
        f"--client-ca-file={files}/ca.crt",
        "--anonymous-auth=false",
        "--authorization-mode=RBAC",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={files}/accounts.pub",
        f"--service-account-signing-key-file={files}/accounts.key",
        f"--kubelet-certificate-authority={files}/ca.crt",
        f"--kubelet-client-certificate={files}/admin.crt",
        f"--kubelet-client-key={files}/admin.key",
        "--kubelet-preferred-address-types=InternalIP",
        "--profiling=false",
    ]


def controller_manager_arguments(state: Path, files: Path) -> list[str]:
    return [
        f"--kubeconfig={state}/kubeconfig",
        f"--controllers={','.join(CONTROLLERS)}",
        f"--root-ca-file={files}/ca.crt",
        "--leader-elect=false",
        "--secure-port=0",
        "--kube-api-qps=500",
        "--kube-api-burst=500",
        "--profiling=false",
    ]


class Family:
    """The cluster's programs by pid, each with a log of its own."""

    def __init__(self, state: Path):
        self.state = state
        self.names: dict[int, str] = {}

    def start(self, name: str, *command: str | Path, **more) -> None:
        with (self.state / f"{name}.log").open("wb") as log:
            started = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, **more
            )
        self.names[started.pid] = name

    def check(self) -> None:
        """Fails when a program has ended; takes the exit codes of whatever has."""
        while self.names and (ended := os.waitpid(-1, os.WNOHANG))[0]:
            self._judge(*ended)

    def watch(self) -> None:
        """Until a program of the family ends; the first process inherits orphans, too."""
        while True:
            self._judge(*os.wait())

    def _judge(self, pid: int, status: int) -> None:
        if pid in self.names:
            name, code = self.names[pid], os.waitstatus_to_exitcode(status)
            log = (self.state / f"{name}.log").read_text(errors="replace")
            sys.exit(f"{name} ended: {code}\n{log[-2000:]}")


def wait_for_api(family: Family, files: Path) -> None:
    api = Api(files)
    deadline = time.monotonic() + START_S
    while True:
        family.check()
        try:
            api.read("GET", "/readyz")
            return
        except (OSError, Refusal) as problem:
            if time.monotonic() >= deadline:
                sys.exit(f"the API server was not ready in {START_S} s: {problem}")
        time.sleep(0.05)


def main() -> None:
    state, suite, more = Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
    kit, files = state / "kit", state / "certificates"
    make_network()
    certificates.make(files)
    admin = certificates.client_user(files, "admin")
    certificates.write_kubeconfig(state / "kubeconfig", files, admin)
    family = Family(state)
    family.start("etcd", kit / "etcd", *etcd_arguments(state))
    family.start("kube-apiserver", kit / "kube-apiserver", *api_server_arguments(files), *more)
    wait_for_api(family, files)
    manager = controller_manager_arguments(state, files)
    family.start("kube-controller-manager", kit / "kube-controller-manager", *manager)
    images = (f"--image=echo-basic={kit / suite}/echo-basic", f"--image=coredns={kit}/dns")
    kubelet = (sys.executable, "-m", "cluster.kubelet", f"--state={state}", *images)
    family.start("kubelet", *kubelet, env={**os.environ, "PYTHONPATH": str(TESTS)})
    family.watch()


if __name__ == "__main__":
    main()
