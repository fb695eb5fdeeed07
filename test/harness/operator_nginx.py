"""An nginx that its operator starts, with Sluice's include and settings of the operator's own."""

import os
import re
import signal
import subprocess
from pathlib import Path

from harness.processes import Process
from harness.sluice import BAD_LOG
from harness.waiting import until

CONF = """{stream_modules}load_module {module};
{user}
worker_processes 1;
env ASAN_OPTIONS;
env UBSAN_OPTIONS;
daemon off;
pid {dir}/nginx.pid;
error_log {dir}/error.log notice;
events {{ worker_connections {connections}; }}
http {{
  log_format tries '$request_uri $status [$upstream_status] $sluice_reason';
  access_log {dir}/access.log tries;
  client_body_temp_path {dir}/t1;
  proxy_temp_path {dir}/t2;
  fastcgi_temp_path {dir}/t3;
  uwsgi_temp_path {dir}/t4;
  scgi_temp_path {dir}/t5;
  {settings}
  include {dir}/sluice-listeners.conf;
  sluice_listeners on;
}}
{stream}"""

STREAM = """stream {{
  include {dir}/sluice-streams.conf;
}}
"""


def load_stream_module(nginx: str) -> str:
    """The line that loads nginx's own stream module; none when it is compiled in."""
    build = subprocess.run([nginx, "-V"], capture_output=True, text=True).stderr
    if "--with-stream=dynamic" not in build.split():
        return ""
    modules = re.search(r"--modules-path=(\S+)", build)
    return f"load_module {modules.group(1)}/ngx_stream_module.so;\n"


def operator_conf(
    nginx: str,
    build: Path,
    directory: Path,
    settings: str = "",
    streams: bool = True,
    connections: int = 1024,
) -> str:
    """A configuration of one worker that includes the includes in `directory`."""
    modules = build / "modules"
    loads, stream = "", ""
    if streams:
        loads = load_stream_module(nginx)
        loads += f"load_module {modules}/ngx_stream_sluice_module.so;\n"
        stream = STREAM.format(dir=directory)
    return CONF.format(
        stream_modules=loads,
        module=modules / "ngx_http_sluice_module.so",
        user="user nobody nogroup;" if os.geteuid() == 0 else "",
        dir=directory,
        settings=settings,
        stream=stream,
        connections=connections,
    )


class OperatorNginx:
    """Listeners are opened at run time, by the template of the include."""

    def __init__(self, directory: Path, build: Path, nginx: str):
        self.dir, self.build, self.nginx = directory, build, nginx
        self.manifests, self.state, self.table = (directory / n for n in ("m", "state", "table"))
        for path in (directory, self.manifests, self.state):
            path.mkdir(exist_ok=True)
            path.chmod(0o755)
        self.processes: list[Process] = []

    def write(self, name: str, text: str) -> None:
        (self.manifests / name).write_text(text)

    def start(
        self,
        settings: str = "",
        edits: dict[str, str] | None = None,
        options: tuple = (),
        streams: bool = False,
        wait: bool = True,
        stream_edits: dict[str, str] | None = None,
        connections: int = 1024,
    ) -> None:
        """`settings` of http {}, `edits` of text in the include, `options` of the controller.

        `streams`: with stream {} too, and `stream_edits` of its include. `wait`: see wait().
        `connections`: that the worker may have.
        """
        places = ["--table-dir", str(self.table), "--state-dir", str(self.state)]
        self._include("sluice-listeners.conf", edits or {}, *places)
        if streams:
            self._include("sluice-streams.conf", stream_edits or {})
        conf = operator_conf(self.nginx, self.build, self.dir, settings, streams, connections)
        (self.dir / "nginx.conf").write_text(conf)
        self._start(
            [str(self.build / "bin/sluice-controller"), "--source", "files"]
            + ["--dir", str(self.manifests), "--address", "127.0.0.1", *places, *options]
            + (["--group", "65534"] if os.geteuid() == 0 else []),
            "controller.log",
        )
        boot = str(self.dir / "boot.log")
        self._start(
            [self.nginx, "-p", str(self.dir), "-e", boot, "-c", f"{self.dir}/nginx.conf"],
            "nginx.log",
        )
        if wait:
            self.wait()

    def wait(self) -> None:
        """Until every worker answers by the newest objects."""
        command = [str(self.build / "bin/sluicectl"), "wait", "--state-dir", str(self.state)]
        until(lambda: subprocess.run(command, capture_output=True).returncode == 0, "wait", 20)

    def _include(self, name: str, edits: dict[str, str], *options: str) -> None:
        text = self._render(name, *options)
        for old, new in edits.items():
            assert old in text
            text = text.replace(old, new)
        (self.dir / name).write_text(text)

    def _render(self, name: str, *options: str) -> str:
        sluicectl = str(self.build / "bin/sluicectl")
        return subprocess.run(
            [sluicectl, "render", name, *options, "--nginx", self.nginx],
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    def gateway_status(self) -> str:
        """Of all Gateways, as JSON; empty while the controller is not there."""
        command = [str(self.build / "bin/sluicectl"), "get", "gateways", "-o", "json"]
        return subprocess.run(
            [*command, "--state-dir", str(self.state)], capture_output=True, text=True
        ).stdout

    def _start(self, command: list[str], log: str) -> None:
        self.processes.append(Process(command, self.dir / log))

    def access_log(self) -> list[str]:
        path = self.dir / "access.log"
        return path.read_text().splitlines() if path.exists() else []

    def stop(self) -> list[str]:
        """Lines that no healthy nginx logs."""
        for process in reversed(self.processes):
            process.stop(signal.SIGTERM)
        text = "".join(path.read_text(errors="replace") for path in self.dir.glob("*.log"))
        return [line for line in text.splitlines() if BAD_LOG.search(line)]
