"""Filters inside an operator's own nginx.conf, with its rewrites and error pages around them."""

import os
import signal
import subprocess

import pytest
from harness.curl import curl
from harness.manifests import (
    backend,
    backend_ref,
    documents,
    gateway,
    header_filter,
    path_edit,
    rewrite_filter,
    route,
    rule,
)
from harness.net import accepts, free_port
from harness.processes import Process
from harness.raw_backend import RawBackend
from harness.sluice import BAD_LOG
from harness.waiting import until

CONF = """load_module {module};
{user}
env ASAN_OPTIONS;
env UBSAN_OPTIONS;
pid {dir}/nginx.pid;
error_log {dir}/error.log notice;
events {{ worker_connections 1024; }}
http {{
  include {dir}/sluice-listeners.conf;
  access_log off;
  client_body_temp_path {dir}/t1;
  proxy_temp_path {dir}/t2;
  fastcgi_temp_path {dir}/t3;
  uwsgi_temp_path {dir}/t4;
  scgi_temp_path {dir}/t5;
  server {{
    listen 127.0.0.1:{port};
    rewrite ^/old/(.*)$ /decoded/$1;
    rewrite ^/spaced/(.*)$ "/with space//../$1";
    location / {{
      sluice_pass gateway=default/web;
      proxy_intercept_errors on;
      error_page 503 = /again;
      add_header X-Operator yes;
      proxy_set_header X-Fixed operator;
    }}
  }}
}}
"""

RULES = [
    rule(
        backend_ref("raw"),
        path="/",
        filters=[
            header_filter(
                "request",
                put={"X-Set": "1", "X-Fixed": "filter"},
                add={"X-Add": "1", "Cookie": "c=3"},
                remove=["X-Gone"],
            ),
            header_filter("response", put={"X-Operator": "no"}),
            rewrite_filter(hostname="inner.example", path=path_edit(prefix="/p")),
        ],
    ),
    rule(
        backend_ref("raw"),
        path="/again",
        filters=[header_filter("request", add={"X-Again": "1", "Cookie": "d=4"})],
    ),
    rule(
        backend_ref("raw"),
        path="/decoded",
        filters=[rewrite_filter(path=path_edit(prefix="/p%20q"))],
    ),
    rule(backend_ref("raw"), path="/with%20space"),
]


@pytest.fixture
def raw(keep):
    return keep(RawBackend())


@pytest.fixture
def port(scratch, binaries, nginx, raw):
    """Of a running nginx whose configuration is the operator's."""
    number = free_port()
    (scratch / "m").mkdir()
    (scratch / "s").mkdir()
    (scratch / "m/all.yaml").write_text(
        documents(gateway(number), backend("raw", raw.port), route("r", RULES))
    )
    places = ["--table-dir", str(scratch / "table"), "--state-dir", str(scratch / "s")]
    program = nginx or "nginx"
    rendered = subprocess.run(
        [str(binaries / "sluicectl"), "render", "sluice-listeners.conf", *places]
        + ["--nginx", program],
        capture_output=True,
        text=True,
        check=True,
    )
    (scratch / "sluice-listeners.conf").write_text(rendered.stdout)
    conf = CONF.format(
        module=binaries.parent / "modules/ngx_http_sluice_module.so",
        user="user nobody nogroup;" if os.geteuid() == 0 else "",
        dir=scratch,
        port=number,
    )
    (scratch / "nginx.conf").write_text(conf)
    group = ["--group", "65534"] if os.geteuid() == 0 else []
    controller = Process(
        [str(binaries / "sluice-controller"), "--source", "files", "--dir", str(scratch / "m")]
        + [*places, "--address", "127.0.0.1", *group],
        scratch / "controller.log",
    )
    command = [program, "-p", str(scratch), "-e", str(scratch / "error.log")]
    running = Process(
        [*command, "-c", str(scratch / "nginx.conf"), "-g", "daemon off;"], scratch / "boot.log"
    )
    until(lambda: accepts("127.0.0.1", number), "nginx")
    until(lambda: curl(number, "/ready").status == 200, "the routes")
    yield number
    running.stop(signal.SIGQUIT)
    controller.stop()
    log = (scratch / "error.log").read_text(errors="replace")
    assert not [line for line in log.splitlines() if BAD_LOG.search(line)]


# An error page of the operator's comes back to the routes: they must see what the client sent.
def test_an_internal_redirect_starts_from_the_clients_request(port, raw):
    raw.status = 503
    raw.requests.clear()
    answer = curl(port, "/x", headers=[("X-Gone", "g"), ("Cookie", "a=1")])
    assert answer.status == 503
    first, second = raw.requests
    assert (first.target, first.all("host")) == ("/p/x", ["inner.example"])
    assert (first.all("x-set"), first.all("x-add"), first.all("x-gone")) == (["1"], ["1"], [])
    assert first.all("cookie") == ["a=1", "c=3"]
    assert (second.target, second.all("host")) == ("/again", ["example.com"])
    assert (second.all("x-set"), second.all("x-add"), second.all("x-gone")) == ([], [], ["g"])
    assert (second.all("cookie"), second.all("x-again")) == (["a=1", "d=4"], ["1"])


def test_a_path_that_the_operator_rewrote_is_rewritten_on(port, raw):
    assert curl(port, "/old/a%20b/c?q=1").status == 200
    assert raw.last().target == "/p%20q/a%20b/c?q=1"


def test_what_the_operator_sets_wins(port, raw):
    answer = curl(port, "/y")
    assert raw.last().all("x-fixed") == ["operator"]
    assert answer.all("x-operator") == ["no", "yes"]


# A rule for an escaped path did not match what the operator rewrote to that path.
def test_what_the_operator_rewrote_is_normalised_as_a_clients_path_is(port, raw):
    assert curl(port, "/spaced/a%20b%3Fc?q=1").status == 200
    assert raw.last().target == "/with%20space/a%20b%3Fc?q=1"
    assert curl(port, "/spaced/../../x").status == 400
