"""RequestMirror: copies that the client's request neither waits for nor knows of."""

import http.client
import math
import os
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness.client import ask
from harness.curl import curl
from harness.manifests import (
    backend,
    backend_ref,
    documents,
    header_filter,
    mirror_filter,
    path_edit,
    rewrite_filter,
    route,
    rule,
)
from harness.net import free_port
from harness.raw_backend import RawBackend
from harness.versions import VERSIONS, gateway_for
from harness.waiting import until

LARGEST_BODY = 1 << 20


@pytest.fixture
def backends():
    """name -> a backend of its own; "main" answers, the others are mirrors."""
    running = {name: RawBackend(name) for name in ("main", "one", "two")}
    yield running
    for one in running.values():
        one.stop()


@pytest.fixture
def serve(make_sluice, backends):
    """serve(filters) -> a running Sluice whose rule "/" goes to "main"."""

    def start(filters: list[dict], *more: str, workers: int = 2, version: str = "http1"):
        sluice = make_sluice(workers=workers)
        sluice.port = free_port()
        objects = [backend(name, running.port) for name, running in backends.items()]
        rules = [rule(backend_ref("main"), filters=filters)]
        objects += [gateway_for(version, sluice.port), route("r", rules), *more]
        sluice.write("all.yaml", documents(*objects))
        sluice.start()
        return sluice

    return start


def said(sluice, text: str) -> None:
    until(lambda: text in sluice.nginx_log(), f"{text!r} in nginx's log")


@pytest.mark.parametrize("version", VERSIONS)
def test_every_mirror_gets_the_request_as_the_backend_does(serve, backends, version):
    sluice = serve([mirror_filter("one"), mirror_filter("two")], version=version)
    answer = curl(sluice.port, "/a%2Fb?unique=1&x=%20", version, headers=[("X-Some", "thing")])
    assert (answer.status, answer.body) == (200, b"main")
    sent = backends["main"].last()
    for name in ("one", "two"):
        (copy,) = backends[name].wait_for(1)
        assert copy.target == "/a%2Fb?unique=1&x=%20"
        assert copy.all("connection") == ["close"]
        ours = [field for field in copy.fields if field[0].lower() != "connection"]
        assert ours == [field for field in sent.fields if field[0].lower() != "connection"]


