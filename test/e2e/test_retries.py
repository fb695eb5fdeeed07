"""Retries by the rules of routes: which failures, how often, where to, and what is sent again."""

import contextlib
import hashlib
import http.client
import socket
import time

import pytest
from harness.client import ask
from harness.h2_backend import H2Backend, H2Step
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
    service,
    service_ref,
)
from harness.net import free_port
from harness.scripted_backend import ScriptedBackend, Step
from harness.waiting import until

ALL = [500, 502, 503, 504]


@pytest.fixture
def flaky(keep):
    return keep(ScriptedBackend())


@pytest.fixture
def other(keep):
    return keep(ScriptedBackend())


@pytest.fixture
def sluice(make_sluice, flaky):
    running = make_sluice(workers=1)
    running.port = free_port()
    running.write("gateway.yaml", gateway(running.port))
    running.write("backends.yaml", backend("flaky", flaky.port))
    return running


def serve(sluice, **fields) -> None:
    sluice.write("route.yaml", route("r", [rule(backend_ref("flaky"), **fields)]))
    sluice.start()


def answers(*statuses: int) -> list[Step]:
    return [Step(status=status, body=str(status).encode()) for status in statuses]


def test_a_listed_status_is_tried_again_until_it_is_good(sluice, flaky):
    serve(sluice, retry={"codes": [500], "attempts": 3, "backoff": "5ms"})
    flaky.script(*answers(500, 500))
    assert ask(sluice.port, path="/a%2Fb?q=1").status == 200
    assert [asked.target for asked in flaky.asked] == ["/a%2Fb?q=1"] * 3


def test_every_listed_status_is_tried_again(sluice, flaky):
    serve(sluice, retry={"codes": ALL, "attempts": 2, "backoff": "5ms"})
    for status in ALL:
        flaky.script(*answers(status))
        assert (ask(sluice.port).status, len(flaky.asked)) == (200, 2), status


def test_when_no_retry_is_left_the_client_gets_the_last_answer(sluice, flaky):
    serve(sluice, retry={"codes": ALL, "attempts": 2, "backoff": "5ms"})
    for last in ALL:
        flaky.script(*answers(503, 500, last, 200))
        answer = ask(sluice.port)
        assert (answer.status, answer.text, len(flaky.asked)) == (last, str(last), 3)


def test_a_status_that_is_not_listed_is_passed_on(sluice, flaky):
    serve(sluice, retry={"codes": [500, 599, 400], "attempts": 3, "backoff": "5ms"})
    for status in (503, 404, 501, 598):
        flaky.script(*answers(status))
        assert (ask(sluice.port).status, len(flaky.asked)) == (status, 1)
    for status in (599, 400, 500):
        flaky.script(*answers(status))
        assert (ask(sluice.port).status, len(flaky.asked)) == (200, 2), status


def test_zero_attempts_retry_nothing(sluice, flaky):
    serve(sluice, retry={"codes": ALL, "attempts": 0})
    for status in ALL:
        flaky.script(*answers(status))
        assert (ask(sluice.port).status, len(flaky.asked)) == (status, 1)


def test_without_a_retry_block_no_status_is_retried(sluice, flaky):
    serve(sluice)
    flaky.script(*answers(503))
    assert (ask(sluice.port).status, len(flaky.asked)) == (503, 1)


def test_a_body_is_sent_again_byte_by_byte(sluice, flaky):
    serve(sluice, retry={"codes": [503], "attempts": 2, "backoff": "5ms"})
    for length in (1, 5000, 300_000, 1024 * 1024):
        body = bytes(i * 7 % 251 for i in range(length))
        flaky.script(*answers(503, 503))
        assert ask(sluice.port, method="POST", body=body).status == 200, length
        wanted = hashlib.sha256(body).hexdigest()
        assert [asked.body_sha256 for asked in flaky.asked] == [wanted] * 3


def test_a_body_that_is_too_long_to_keep_is_streamed_and_sent_once(sluice, flaky):
    serve(sluice, retry={"codes": [503], "attempts": 2, "backoff": "5ms"})
    flaky.script(*answers(503))
    answer = ask(sluice.port, method="POST", body=b"x" * (1024 * 1024 + 1))
    assert (answer.status, len(flaky.asked)) == (503, 1)


