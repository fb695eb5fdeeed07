#!/usr/bin/env python3
"""Measures relayed TCP, TLS and UDP beside the same written by hand in stock nginx's stream {}.

Usage: stream_bench.py --build DIRECTORY [--quick]
What goes through per CPU second of one worker, then the time to a backend's first byte; both sides
log every connection. Rounds of the sides alternate; figures are medians with the range behind them.
"""

import argparse
import contextlib
import itertools
import os
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "test"))

from harness.authority import Authority, Issued  # noqa: E402
from harness.certificates import gateway_of, https_listener, secret, tls_listener  # noqa: E402
from harness.client_hello import client_hello  # noqa: E402
from harness.manifests import backend, backend_ref, documents, stream_route  # noqa: E402
from harness.net import accepts, free_ports  # noqa: E402
from harness.plain_nginx import PlainNginx  # noqa: E402
from harness.sluice import Sluice  # noqa: E402
from harness.waiting import until  # noqa: E402
from measure import ADDRESS, HOST, per_cpu_second, show_ratio, spread, wrk  # noqa: E402

NAME = "localhost"  # the server name: wrk says only names that resolve
WEB = "web.example.com"
FILE_MIB = 1
AT_ONCE = 32  # datagrams under way
CLIENTS = 384  # of UDP, with a session each
PORTS = ("tcp", "tls", "mixed", "first", "udp")

BEHIND_HTTP = """
  ssl_certificate {certificate}; ssl_certificate_key {key};
  server {{
    listen {address}:{plain};
    listen {address}:{secured} ssl;
    root {root};
    location = / {{ return 200 ok; }}
  }}
"""
# It speaks as soon as it is connected to, and answers each datagram.
BEHIND_STREAM = """
  server {{ listen {address}:{first}; return x; }}
  server {{ listen {address}:{first} udp; return x; }}
"""
STATIC = """
  log_format bench '$remote_addr [$time_iso8601] $protocol $status $bytes_received $bytes_sent '
                   '$session_time listener=$server_port endpoint=$upstream_addr';
  access_log {dir}/bench.log bench;
  map $ssl_preread_server_name $passed {{
    {name} {address}:{secured};
    {host} {address}:{first};
  }}
  server {{ listen {address}:{tcp}; proxy_pass {address}:{plain}; }}
  server {{ listen {address}:{plain_first}; proxy_pass {address}:{first}; }}
  server {{ listen {address}:{tls}; ssl_preread on; proxy_pass $passed; }}
  server {{ listen {address}:{udp} udp; proxy_pass {address}:{first}; proxy_timeout 30s; }}
  server {{ listen {address}:{brief} udp; proxy_pass {address}:{first}; proxy_responses 1; }}
"""

Load = Callable[[int, float], float]


def megabytes(port: int, seconds: float) -> float:
    done = wrk(port, "/file", seconds, connections=8)
    assert done["failures"] == 0, done
    return done["requests"] * FILE_MIB


def connections(**more) -> Load:
    """One request on each."""

    def load(port: int, seconds: float) -> float:
        done = wrk(port, "/", seconds, headers=["Connection: close"], **more)
        assert done["failures"] == 0, done
        return done["requests"]

    return load


def new_clients() -> Iterator[socket.socket]:
    """Each of an address that nobody else has."""
    for number in itertools.count(os.getpid() % 200 * 65536):
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        client.bind((f"127.{1 + number // 65536 % 250}.{number // 256 % 256}.{number % 256}", 0))
        client.settimeout(5)
        yield client


def ask_in_turn(clients: Iterator[socket.socket], port: int, seconds: float) -> int:
    """Datagrams that were answered, AT_ONCE under way; a lost one ends the run."""
    answered, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        asking = list(itertools.islice(clients, AT_ONCE))
        for client in asking:
            client.sendto(b"what is the time", (ADDRESS, port))
        for client in asking:
            assert client.recv(64) == b"x"
        answered += len(asking)
    return answered


def datagrams(count: int) -> Load:
    """Asked and answered, by `count` clients that have their sessions."""

    def load(port: int, seconds: float) -> float:
        with contextlib.ExitStack() as ending:
            clients = [ending.enter_context(each) for each in itertools.islice(NEW, count)]
            return ask_in_turn(itertools.cycle(clients), port, seconds)

    return load


def sessions(port: int, seconds: float) -> float:
    """Of one datagram and its answer."""

    def closing() -> Iterator[socket.socket]:
        kept: list[socket.socket] = []
        for client in NEW:
            kept.append(client)
            if len(kept) > 2 * AT_ONCE:
                kept.pop(0).close()
            yield client

    return ask_in_turn(closing(), port, seconds)


NEW = new_clients()
CASES: list[tuple[str, str, str, Load]] = [
    ("TCP, MiB", "tcp", "tcp", megabytes),
    ("TCP, connections", "tcp", "tcp", connections()),
    ("TLS, connections", "tls", "tls", connections(scheme="https", name=NAME)),
    ("TLS beside HTTPS", "mixed", "tls", connections(scheme="https", name=NAME)),
    ("UDP, one client", "udp", "udp", datagrams(1)),
    (f"UDP, {CLIENTS} clients", "udp", "udp", datagrams(CLIENTS)),
    ("UDP, new clients", "udp", "brief", sessions),
]


def first_byte_ms(port: int, hello: bytes, count: int) -> list[float]:
    """From connect() on, each of a connection of its own."""
    times = []
    for _ in range(count):
        begun = time.perf_counter()
        with socket.create_connection((ADDRESS, port), timeout=10) as client:
            client.sendall(hello)
            assert client.recv(1) == b"x"
            times.append(1000 * (time.perf_counter() - begun))
    return times