def test_the_copy_is_of_the_edited_request(serve, backends):
    sluice = serve(
        [
            header_filter("request", put={"X-Header-Set": "set"}, remove=["X-Gone"]),
            rewrite_filter(hostname="inner.example", path=path_edit(full="/inner")),
            mirror_filter("one"),
        ]
    )
    curl(sluice.port, "/outer?q", headers=[("X-Gone", "x")])
    (copy,) = backends["one"].wait_for(1)
    assert (copy.all("host"), copy.target) == (["inner.example"], "/inner?q")
    assert (copy.all("x-header-set"), copy.all("x-gone")) == (["set"], [])


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("size", [0, 1, 100_000, LARGEST_BODY])
def test_bodies_are_copied(serve, backends, version, size):
    sluice = serve([mirror_filter("one"), mirror_filter("two")], version=version)
    body = (bytes(range(256)) * (size // 256 + 1))[:size]
    assert curl(sluice.port, "/", version, method="POST", body=body).status == 200
    for name in ("main", "one", "two"):
        (received,) = backends[name].wait_for(1)
        assert (received.method, received.body) == ("POST", body)
    assert backends["one"].last().all("content-length") == [str(size)]


def test_a_chunked_body_is_copied_with_its_length(serve, backends):
    sluice = serve([mirror_filter("one")])
    answer = ask(sluice.port, method="PUT", body=iter([b"a" * 1000] * 50))
    assert answer.status == 200
    (copy,) = backends["one"].wait_for(1)
    assert copy.body == b"a" * 50_000
    assert copy.all("content-length") == ["50000"]
    assert copy.all("transfer-encoding") == []
    assert backends["main"].last().all("transfer-encoding") == ["chunked"]


@pytest.mark.parametrize("chunked", [False, True])
def test_a_longer_body_is_not_copied_and_the_log_says_so(serve, backends, chunked):
    sluice = serve([mirror_filter("one")])
    size = LARGEST_BODY + 1
    body = iter([b"x" * 1024] * 1025) if chunked else b"x" * size
    assert ask(sluice.port, method="POST", body=body).status == 200
    assert len(backends["main"].last().body) >= size
    said(sluice, 'the last one to "default/one": the body is too long')
    assert ask(sluice.port, path="/after").status == 200
    assert [copy.target for copy in backends["one"].wait_for(1)] == ["/after"]


def test_a_body_streams_to_the_backend_while_it_is_copied(serve, backends):
    sluice = serve([mirror_filter("one")])
    with socket.create_connection(("127.0.0.1", sluice.port), timeout=10) as client:
        client.sendall(b"POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\nfour")
        until(lambda: backends["main"].connections == 1, "the backend's connection")
        assert backends["one"].connections == 0
        client.sendall(b"more")
        assert client.recv(100).startswith(b"HTTP/1.1 200")
    (copy,) = backends["one"].wait_for(1)
    assert copy.body == b"fourmore"


def test_a_request_that_breaks_off_is_not_copied(serve, backends):
    sluice = serve([mirror_filter("one")])
    with socket.create_connection(("127.0.0.1", sluice.port), timeout=10) as client:
        client.sendall(b"POST /broken HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\nfour")
        until(lambda: backends["main"].connections == 1, "the backend's connection")
    assert ask(sluice.port, path="/after").status == 200
    assert [copy.target for copy in backends["one"].wait_for(1)] == ["/after"]


def test_a_slow_mirror_delays_nobody(serve, backends):
    backends["one"].delay_s = 2.0
    sluice = serve([mirror_filter("one")])
    connection = http.client.HTTPConnection("127.0.0.1", sluice.port, timeout=10)
    began = time.monotonic()
    for i in range(5):
        connection.request("GET", f"/{i}", headers={"Host": "example.com"})
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, b"main")
    assert time.monotonic() - began < 1.5
    connection.close()
    assert {copy.target for copy in backends["one"].wait_for(5)} == {f"/{i}" for i in range(5)}


def test_the_client_may_be_gone_before_the_mirror_answers(serve, backends):
    backends["one"].delay_s = 0.5
    sluice = serve([mirror_filter("one")])
    for i in range(5):
        answer = curl(sluice.port, f"/{i}", headers=[("Connection", "close")])
        assert answer.status == 200
    backends["one"].wait_for(5)


@pytest.mark.parametrize("status", [200, 500])
def test_what_a_mirror_answers_changes_nothing(serve, backends, status):
    backends["one"].status = status
    backends["one"].body = b"x" * 3_000_000
    backends["one"].fields = [("X-Mirror", "1")]
    sluice = serve([mirror_filter("one")])
    for i in range(1, 20):
        answer = curl(sluice.port)
        assert (answer.status, answer.body, answer.all("x-mirror")) == (200, b"main", [])
        backends["one"].wait_for(i)


def test_a_mirror_that_refuses_changes_nothing_and_the_log_says_so(serve, backends):
    sluice = serve(
        [mirror_filter("refusing"), mirror_filter("one")], backend("refusing", free_port())
    )
    assert [ask(sluice.port).status for _ in range(20)] == [200] * 20
    backends["one"].wait_for(20)
    said(sluice, 'to "default/refusing": ')


def test_only_one_endpoint_of_a_mirror_gets_the_copy(serve, backends):
    sluice = serve(
        [mirror_filter("several")],
        backend("several", backends["one"].port, backends["two"].port),
    )
    for i in range(40):
        assert ask(sluice.port, path=f"/{i}").status == 200
    mirrors = (backends["one"], backends["two"])
    until(lambda: sum(len(one.requests) for one in mirrors) == 40, "40 copies")
    assert all(one.requests for one in mirrors)
    targets = [copy.target for one in mirrors for copy in one.requests]
    assert sorted(targets) == sorted(f"/{i}" for i in range(40))


def test_an_upgrade_is_not_copied(serve, backends):
    sluice = serve([mirror_filter("one")])
    answer = curl(sluice.port, headers=[("Connection", "upgrade"), ("Upgrade", "foo")])
    assert answer.status == 200
    said(sluice, "the request asks for an upgrade")
    assert backends["one"].requests == []


REQUESTS = 500


@pytest.mark.parametrize(
    ("share", "fields"),
    [
        (0.20, {"percent": 20}),
        (0.50, {"fraction": {"numerator": 25, "denominator": 50}}),
        (0.35, {"percent": 35}),
        (0.0, {"percent": 0}),
        (1.0, {"percent": 100}),
    ],
)
def test_the_share_that_is_copied_is_the_one_asked_for(serve, backends, share, fields):
    sluice = serve([mirror_filter("one", **fields), header_filter("request", put={"X-A": "b"})])
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda i: ask(sluice.port, path=f"/{i}").status, range(REQUESTS)))
    assert answers == [200] * REQUESTS
    copies = backends["one"].requests
    if share == 1.0:
        backends["one"].wait_for(REQUESTS)
    sigma = math.sqrt(REQUESTS * share * (1 - share))
    # 3.5: a sound draw misses 3 once in 370 runs.
    until(
        lambda: abs(len(copies) - REQUESTS * share) <= 3.5 * sigma,
        f"{share:.0%} of {REQUESTS} copies; there are {len(copies)}",
        2,
    )
    assert len({copy.target for copy in copies}) == len(copies)


def test_a_reload_waits_for_copies_on_their_way(serve, backends):
    backends["one"].delay_s = 1.0
    sluice = serve([mirror_filter("one")], workers=1)
    (worker,) = until(sluice.worker_pids, "the worker")
    assert ask(sluice.port).status == 200
    until(lambda: backends["one"].connections == 1, "the copy")
    os.kill(sluice.master_pid(), signal.SIGHUP)
    until(lambda: worker not in sluice.worker_pids(), "the old worker's end", 20)
    backends["one"].wait_for(1)