def test_a_body_of_unknown_length_is_streamed_and_sent_once(sluice, flaky):
    serve(sluice, retry={"codes": [503], "attempts": 2, "backoff": "5ms"})
    flaky.script(*answers(503))

    def blocks():
        yield b"one"
        until(lambda: flaky.asked, "the beginning of the request at the backend")
        yield b"two"

    connection = http.client.HTTPConnection("127.0.0.1", sluice.port, timeout=10)
    with contextlib.closing(connection):
        connection.request("POST", "/", blocks(), encode_chunked=True)
        assert connection.getresponse().status == 503
    assert len(flaky.asked) == 1
    assert flaky.asked[0].body_sha256 == hashlib.sha256(b"onetwo").hexdigest()


def test_pauses_grow(sluice, flaky):
    serve(sluice, retry={"codes": [500], "attempts": 3, "backoff": "100ms"})
    flaky.script(*answers(500, 500, 500))
    assert ask(sluice.port).status == 200
    times = [asked.at for asked in flaky.asked]
    pauses = [after - before for before, after in zip(times, times[1:], strict=False)]
    for pause, least in zip(pauses, (0.1, 0.2, 0.4), strict=True):
        assert least - 0.005 <= pause <= least * 1.5 + 0.5, pauses


def test_a_refused_connection_goes_on_with_another_endpoint(sluice, flaky):
    sluice.write("backends.yaml", backend("flaky", free_port(), flaky.port))
    serve(sluice, retry={"attempts": 100})
    assert [ask(sluice.port).status for _ in range(10)] == [200] * 10
    assert len(flaky.asked) == 10


def test_zero_attempts_forbid_another_endpoint_too(sluice, flaky):
    sluice.write("backends.yaml", backend("flaky", *(free_port() for _ in range(5)), flaky.port))
    serve(sluice, retry={"attempts": 0})
    statuses = [ask(sluice.port).status for _ in range(6)]
    assert 502 in statuses and set(statuses) <= {200, 502}


def test_an_untried_endpoint_comes_first(sluice, flaky, other):
    sluice.write("backends.yaml", backend("flaky", flaky.port, other.port))
    serve(sluice, retry={"codes": [500], "attempts": 1, "backoff": "5ms"})
    for _ in range(10):
        flaky.script(*answers(500, 500))
        other.script(*answers(500, 500))
        assert ask(sluice.port).status == 500
        assert (len(flaky.asked), len(other.asked)) == (1, 1)


def test_a_retry_keeps_its_backend_ref_and_what_that_edits(sluice, flaky, other):
    both = {"flaky": flaky, "other": other}
    refs = [
        {
            **backend_ref(name),
            "filters": [
                header_filter("request", add={"X-Backend": name}),
                rewrite_filter(path=path_edit(prefix=f"/{name}")),
            ],
        }
        for name in both
    ]
    sluice.write("backends.yaml", documents(*(backend(n, one.port) for n, one in both.items())))
    retry = {"codes": [500], "attempts": 3, "backoff": "5ms"}
    sluice.write("route.yaml", route("r", [rule(*refs, path="/p", retry=retry)]))
    sluice.start()
    used = set()
    for _ in range(20):
        for one in both.values():
            one.script(*answers(500, 500, 500))
        assert ask(sluice.port, path="/p/x?q").status == 200
        (name,) = [name for name, one in both.items() if one.asked]
        assert [asked.target for asked in both[name].asked] == [f"/{name}/x?q"] * 4
        assert [asked.all("x-backend") for asked in both[name].asked] == [[name]] * 4
        used.add(name)
    assert used == set(both)


def test_a_connection_lost_after_the_request_is_not_retried(sluice, flaky):
    serve(sluice, retry={"codes": ALL, "attempts": 3, "backoff": "5ms"})
    flaky.script(Step(close_unanswered=True))
    assert (ask(sluice.port, method="POST").status, len(flaky.asked)) == (502, 1)


def test_the_limit_of_the_request_bounds_all_tries(sluice, flaky):
    fields = {"retry": {"codes": [500], "attempts": 5}, "timeouts": {"request": "500ms"}}
    serve(sluice, **fields)
    flaky.script(Step(status=500))
    assert ask(sluice.port).status == 200
    flaky.script(Step(status=500, delay_s=0.3), Step(status=500, delay_s=0.3))
    started = time.monotonic()
    assert ask(sluice.port).status == 504
    assert 0.49 <= time.monotonic() - started <= 1.0
    flaky.wait_abandoned()
    assert len(flaky.asked) == 2
    # One that fails after the limit has no second try.
    flaky.script(Step(status=500, delay_s=1.0))
    assert ask(sluice.port).status == 504
    flaky.wait_abandoned()
    assert len(flaky.asked) == 1


