"""A worker allocates nothing for a request but from its pool, which is nginx's."""

import http.client
import os
import signal
import struct
import subprocess
from pathlib import Path

import pytest
from harness.manifests import backend, backend_ref, documents, gateway, route
from harness.net import accepts, free_ports
from harness.processes import Process
from harness.sluice import BAD_LOG
from harness.waiting import until

REQUESTS = 2000
WARM_UP = 200
ROUNDS = 3

# What sluice_pass takes from the request's pool is allowed: the pools are so large that they never
# grow, and the plain location sends the same header fields. All that is left is the heap.
CONF = """load_module {module};
{user}
daemon off;
worker_processes 1;
pid {dir}/nginx.pid;
error_log {dir}/error.log notice;
events {{ worker_connections 256; }}
http {{
  sluice_table {dir}/table;
  sluice_keeper {dir}/state/keeper.sock;
  access_log off;
  keepalive_requests 1000000;
  request_pool_size 32k;
  client_body_temp_path {dir}/t1;
  proxy_temp_path {dir}/t2;
  fastcgi_temp_path {dir}/t3;
  uwsgi_temp_path {dir}/t4;
  scgi_temp_path {dir}/t5;
  upstream direct {{ server 127.0.0.1:{blue}; keepalive 4; keepalive_requests 1000000; }}
  server {{
    listen 127.0.0.1:{plain};
    location / {{
      proxy_pass http://direct;
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Connection "";
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header X-Forwarded-Port $server_port;
      proxy_set_header X-Request-Id $request_id;
    }}
  }}
  server {{
    listen 127.0.0.1:{gateway};
    location / {{ sluice_pass; }}
  }}
}}
"""

RULES = [
    {
        "matches": [
            {
                "path": {"type": "RegularExpression", "value": "/v[0-9]+/.*"},
                "headers": [{"type": "RegularExpression", "name": "X-User", "value": "[a-z]+"}],
                "queryParams": [{"name": "page", "value": "1 2"}],
            }
        ],
        "backendRefs": [backend_ref("blue", 3), backend_ref("again", 1)],
    },
    {"matches": [{"path": {"type": "Exact", "value": "/exact"}}]},
    {"backendRefs": [backend_ref("blue")]},
]

TARGETS = {
    "a prefix": ("/some/where", {}),
    "a rewritten path": ("/some/../%7Ewhere/./", {}),
    "regular expressions and weights": ("/v1/item?page=1+2", {"X-User": "me"}),
    "many headers": ("/v2/x?a=1", {f"X-{n}": "v" for n in range(30)}),
}


class CountedServer:
    """An nginx with one worker that counts its allocations, and the controller of its table."""

    def __init__(self, directory: Path, build: Path, backends, nginx: str):
        self.dir = directory
        self.plain, self.gateway = free_ports(2)
        for name in ("m", "state"):
            (directory / name).mkdir()
        blue = backends.ports["blue"]
        (directory / "m/all.yaml").write_text(
            documents(
                gateway(self.gateway),
                backend("blue", blue),
                backend("again", blue),
                route("counted", RULES, ["example.com"]),
            )
        )
        (directory / "nginx.conf").write_text(
            CONF.format(
                module=build / "modules/ngx_http_sluice_module.so",
                user="user nobody nogroup;" if os.geteuid() == 0 else "",
                dir=directory,
                blue=blue,
                plain=self.plain,
                gateway=self.gateway,
            )
        )
        self.count_file = directory / "count"
        self.count_file.write_bytes(bytes(8))
        group = ["--group", "65534"] if os.geteuid() == 0 else []
        self.controller = Process(
            [str(build / "bin/sluice-controller"), "--source", "files"]
            + ["--dir", str(directory / "m"), "--state-dir", str(directory / "state")]
            + ["--table-dir", str(directory / "table"), "--address", "127.0.0.1", *group],
            directory / "controller.log",
        )
        self.nginx = Process(
            [nginx, "-p", str(directory), "-e", f"{directory}/boot.log"]
            + ["-c", f"{directory}/nginx.conf"],
            directory / "nginx.log",
            env={
                **os.environ,
                "LD_PRELOAD": str(build / "harness/allocation_counter.so"),
                "SLUICE_ALLOCATION_COUNT": str(self.count_file),
            },
        )
        wait = [str(build / "bin/sluicectl"), "wait", "--state-dir", str(directory / "state")]
        until(lambda: accepts("127.0.0.1", self.gateway), "nginx")
        until(lambda: subprocess.run(wait, capture_output=True).returncode == 0, "wait", 20)

    def count(self) -> int:
        return struct.unpack("Q", self.count_file.read_bytes())[0]

    def stop(self) -> list[str]:
        self.nginx.stop(signal.SIGQUIT)
        self.controller.stop()
        text = "".join(path.read_text() for path in self.dir.glob("*.log"))
        return [line for line in text.splitlines() if BAD_LOG.search(line)]

    def allocations(self, port: int, path: str, headers: dict[str, str]) -> int:
        """What REQUESTS requests on one connection cost, after some that are not counted: the
        least of ROUNDS, because a worker's timers allocate now and then too."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            self._ask(connection, WARM_UP, path, headers)
            return min(self._round(connection, path, headers) for _ in range(ROUNDS))
        finally:
            connection.close()

    def _round(self, connection, path: str, headers: dict[str, str]) -> int:
        before = self.count()
        self._ask(connection, REQUESTS, path, headers)
        return self.count() - before

    def _ask(self, connection, times: int, path: str, headers: dict[str, str]) -> None:
        for _ in range(times):
            connection.request("GET", path, headers={"Host": "example.com", **headers})
            answer = connection.getresponse()
            assert (answer.status, answer.read()[:5]) == (200, b"blue ")


@pytest.fixture
def counted(request, scratch, binaries, nginx, backends):
    if request.config.getoption("--sanitizer"):
        pytest.skip("a sanitizer has its own heap")
    if not (binaries.parent / "harness/allocation_counter.so").exists():
        pytest.skip("built without tests")
    server = CountedServer(scratch, binaries.parent, backends, nginx or "/usr/sbin/nginx")
    yield server
    assert server.stop() == []


def test_a_request_allocates_no_more_than_through_proxy_pass(counted):
    more = {}
    for name, (path, headers) in TARGETS.items():
        plain = counted.allocations(counted.plain, path, headers)
        ours = counted.allocations(counted.gateway, path, headers)
        print(f"{name}: {plain} allocations by proxy_pass, {ours} by sluice_pass, {REQUESTS} each")
        assert plain >= REQUESTS, "a request's pool is an allocation: they are not counted"
        more[name] = ours - plain
    assert all(number < REQUESTS / 100 for number in more.values()), more
