"""An nginx without Sluice, configured by hand: what a test or a benchmark compares with."""

import os
import re
import signal
import subprocess
from pathlib import Path

from harness.operator_nginx import load_stream_module
from harness.processes import Process, worker_pids
from harness.waiting import until

START_S = 900  # thousands of certificates take their time
CONF = """{load}worker_processes {workers};
{user}
daemon off;
pid {dir}/plain.pid;
error_log {dir}/plain-error.log notice;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  keepalive_requests 1000000;
  client_body_temp_path {dir}/t1;
  proxy_temp_path {dir}/t2;
  fastcgi_temp_path {dir}/t3;
  uwsgi_temp_path {dir}/t4;
  scgi_temp_path {dir}/t5;
{http}
}}
{stream}"""


def nginx_version(nginx: str) -> tuple[int, ...]:
    told = subprocess.run([nginx, "-v"], capture_output=True, text=True, check=True).stderr
    return tuple(int(number) for number in re.findall(r"\d+", told)[:3])


def http2_listen(nginx: str, address: str, tls: bool) -> str:
    """The directives of a listener that speaks HTTP/2, as this nginx wants them."""
    ssl = " ssl" if tls else ""
    if nginx_version(nginx) >= (1, 25, 1):
        return f"listen {address}{ssl}; http2 on;"
    return f"listen {address}{ssl} http2;"


class PlainNginx:
    """`http` is what stands in http {}, `stream` in stream {}; write() and reload() change it."""

    def __init__(
        self, directory: Path, http: str, nginx: str = "nginx", workers: int = 1, stream: str = ""
    ):
        directory.mkdir(parents=True)
        directory.chmod(0o755)
        self._directory, self._workers = directory, workers
        self._load = load_stream_module(nginx) if stream else ""
        self._stream = f"stream {{\n{stream}\n}}\n" if stream else ""
        self._conf = directory / "plain.conf"
        self.write(http)
        boot = str(directory / "boot.log")
        self.log = directory / "plain.log"
        command = [nginx, "-p", str(directory), "-e", boot, "-c", str(self._conf)]
        self.process = Process(command, self.log)

        def started() -> bool:
            if not self.process.alive():
                raise AssertionError(f"nginx ended:\n{self.log.read_text()}")
            return len(self.workers()) == workers

        try:
            until(started, "the workers of the plain nginx", START_S)
        except BaseException:
            self.stop()
            raise

    def write(self, http: str) -> None:
        user = "user root;" if os.geteuid() == 0 else ""
        self._conf.write_text(
            CONF.format(
                load=self._load,
                dir=self._directory,
                http=http,
                stream=self._stream,
                workers=self._workers,
                user=user,
            )
        )

    def reload(self) -> None:
        os.kill(self.process.pid, signal.SIGHUP)

    def workers(self) -> list[int]:
        return worker_pids(self.process.pid)

    def stop(self) -> None:
        self.process.stop(signal.SIGTERM)