def test_the_limit_of_a_try_begins_anew_with_each(sluice, flaky):
    timeouts = {"backendRequest": "500ms", "request": "15s"}
    serve(sluice, retry={"codes": [500], "attempts": 3}, timeouts=timeouts)
    flaky.script(*[Step(status=500, delay_s=0.2)] * 2, Step(delay_s=0.2))
    assert (ask(sluice.port).status, len(flaky.asked)) == (200, 3)


def test_a_try_that_took_too_long_is_not_retried(sluice, flaky):
    serve(sluice, retry={"codes": ALL, "attempts": 3}, timeouts={"backendRequest": "200ms"})
    flaky.script(Step(silent=True))
    assert (ask(sluice.port).status, len(flaky.asked)) == (504, 1)
    flaky.wait_abandoned()


def test_the_limit_of_the_request_ends_a_pause(sluice, flaky):
    timeouts = {"request": "300ms"}
    serve(sluice, retry={"codes": [500], "attempts": 5, "backoff": "20s"}, timeouts=timeouts)
    flaky.script(*answers(500))
    started = time.monotonic()
    assert ask(sluice.port).status == 504
    assert 0.29 <= time.monotonic() - started <= 0.8
    assert len(flaky.asked) == 1


def test_a_client_may_leave_during_a_pause(sluice, flaky):
    serve(sluice, retry={"codes": [500], "attempts": 5, "backoff": "300ms"})
    flaky.script(*answers(500, 500, 500))
    with socket.create_connection(("127.0.0.1", sluice.port)) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n")
        until(lambda: len(flaky.asked) == 1, "the first try")
    deadline = time.monotonic() + 0.6
    until(lambda: time.monotonic() > deadline, "the time of the second try", 2)
    assert len(flaky.asked) == 1
    assert ask(sluice.port).status == 200


def test_a_kept_connection_outlives_retries(sluice, flaky):
    serve(sluice, retry={"codes": [500], "attempts": 1, "backoff": "5ms"})
    for _ in range(5):
        flaky.script(*answers(500))
        assert ask(sluice.port).status == 200


@pytest.fixture
def h2_flaky():
    running = H2Backend()
    yield running
    running.stop()
    assert running.problems == []


def serve_h2(sluice, h2_flaky, **fields) -> None:
    sluice.write("backends.yaml", service("flaky", h2_flaky.port, app_protocol="kubernetes.io/h2c"))
    sluice.write("route.yaml", route("r", [rule(service_ref("flaky"), **fields)]))
    sluice.start()


def test_a_body_is_sent_again_over_http2(sluice, h2_flaky):
    """A POST hung when its first try used a kept connection and its second one did not; a body in a
    file ended after its first 8 KiB in the second try."""
    serve_h2(sluice, h2_flaky, retry={"codes": [503], "attempts": 3, "backoff": "5ms"})
    for length in (10, 200_000):
        body = b"a" * length
        for _ in range(4):
            h2_flaky.script(H2Step(status=503), H2Step(status=503))
            assert ask(sluice.port, method="POST", body=body).status == 200
            assert [asked.body for asked in h2_flaky.asked] == [body] * 3
    assert h2_flaky.connections > 3


def test_a_refused_stream_is_retried(sluice, h2_flaky):
    serve_h2(sluice, h2_flaky, retry={"attempts": 1, "backoff": "5ms"})
    h2_flaky.script(H2Step(refused=True))
    assert (ask(sluice.port, method="POST", body=b"x").status, len(h2_flaky.asked)) == (200, 2)
    h2_flaky.script(H2Step(refused=True), H2Step(refused=True))
    assert (ask(sluice.port).status, len(h2_flaky.asked)) == (502, 2)


def test_two_routes_have_retries_of_their_own(sluice, flaky, other):
    sluice.write(
        "backends.yaml", documents(backend("flaky", flaky.port), backend("other", other.port))
    )
    sluice.write(
        "route.yaml",
        route(
            "r",
            [
                rule(backend_ref("flaky"), path="/a", retry={"codes": [500]}),
                rule(backend_ref("other"), path="/b", retry={"codes": [503]}),
            ],
        ),
    )
    sluice.start()
    flaky.script(*answers(500))
    other.script(*answers(500))
    assert ask(sluice.port, path="/a").status == 200, "one attempt is the default"
    assert ask(sluice.port, path="/b").status == 500
