#!/usr/bin/env python3
"""Measures many certificates: what a handshake costs, and how much memory, beside stock nginx.

Usage: certificate_bench.py --build DIRECTORY [--quick]
One HTTPS listener (in stock nginx: one `server` block) for each certificate, all on one port. Full
handshakes of TLS 1.3 for names drawn at random; rounds of the two sides alternate.
"""

import argparse
import contextlib
import json
import random
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "test"))

from harness.certificates import Certificate, https_listener, secret  # noqa: E402
from harness.manifests import backend, backend_ref, documents, rule  # noqa: E402
from harness.net import accepts, free_port  # noqa: E402
from harness.plain_nginx import PlainNginx  # noqa: E402
from harness.sluice import Sluice  # noqa: E402
from harness.waiting import until  # noqa: E402
from measure import ADDRESS, per_cpu_second, pss_mib, show_ratio  # noqa: E402

LISTENERS = 64  # of a Gateway
HTTP = """
  ssl_protocols TLSv1.2 TLSv1.3;
  ssl_session_cache shared:bench:10m;
  server_names_hash_max_size 65536;
  server_names_hash_bucket_size 128;
{servers}"""
SERVER = """
  server {{
    listen {address}:{port} ssl;
    server_name {name};
    ssl_certificate {held}/{number}.crt;
    ssl_certificate_key {held}/{number}.key;
    location / {{ return 204; }}
  }}"""
API = "gateway.networking.k8s.io/v1"


def name_of(number: int) -> str:
    return f"h{number}.bench.example.com"


def handshake(port: int, name: str) -> str:
    """A full handshake; the version that was agreed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    raw = socket.create_connection((ADDRESS, port), timeout=30)
    with context.wrap_socket(raw, server_hostname=name) as secured:
        return secured.version()


def load(port: int, names: list[str]) -> float:
    versions = {handshake(port, name) for name in names}
    assert versions == {"TLSv1.3"}, versions
    return len(names)


def gateways(port: int, count: int) -> list[str]:
    """As many as it takes, each with a route of its own."""
    made = []
    for first in range(0, count, LISTENERS):
        listeners = [
            https_listener(f"l{n}", port, f"c{n}", hostname=name_of(n))
            for n in range(first, min(first + LISTENERS, count))
        ]
        name = {"name": f"g{first}", "namespace": "default"}
        spec = {"gatewayClassName": "sluice", "listeners": listeners}
        made.append({"apiVersion": API, "kind": "Gateway", "metadata": name, "spec": spec})
        rules = {"parentRefs": [{"name": f"g{first}"}], "rules": [rule(backend_ref("none"))]}
        made.append({"apiVersion": API, "kind": "HTTPRoute", "metadata": name, "spec": rules})
    return [json.dumps(each) for each in made]


def fill(sluice: Sluice, held: Path, count: int) -> None:
    """Returns when everything is served."""
    secrets = [
        secret(
            f"c{n}",
            Certificate((held / f"{n}.crt").read_text(), (held / f"{n}.key").read_text()),
        )
        for n in range(count)
    ]
    sluice.write("secrets.yaml", documents(*secrets))
    texts = gateways(sluice.port, count)
    sluice.write("gateways.yaml", documents(backend("none", 9), *texts))
    until(lambda: answers(sluice.port, name_of(count - 1)), "the last listener", 900, step_s=0.2)


def answers(port: int, name: str) -> bool:
    try:
        return handshake(port, name) == "TLSv1.3"
    except OSError:
        return False


def start_plain(directory: Path, held: Path, count: int) -> PlainNginx:
    port = free_port(ADDRESS)
    servers = (
        SERVER.format(address=ADDRESS, port=port, name=name_of(n), held=held, number=n)
        for n in range(count)
    )
    plain = PlainNginx(directory, HTTP.format(servers="".join(servers)))
    plain.port = port
    until(lambda: accepts(ADDRESS, port), "the plain nginx")
    return plain


def report(sluice: Sluice, plain: PlainNginx, drawn: list[str], rounds: int) -> None:
    sides = {
        "Sluice": (sluice.port, sluice.worker_pids()),
        "nginx": (plain.port, plain.workers()),
    }
    show_ratio("handshakes per CPU s", per_cpu_second(lambda p: load(p, drawn), sides, rounds))
    nginx = pss_mib([sluice.master_pid(), *sluice.worker_pids()])
    controller = pss_mib([sluice.controller_pid()])
    stock = pss_mib([plain.process.pid, *plain.workers()])
    print(f"  memory in MiB             nginx with Sluice {nginx:.0f}, its controller", end=" ")
    print(f"{controller:.0f}, stock nginx {stock:.0f}", flush=True)


def measure(directory: Path, build: Path, count: int, quick: bool) -> None:
    print(f"{count} certificates", flush=True)
    rounds, handshakes = (1, 100) if quick else (5, 2000)
    held = directory / f"certificates-{count}"
    held.mkdir()
    subprocess.run([build / "bin/make_certificates", held, str(count)], check=True)
    arguments = ["--address", ADDRESS, "--workers", "1"]
    sluice = Sluice(directory / f"sluice-{count}", build / "bin", arguments)
    sluice.port = free_port(ADDRESS)
    with contextlib.ExitStack() as started:
        started.callback(sluice.stop)
        sluice.start()
        begun = time.monotonic()
        fill(sluice, held, count)
        ours_s = time.monotonic() - begun
        begun = time.monotonic()
        plain = start_plain(directory / f"plain-{count}", held, count)
        started.callback(plain.stop)
        theirs_s = time.monotonic() - begun
        print(f"  seconds until all served  Sluice {ours_s:.1f}, stock nginx {theirs_s:.1f}")
        every = [name_of(n) for n in range(count)]
        for port in (sluice.port, plain.port):
            load(port, every)  # so that memory is that of certificates in use
        report(sluice, plain, random.Random(count).choices(every, k=handshakes), rounds)
    assert sluice.bad_log_lines() == []


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--quick", action="store_true", help="small counts: does it run at all?")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sluice-bench-") as name:
        directory = Path(name)
        directory.chmod(0o755)
        for count in (100,) if arguments.quick else (1_000, 10_000):
            measure(directory, arguments.build.resolve(), count, arguments.quick)
    return 0


if __name__ == "__main__":
    sys.exit(main())
