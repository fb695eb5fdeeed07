#!/usr/bin/env python3
"""Measures HTTPS, gRPC, header filters and mirrors beside the same written by hand in stock nginx.

Usage: feature_bench.py --build DIRECTORY [--gotools DIRECTORY] [--quick]
Requests (handshakes, calls) per CPU second of one worker; both sides log every request. Rounds of
the two sides alternate; every figure is a median with the range behind it.
"""

import argparse
import contextlib
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "test"))

from harness.authority import Authority, Issued  # noqa: E402
from harness.backends import NamedBackends  # noqa: E402
from harness.certificates import gateway_of, https_listener, secret  # noqa: E402
from harness.manifests import (  # noqa: E402
    backend,
    backend_ref,
    documents,
    gateway,
    grpc_route,
    header_filter,
    mirror_filter,
    route,
    rule,
)
from harness.net import accepts, free_port  # noqa: E402
from harness.plain_nginx import PlainNginx, http2_listen  # noqa: E402
from harness.sluice import Sluice  # noqa: E402
from harness.waiting import until  # noqa: E402
from measure import ADDRESS, HOST, per_cpu_second, show_ratio, wrk  # noqa: E402

PLAIN = """
  log_format bench '$remote_addr [$time_iso8601] "$request" $status $body_bytes_sent $request_time '
                   'host=$http_host endpoint=$upstream_addr tries=[$upstream_status]';
  access_log {dir}/bench.log bench;
  upstream blue {{ server {address}:{blue}; keepalive 64; }}
  upstream copy {{ server {address}:{copy}; keepalive 64; }}
  {upstream_of_calls}
  server {{
    {listen}
    {tls}
    proxy_http_version 1.1;
    {headers}
    {locations}
  }}
"""
TLS = """ssl_certificate {certificate}; ssl_certificate_key {key};
    ssl_protocols TLSv1.2 TLSv1.3; ssl_session_cache shared:bench:10m;"""
HEADERS = """
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $host;
      proxy_set_header X-Forwarded-Port $server_port;
      proxy_set_header X-Request-Id $request_id;"""
PROXY = "location / { proxy_pass http://blue; }"
# A location with a header of its own inherits none.
FILTERED = (
    "location / {"
    + HEADERS
    + """
      proxy_set_header X-Tenant blue;
      proxy_set_header X-Secret "";
      proxy_set_header X-List "$http_x_list,b";
      proxy_hide_header X-Backend;
      add_header X-Served-By gateway always;
      proxy_pass http://blue;
    }"""
)
MIRRORED = """location / { mirror /copy; proxy_pass http://blue; }
    location = /copy { internal; proxy_pass http://copy$request_uri; }"""
CALLED = """location / {
      grpc_set_header X-Forwarded-For $remote_addr;
      grpc_set_header X-Forwarded-Proto $scheme;
      grpc_set_header X-Forwarded-Host $host;
      grpc_set_header X-Forwarded-Port $server_port;
      grpc_set_header X-Request-Id $request_id;
      grpc_pass grpc://calls;
    }"""

Load = Callable[[int, float], float]


@dataclass(frozen=True)
class Case:
    title: str
    route: str
    locations: str
    load: Load
    tls: bool = False
    http2: bool = False


def requests(**more) -> Load:
    """wrk's load; every request is answered as it should be."""

    def load(port: int, seconds: float) -> float:
        done = wrk(port, "/item", seconds, **more)
        assert done["failures"] == 0, done
        return done["requests"]

    return load


def calls(directory: Path) -> Load:
    """Unary calls over 16 connections of HTTP/2."""
    body = directory / "call"
    body.write_bytes(b"\0\0\0\0\0")  # a message without fields

    def load(port: int, seconds: float) -> float:
        count = int(20_000 * seconds)
        command = ["h2load", "-t1", "-c16", "-m8", f"-n{count}", f"-d{body}"]
        command += ["-H", "content-type: application/grpc", "-H", "te: trailers"]
        command.append(f"http://{ADDRESS}:{port}/grpc.testing.TestService/EmptyCall")
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        good = int(re.search(r"status codes: (\d+) 2xx", text)[1])
        assert good == count, text
        return good

    return load


