"""An nginx without Sluice, configured by hand: what a test or a benchmark compares with."""

import os
import re
import signal
import subprocess
from pathlib import Path

from harness.processes import Process, worker_pids
from harness.waiting import until

START_S = 900  # thousands of certificates take their time
CONF = """worker_processes {workers};
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
"""


def http2_listen(nginx: str, address: str, tls: bool) -> str:
    """The directives of a listener that speaks HTTP/2, as this nginx wants them."""
    told = subprocess.run([nginx, "-v"], capture_output=True, text=True, check=True).stderr
    version = tuple(int(number) for number in re.findall(r"\d+", told)[:3])
    ssl = " ssl" if tls else ""
    if version >= (1, 25, 1):
        return f"listen {address}{ssl}; http2 on;"
    return f"listen {address}{ssl} http2;"


class PlainNginx:
    """`http` is what stands in http {}."""

    def __init__(self, directory: Path, http: str, nginx: str = "nginx", workers: int = 1):
        directory.mkdir(parents=True)
        directory.chmod(0o755)
        conf = directory / "plain.conf"
        user = "user root;" if os.geteuid() == 0 else ""
        conf.write_text(CONF.format(dir=directory, http=http, workers=workers, user=user))
        boot = str(directory / "boot.log")
        self.log = directory / "plain.log"
        self.process = Process([nginx, "-p", str(directory), "-e", boot, "-c", str(conf)], self.log)

        def started() -> bool:
            if not self.process.alive():
                raise AssertionError(f"nginx ended:\n{self.log.read_text()}")
            return len(self.workers()) == workers

        try:
            until(started, "the workers of the plain nginx", START_S)
        except BaseException:
            self.stop()
            raise

    def workers(self) -> list[int]:
        return worker_pids(self.process.pid)

    def stop(self) -> None:
        self.process.stop(signal.SIGTERM)