def start_behind(directory: Path, issued: Issued) -> tuple[PlainNginx, dict[str, int]]:
    root = directory / "root"
    root.mkdir(parents=True)
    (root / "file").write_bytes(bytes(FILE_MIB << 20))
    ports = dict(zip(("plain", "secured", "first"), free_ports(3, ADDRESS), strict=True))
    http = BEHIND_HTTP.format(address=ADDRESS, root=root, **vars(issued), **ports)
    stream = BEHIND_STREAM.format(address=ADDRESS, **ports)
    running = PlainNginx(directory / "behind", http, stream=stream)
    for port in ports.values():
        until(lambda port=port: accepts(ADDRESS, port), "the backends")
    return running, ports


def make_sluice(directory: Path, build: Path, issued: Issued, behind: dict[str, int]) -> Sluice:
    sluice = Sluice(directory / "sluice", build / "bin", ["--address", ADDRESS, "--workers", "1"])
    sluice.ports = dict(zip(PORTS, free_ports(len(PORTS), ADDRESS), strict=True))
    listeners = [
        {"name": "tcp", "protocol": "TCP", "port": sluice.ports["tcp"]},
        {"name": "first", "protocol": "TCP", "port": sluice.ports["first"]},
        {"name": "udp", "protocol": "UDP", "port": sluice.ports["udp"]},
        tls_listener("tls", sluice.ports["tls"]),
        tls_listener("mixed", sluice.ports["mixed"]),
        https_listener("https", sluice.ports["mixed"], "cert", hostname=WEB),
    ]
    routes = [
        stream_route("TCPRoute", "tcp", backend_ref("plain"), listener="tcp"),
        stream_route("TCPRoute", "first", backend_ref("first"), listener="first"),
        stream_route("UDPRoute", "udp", backend_ref("first")),
        stream_route("TLSRoute", "secured", backend_ref("secured"), hostnames=[NAME]),
        stream_route("TLSRoute", "tls-first", backend_ref("first"), hostnames=[HOST]),
    ]
    named = [backend(name, port) for name, port in behind.items()]
    held = secret("cert", issued.pair)
    sluice.write("all.yaml", documents(held, gateway_of(*listeners), *named, *routes))
    return sluice


def start_static(directory: Path, behind: dict[str, int]) -> PlainNginx:
    names = ("tcp", "tls", "plain_first", "udp", "brief")
    ports = dict(zip(names, free_ports(len(names), ADDRESS), strict=True))
    place = directory / "static"
    words = {"dir": place, "address": ADDRESS, "name": NAME, "host": HOST}
    running = PlainNginx(place, "", stream=STATIC.format(**words, **ports, **behind))
    running.ports = ports
    until(lambda: accepts(ADDRESS, ports["tcp"]), "the static nginx")
    return running


def throughput(sluice: Sluice, static: PlainNginx, quick: bool) -> None:
    print("per worker-CPU-second, Sluice / written by hand in stream {}", flush=True)
    rounds, seconds = (1, 2) if quick else (5, 3)
    for title, ours, theirs, load in CASES:
        sides = {
            "Sluice": (sluice.ports[ours], sluice.worker_pids()),
            "nginx": (static.ports[theirs], static.workers()),
        }
        rates = per_cpu_second(lambda port, load=load: load(port, seconds), sides, rounds)
        show_ratio(title, rates)


def first_bytes(sluice: Sluice, static: PlainNginx, quick: bool) -> None:
    print("connect and ClientHello to the backend's first byte, ms", flush=True)
    sides = {
        "nginx, TCP": static.ports["plain_first"],
        "nginx, ssl_preread": static.ports["tls"],
        "Sluice, TCP": sluice.ports["first"],
        "Sluice, TLS": sluice.ports["tls"],
        "Sluice, TLS beside HTTPS": sluice.ports["mixed"],
    }
    hello = client_hello(HOST)
    rounds, count = (4, 50) if quick else (40, 100)
    times: dict[str, list[float]] = {name: [] for name in sides}
    medians: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, port in sides.items():
            measured = first_byte_ms(port, hello, count)
            times[name] += measured
            medians[name].append(statistics.median(measured))
    for name, all_times in times.items():
        added = [a - b for a, b in zip(medians[name], medians["nginx, ssl_preread"], strict=True)]
        p99 = statistics.quantiles(all_times, n=100)[98]
        median = statistics.median(all_times)
        beside = "" if name == "nginx, ssl_preread" else f"   beside ssl_preread {spread(added)}"
        print(f"  {name:24} median {median:.3f}   p99 {p99:.3f}{beside}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--quick", action="store_true", help="small counts: does it run at all?")
    arguments = parser.parse_args()
    with contextlib.ExitStack() as ending:
        directory = Path(ending.enter_context(tempfile.TemporaryDirectory(prefix="sluice-bench-")))
        directory.chmod(0o755)
        issued = Authority(directory).issue(NAME, WEB)
        behind, ports = start_behind(directory, issued)
        ending.callback(behind.stop)
        sluice = make_sluice(directory, arguments.build.resolve(), issued, ports)
        ending.callback(sluice.stop)
        sluice.start()
        static = start_static(directory, ports)
        ending.callback(static.stop)
        throughput(sluice, static, arguments.quick)
        first_bytes(sluice, static, arguments.quick)
        assert sluice.bad_log_lines() == []
    return 0


if __name__ == "__main__":
    sys.exit(main())