def cases(directory: Path) -> list[Case]:
    to_blue = [rule(backend_ref("blue"))]
    edits = [
        header_filter("request", {"X-Tenant": "blue"}, {"X-List": "b"}, ["X-Secret"]),
        header_filter("response", {"X-Served-By": "gateway"}, remove=["X-Backend"]),
    ]
    filtered = requests(headers=["X-List: a", "X-Secret: s", "X-Tenant: forged"])
    closing = requests(scheme="https", headers=["Connection: close"])
    return [
        Case("HTTP requests", route("r", to_blue), PROXY, requests()),
        Case("HTTPS requests", route("r", to_blue), PROXY, requests(scheme="https"), tls=True),
        Case("HTTPS handshakes", route("r", to_blue), PROXY, closing, tls=True),
        Case(
            "header filters",
            route("r", [rule(backend_ref("blue"), filters=edits)]),
            FILTERED,
            filtered,
        ),
        Case(
            "a mirror",
            route("r", [rule(backend_ref("blue"), filters=[mirror_filter("copy")])]),
            MIRRORED,
            requests(),
        ),
        Case(
            "gRPC unary calls",
            grpc_route("r", [{"backendRefs": [backend_ref("calls")]}]),
            CALLED,
            calls(directory),
            http2=True,
        ),
    ]


def make_sluice(
    case: Case, directory: Path, build: Path, issued: Issued, ports: dict[str, int]
) -> Sluice:
    sluice = Sluice(directory / "sluice", build / "bin", ["--address", ADDRESS, "--workers", "1"])
    sluice.port = free_port(ADDRESS)
    listener = gateway_of(https_listener("s", sluice.port, "cert"))
    sluice.write(
        "all.yaml",
        documents(
            secret("cert", issued.pair),
            listener if case.tls else gateway(sluice.port),
            *(backend(name, port) for name, port in ports.items()),
            case.route,
        ),
    )
    return sluice


def start_plain(case: Case, directory: Path, issued: Issued, ports: dict[str, int]) -> PlainNginx:
    port = free_port(ADDRESS)
    listen = f"listen {ADDRESS}:{port}{' ssl' if case.tls else ''};"
    text = PLAIN.format(
        dir=directory / "plain",
        address=ADDRESS,
        listen=http2_listen("nginx", f"{ADDRESS}:{port}", False) if case.http2 else listen,
        tls=TLS.format(**vars(issued)) if case.tls else "",
        headers=HEADERS,
        locations=case.locations,
        upstream_of_calls=f"upstream calls {{ server {ADDRESS}:{ports['calls']}; keepalive 64; }}"
        if case.http2
        else "",
        **ports,
    )
    plain = PlainNginx(directory / "plain", text)
    plain.port = port
    until(lambda: accepts(ADDRESS, port), "the plain nginx")
    return plain


def measure(case: Case, directory: Path, build: Path, ports: dict[str, int], quick: bool) -> None:
    rounds, seconds = (1, 2) if quick else (5, 3)
    directory.mkdir()
    directory.chmod(0o755)
    issued = Authority(directory).issue(HOST)
    sluice = make_sluice(case, directory, build, issued, ports)
    with contextlib.ExitStack() as started:
        started.callback(sluice.stop)
        sluice.start()
        plain = start_plain(case, directory, issued, ports)
        started.callback(plain.stop)
        sides = {
            "Sluice": (sluice.port, sluice.worker_pids()),
            "nginx": (plain.port, plain.workers()),
        }
        rates = per_cpu_second(lambda port: case.load(port, seconds), sides, rounds)
        show_ratio(case.title, rates)
    assert sluice.bad_log_lines() == []
    log = (sluice.state / "logs/access.log").read_text().splitlines()
    failed = [line for line in log if "tries=[200]" not in line and "tries=[-]" not in line]
    assert not failed, failed[:3]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--gotools", type=Path, help="what test/gotools/build.py filled")
    parser.add_argument("--quick", action="store_true", help="small counts: does it run at all?")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sluice-bench-") as name:
        directory = Path(name)
        directory.chmod(0o755)
        backends = NamedBackends(directory / "backends", ["blue", "copy"])
        ports = {**backends.ports, "calls": 0}
        grpcpeer = arguments.gotools and arguments.gotools / "grpcpeer"
        server = None
        if grpcpeer and grpcpeer.exists():
            server = subprocess.Popen([grpcpeer, "serve"], stdout=subprocess.PIPE, text=True)
            ports["calls"] = int(server.stdout.readline())
        print("per worker-CPU-second, Sluice / written by hand in nginx", flush=True)
        try:
            for number, case in enumerate(cases(directory)):
                if case.http2 and server is None:
                    print(f"  {case.title:24} not measured: no server of {grpcpeer}")
                    continue
                build = arguments.build.resolve()
                measure(case, directory / str(number), build, ports, arguments.quick)
        finally:
            if server:
                server.terminate()
                server.wait(10)
            backends.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
