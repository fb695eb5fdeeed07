"""An nginx server that was there before: three lines more, and all the rest as it was."""

import os
import signal
import subprocess
from pathlib import Path

import pytest
from harness.certificates import TlsClient, certificate, gateway_of, https_listener, secret
from harness.client import ask
from harness.load import Load
from harness.manifests import backend, backend_ref, documents, gateway, route
from harness.net import accepts, free_ports
from harness.processes import Process, alive, worker_pids
from harness.sluice import BAD_LOG
from harness.waiting import until

CONF = """load_module {module};
{user}
worker_processes 2;
env ASAN_OPTIONS;
env UBSAN_OPTIONS;
pid {dir}/nginx.pid;
error_log {dir}/error.log notice;
events {{ worker_connections 1024; }}
http {{
  include {dir}/sluice-listeners.conf;
  {listeners}
  log_format routes '$request_uri $status $sluice_gateway $sluice_route $sluice_reason';
  access_log {dir}/access.log routes;
  client_body_temp_path {dir}/t1;
  proxy_temp_path {dir}/t2;
  fastcgi_temp_path {dir}/t3;
  uwsgi_temp_path {dir}/t4;
  scgi_temp_path {dir}/t5;
  limit_req_zone $binary_remote_addr zone=one:1m rate=1r/m;
  upstream old {{ server 127.0.0.1:{red}; keepalive 4; }}
  server {{
    listen 127.0.0.1:{static};
    server_name old.example.com;
    location / {{ root {dir}/www; }}
    location /limited {{ limit_req zone=one; sluice_pass gateway=default/web; }}
    location /old {{ proxy_pass http://old; }}
    location /denied {{ deny all; sluice_pass gateway=default/web; }}
    location /named {{ sluice_pass gateway=default/web; add_header X-Outer yes; }}
  }}
  server {{
    listen 127.0.0.1:{gateway};
    location / {{ sluice_pass; }}
  }}
}}
"""


class Fleet:
    """The operator's own nginx and a controller beside it."""

    def __init__(self, directory: Path, build: Path, backends, nginx: str, listeners: str):
        self.dir, self.build, self.nginx = directory, build, nginx
        self.static, self.gateway, self.extra = free_ports(3)
        (directory / "www").mkdir()
        (directory / "www/index.html").write_text("static file\n")
        self.manifests = directory / "m"
        self.manifests.mkdir()
        self.table = directory / "table"
        self.state = directory / "state"
        self.state.mkdir()
        self._include()
        conf = CONF.format(
            module=build / "modules/ngx_http_sluice_module.so",
            user="user nobody nogroup;" if os.geteuid() == 0 else "",
            dir=directory,
            listeners=listeners,
            red=backends.ports["red"],
            static=self.static,
            gateway=self.gateway,
        )
        (directory / "nginx.conf").write_text(conf)
        (self.manifests / "fixed.yaml").write_text(
            documents(
                gateway(self.gateway),
                *(backend(name, number) for name, number in backends.ports.items()),
                route("fixed", [{"backendRefs": [backend_ref("blue")]}], gateway="web"),
            )
        )
        self.controller: Process | None = None
        self.expected = ""  # of an error line that the test causes
        self.pid_file = directory / "nginx.pid"

    def _include(self) -> None:
        rendered = subprocess.run(
            [str(self.build / "bin/sluicectl"), "render", "sluice-listeners.conf"]
            + ["--table-dir", str(self.table), "--state-dir", str(self.state)]
            + ["--nginx", self.nginx],
            capture_output=True,
            text=True,
            check=True,
        )
        (self.dir / "sluice-listeners.conf").write_text(rendered.stdout)

    def start_controller(self) -> None:
        group = ["--group", "65534"] if os.geteuid() == 0 else []
        self.controller = Process(
            [str(self.build / "bin/sluice-controller"), "--source", "files"]
            + ["--dir", str(self.manifests), "--state-dir", str(self.state)]
            + ["--table-dir", str(self.table), "--address", "127.0.0.1", *group],
            self.dir / "controller.log",
        )

    def command(self, *arguments: str) -> list[str]:
        boot = str(self.dir / "boot.log")
        return [
            self.nginx,
            "-p",
            str(self.dir),
            "-e",
            boot,
            "-c",
            f"{self.dir}/nginx.conf",
            *arguments,
        ]

    def start_nginx(self) -> None:
        subprocess.run(self.command(), check=True, capture_output=True)
        until(lambda: accepts("127.0.0.1", self.static) and self.master(), "nginx")

    def master(self) -> int:
        """0: none, also for the moment in which USR2 gives the file another name."""
        try:
            text = self.pid_file.read_text().strip()
        except FileNotFoundError:
            return 0
        return int(text) if text else 0

    def quit_nginx(self, sig: int) -> None:
        master = self.master()
        if master:
            os.kill(master, sig)
            until(lambda: not alive(master), "the end of nginx", 20)

    def wait(self) -> None:
        command = [str(self.build / "bin/sluicectl"), "wait", "--state-dir", str(self.state)]
        until(lambda: subprocess.run(command, capture_output=True).returncode == 0, "wait", 20)

    def access_log(self) -> str:
        return (self.dir / "access.log").read_text()

    def stop(self) -> list[str]:
        if self.controller:
            self.controller.stop(signal.SIGTERM)
        self.quit_nginx(signal.SIGTERM)
        text = "".join(path.read_text() for path in self.dir.glob("*.log"))
        bad = [line for line in text.splitlines() if BAD_LOG.search(line)]
        return [line for line in bad if not self.expected or self.expected not in line]


@pytest.fixture
def make_fleet(scratch, binaries, nginx, backends):
    made = []

    def make(listeners: str = "") -> Fleet:
        fleet = Fleet(scratch, binaries.parent, backends, nginx or "/usr/sbin/nginx", listeners)
        made.append(fleet)
        return fleet

    yield make
    for fleet in made:
        assert fleet.stop() == []


def test_the_rest_of_the_configuration_behaves_as_before(make_fleet):
    fleet = make_fleet()
    fleet.start_controller()
    fleet.start_nginx()
    fleet.wait()
    assert ask(fleet.static, "old.example.com").text == "static file\n"
    assert ask(fleet.static, "old.example.com", "/old").word == "red"
    limited = [ask(fleet.static, "old.example.com", "/limited").status for _ in range(3)]
    assert limited[0] == 200
    assert 503 in limited
    assert ask(fleet.gateway).word == "blue"
    assert ask(fleet.static, "old.example.com", "/denied").status == 403
    until(lambda: "default/web default/fixed" in fleet.access_log(), "the route in the access log")


def test_a_gateway_named_in_sluice_pass(make_fleet):
    fleet = make_fleet()
    conf = (fleet.dir / "nginx.conf").read_text()
    named = f"gateway=default/web port={fleet.gateway}"
    (fleet.dir / "nginx.conf").write_text(
        conf.replace(
            "/named { sluice_pass gateway=default/web;", "/named { sluice_pass " + named + ";"
        )
    )
    fleet.start_controller()
    fleet.start_nginx()
    fleet.wait()
    answer = ask(fleet.static, "old.example.com", "/named")
    assert answer.word == "blue"
    assert answer.headers["x-outer"] == "yes"


def test_nginx_before_its_controller_answers_503_and_heals(make_fleet):
    fleet = make_fleet()
    fleet.start_nginx()
    assert ask(fleet.gateway).status == 503
    assert ask(fleet.static, "old.example.com").text == "static file\n"
    fleet.start_controller()
    until(lambda: ask(fleet.gateway).status == 200, "the healed gateway", 10)


def test_what_wait_promised_holds_in_a_worker_that_had_no_table(make_fleet):
    # Symptom: "no routes have been published yet" for up to 100 ms after `sluicectl wait`.
    fleet = make_fleet()
    fleet.start_nginx()
    fleet.start_controller()
    fleet.wait()
    assert [ask(fleet.gateway).status for _ in range(20)] == [200] * 20


def test_nginx_restarted_without_a_controller_serves_the_last_table(make_fleet):
    fleet = make_fleet()
    fleet.start_controller()
    fleet.start_nginx()
    fleet.wait()
    fleet.controller.stop(signal.SIGKILL)
    fleet.quit_nginx(signal.SIGQUIT)
    fleet.start_nginx()
    until(lambda: ask(fleet.gateway).word == "blue", "the last table", 10)


def https_gateway(port: int, name: str, backend_name: str) -> str:
    return documents(
        secret(name, certificate("a.example.com")),
        gateway_of(https_listener("s", port, name), name=name),
        route(name, [{"backendRefs": [backend_ref(backend_name)]}], gateway=name),
    )


def test_nginx_restarted_without_a_controller_serves_https(make_fleet):
    fleet = make_fleet("sluice_listeners on;")
    (fleet.manifests / "extra.yaml").write_text(https_gateway(fleet.extra, "extra", "green"))
    fleet.start_controller()
    fleet.start_nginx()
    fleet.wait()
    with TlsClient(fleet.extra, "a.example.com") as client:
        assert client.word("a.example.com") == "green"
    fleet.controller.stop(signal.SIGKILL)
    fleet.quit_nginx(signal.SIGQUIT)
    fleet.start_nginx()
    until(lambda: accepts("127.0.0.1", fleet.extra), "the listener without a controller")
    with TlsClient(fleet.extra, "a.example.com") as client:
        assert client.der == certificate("a.example.com").der
        assert client.word("a.example.com") == "green"


def test_a_listen_that_ends_tls_itself_serves_http_and_https_listeners(make_fleet, backends):
    fleet = make_fleet()
    own = certificate("own.example.com")
    (fleet.dir / "own.pem").write_text(own.pem + own.key)
    conf = (fleet.dir / "nginx.conf").read_text()
    plain = f"listen 127.0.0.1:{fleet.gateway};"
    ssl = f"ssl_certificate {fleet.dir}/own.pem; ssl_certificate_key {fleet.dir}/own.pem;"
    conf = conf.replace(plain, plain.replace(";", " ssl;") + ssl)
    (fleet.dir / "nginx.conf").write_text(conf)
    fleet.start_controller()
    fleet.start_nginx()
    fleet.wait()

    def answer() -> str:
        with TlsClient(fleet.gateway, "a.example.com") as client:
            assert client.der == own.der
            return client.word("a.example.com")

    assert answer() == "blue"
    green = backend("green", backends.ports["green"])
    (fleet.manifests / "fixed.yaml").write_text(green)
    (fleet.manifests / "extra.yaml").write_text(https_gateway(fleet.gateway, "web", "green"))
    until(lambda: answer() == "green", "the HTTPS listener")


def test_test_reload_upgrade_and_quit_work(make_fleet):
    fleet = make_fleet("sluice_listeners on;")
    fleet.start_controller()
    assert subprocess.run(fleet.command("-t"), capture_output=True).returncode == 0
    fleet.start_nginx()
    (fleet.manifests / "extra.yaml").write_text(
        documents(
            gateway(fleet.extra, "extra"),
            route("extra", [{"backendRefs": [backend_ref("green")]}], gateway="extra"),
        )
    )
    fleet.wait()
    until(lambda: accepts("127.0.0.1", fleet.extra), "the listener opened at run time")
    loads = [Load("127.0.0.1", port, "x.com", clients=1) for port in (fleet.gateway, fleet.extra)]
    try:
        master = fleet.master()
        old = worker_pids(master)
        os.kill(master, signal.SIGHUP)
        until(lambda: not set(old) & set(worker_pids(master)), "new workers", 20)
        fleet.wait()
        os.kill(master, signal.SIGUSR2)
        upgraded = until(lambda: fleet.master() not in (0, master) and fleet.master(), "USR2", 20)
        until(lambda: len(worker_pids(upgraded)) == 2, "the upgraded workers", 20)
        fleet.wait()
        os.kill(master, signal.SIGQUIT)
        until(lambda: not alive(master), "the end of the old master", 20)
        fleet.wait()
        assert ask(fleet.gateway).word == "blue"
        assert ask(fleet.extra).word == "green"
    finally:
        for load in loads:
            load.stop()
    assert [load.failures for load in loads] == [[], []]


def test_directive_errors_name_file_and_line(make_fleet):
    fleet = make_fleet()
    conf = (fleet.dir / "nginx.conf").read_text()
    (fleet.dir / "nginx.conf").write_text(
        conf.replace("{ sluice_pass; }", "{ sluice_pass nonsense; }")
    )
    result = subprocess.run(fleet.command("-t"), capture_output=True, text=True)
    assert result.returncode == 1
    assert "nonsense" in result.stderr
    assert "nginx.conf:" in result.stderr
    fleet.expected = "nonsense"


def test_two_nginx_servers_share_one_table(make_fleet):
    fleet = make_fleet("sluice_listeners on;")
    (fleet.manifests / "extra.yaml").write_text(
        documents(
            gateway(fleet.extra, "extra"),
            route("extra", [{"backendRefs": [backend_ref("green")]}], gateway="extra"),
        )
    )
    fleet.start_controller()
    fleet.start_nginx()
    twin_port, unused = free_ports(2)
    conf = (fleet.dir / "nginx.conf").read_text()
    for old, new in {
        "nginx.pid": "twin.pid",
        "error.log": "twin-error.log",
        f":{fleet.static};": f":{twin_port};",
        f":{fleet.gateway};": f":{unused};",
    }.items():
        conf = conf.replace(old, new)
    (fleet.dir / "twin.conf").write_text(conf)
    command = [fleet.nginx, "-p", str(fleet.dir), "-e", str(fleet.dir / "twin-boot.log")]
    subprocess.run([*command, "-c", str(fleet.dir / "twin.conf")], check=True, capture_output=True)
    try:
        fleet.wait()
        assert ask(twin_port, "old.example.com", "/named").word == "blue"
        assert ask(fleet.gateway).word == "blue"
        assert [ask(fleet.extra).word for _ in range(20)] == ["green"] * 20
        fleet.quit_nginx(signal.SIGQUIT)
        assert [ask(fleet.extra).word for _ in range(20)] == ["green"] * 20
        (fleet.manifests / "fixed.yaml").write_text(
            (fleet.manifests / "fixed.yaml").read_text().replace('"blue"', '"store"')
        )
        fleet.wait()
        assert ask(twin_port, "old.example.com", "/named").word == "store"
    finally:
        twin = int((fleet.dir / "twin.pid").read_text())
        os.kill(twin, signal.SIGTERM)
        until(lambda: not alive(twin), "the end of the second nginx", 20)
