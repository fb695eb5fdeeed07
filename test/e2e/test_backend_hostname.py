"""Backends by hostname: resolved, followed, and kept while nobody answers."""

import http.server
import json
import subprocess

import pytest
from harness.client import ask
from harness.dns_server import NO_SUCH_NAME, DnsServer
from harness.load import Load
from harness.manifests import backend_ref, documents, gateway, route
from harness.net import free_port
from harness.processes import kill
from harness.servers import TcpServer
from harness.waiting import until

NAME = "api.example.com"
FIRST, SECOND, THIRD = "127.0.0.1", "127.0.0.2", "127.0.0.3"
SILENCE_S = 40  # c-ares gives up, and a retry is due again


def named_backend(name: str, *endpoints: tuple[str, int]) -> str:
    return json.dumps(
        {
            "apiVersion": "sluice.dev/v1alpha1",
            "kind": "Backend",
            "metadata": {"name": name},
            "spec": {
                "endpoints": [{"hostname": host, "port": number} for host, number in endpoints]
            },
        }
    )


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments) -> None:
        pass

    def do_GET(self) -> None:
        body = f"{self.server.word} {self.path}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class _Server(TcpServer):
    def __init__(self, address: str, port: int):
        self.word = address
        super().__init__(_Handler, port, address)


@pytest.fixture(scope="module")
def port_of_backends():
    """A port on which every address of the tests answers with its own text."""
    port = free_port()
    servers = [_Server(address, port) for address in (FIRST, SECOND, THIRD, "::1")]
    yield port
    for each in servers:
        each.stop()


@pytest.fixture
def dns(keep):
    return keep(DnsServer())


@pytest.fixture
def sluice(make_sluice, dns, port_of_backends):
    """Not started yet; its only route leads to NAME."""
    running = make_sluice("--dns-server", dns.address)
    running.port = free_port()
    running.write(
        "fixed.yaml",
        documents(
            gateway(running.port),
            named_backend("api", (NAME, port_of_backends)),
            route("web", [{"backendRefs": [backend_ref("api")]}]),
        ),
    )
    return running


def answers(sluice, word: str, seconds: float = 10) -> None:
    until(lambda: ask(sluice.port).word == word, f"an answer of {word}", seconds)


def problems(sluice) -> str:
    return sluice.ctl("describe", "backend", "default/api").stdout.partition("Problems:")[2]


def warnings(sluice) -> list[str]:
    return [line for line in sluice.output().splitlines() if " warning " in line and NAME in line]


def test_a_name_serves_from_the_first_request_on(sluice, dns):
    dns.put(NAME, FIRST, ttl=300)
    sluice.start()
    assert ask(sluice.port).word == FIRST
    assert dns.asked(NAME) == 2  # A and AAAA
    assert problems(sluice) == ""
    assert f"{NAME} is {FIRST}" in sluice.output()


def test_a_changed_answer_is_followed_when_its_ttl_ends(sluice, dns):
    dns.put(NAME, FIRST, ttl=2)
    sluice.start()
    workers = sluice.worker_pids()
    answers(sluice, FIRST)
    dns.put(NAME, SECOND, ttl=2)
    answers(sluice, SECOND, 5)
    dns.put(NAME, "::1", ttl=2)
    answers(sluice, "::1", 5)
    assert sluice.worker_pids() == workers


def test_all_addresses_of_both_families_are_endpoints(sluice, dns):
    dns.put(NAME, FIRST, SECOND, "::1", ttl=300)
    sluice.start()
    seen: set[str] = set()
    until(lambda: seen.add(ask(sluice.port).word) or seen == {FIRST, SECOND, "::1"}, "all three")


def test_an_answer_too_long_for_udp_is_whole(sluice, dns):
    addresses = [f"127.0.1.{number}" for number in range(1, 101)]
    dns.put(NAME, *addresses, ttl=300)
    sluice.start()
    assert dns.asked(NAME, over_tcp=True) == 1
    dumped = sluice.ctl("dump").stdout
    assert all(f" {address}:" in dumped for address in addresses)


def test_a_name_that_nobody_knows_is_503_until_it_exists(sluice, dns):
    sluice.start()
    assert ask(sluice.port).status == 503
    status = sluice.get("httproute", "web")["status"]
    resolved = [c for c in status["parents"][0]["conditions"] if c["type"] == "ResolvedRefs"]
    assert [condition["status"] for condition in resolved] == ["True"]
    until(lambda: f"{NAME} has no addresses" in problems(sluice), "the problem")
    assert len(warnings(sluice)) == 1
    dns.put(NAME, FIRST)
    answers(sluice, FIRST, 40)
    until(lambda: problems(sluice) == "", "the end of the problem")
    assert "mended" in sluice.output()


def test_a_wait_ends_although_the_server_is_silent(sluice, dns):
    dns.silence(NAME)
    sluice.start()
    sluice.wait("HTTPRoute/default/web")
    assert ask(sluice.port).status == 503


def test_a_name_that_is_gone_has_no_endpoints(sluice, dns):
    dns.put(NAME, FIRST)
    sluice.start()
    answers(sluice, FIRST)
    dns.fail(NAME, NO_SUCH_NAME)
    until(lambda: ask(sluice.port).status == 503, "503")


@pytest.mark.parametrize("how", ["failing", "silent"])
def test_the_last_addresses_stay_while_the_server_does_not_answer(sluice, dns, how):
    dns.put(NAME, FIRST)
    sluice.start()
    load = Load("127.0.0.1", sluice.port, "example.com", clients=2, pause_s=0.005)
    try:
        if how == "failing":
            dns.fail(NAME)
        else:
            dns.silence(NAME)
        asked = dns.asked(NAME)
        kept = f"the last addresses stay: {FIRST}"
        until(lambda: kept in problems(sluice), "the problem", SILENCE_S)
        until(lambda: dns.asked(NAME) >= asked + 4, "more tries", SILENCE_S)
        assert len(warnings(sluice)) == 1
        dns.put(NAME, SECOND)
        answers(sluice, SECOND, SILENCE_S)
        until(lambda: problems(sluice) == "", "the end of the problem", SILENCE_S)
    finally:
        load.stop()
    assert load.failures == []
    assert load.total > 100


def test_a_controller_that_starts_without_dns_has_the_last_addresses(sluice, dns):
    dns.put(NAME, FIRST, ttl=300)
    sluice.start()
    answers(sluice, FIRST)
    kept = sluice.state / "dns-answers"
    until(lambda: kept.exists() and kept.read_text() == f"{NAME} {FIRST}\n", "the kept answer")
    dns.silence(NAME)
    load = Load("127.0.0.1", sluice.port, "example.com", clients=2, pause_s=0.005)
    try:
        old = sluice.controller_pid()
        kill(old)
        until(lambda: sluice.controller_pid() not in (0, old), "a new controller", 20)
        sluice.wait(seconds=20)
    finally:
        load.stop()
    assert load.failures == []
    assert ask(sluice.port).word == FIRST


def test_answers_change_under_load_and_nothing_fails(sluice, dns):
    dns.put(NAME, FIRST)
    sluice.start()
    load = Load("127.0.0.1", sluice.port, "example.com", clients=4, pause_s=0.002)
    try:
        for chosen in ([SECOND], [FIRST, THIRD], [THIRD], ["::1"], [FIRST, SECOND, THIRD], [FIRST]):
            dns.put(NAME, *chosen)
            until(lambda c=chosen: f"{NAME} is {', '.join(c)}" in sluice.output(), str(chosen))
            load.take()
            until(lambda c=chosen: all(load.answers[each] > 10 for each in c), f"load on {chosen}")
    finally:
        load.stop()
    assert load.failures == []


def test_a_route_switched_to_a_new_name_never_misses_its_endpoints(sluice, dns, port_of_backends):
    dns.put(NAME, FIRST)
    sluice.start()
    load = Load("127.0.0.1", sluice.port, "example.com", clients=4)
    try:
        for number in range(5):
            name = f"n{number}.example.com"
            dns.put(name, SECOND, ttl=300, delay_s=0.2)
            sluice.write(
                "fixed.yaml",
                documents(
                    gateway(sluice.port),
                    named_backend(f"new{number}", (name, port_of_backends)),
                    route("web", [{"backendRefs": [backend_ref(f"new{number}")]}]),
                ),
            )
            sluice.wait()
    finally:
        load.stop()
    assert load.failures == []
    assert load.answers[SECOND] > 0


def test_check_does_not_resolve(sluice, dns):
    command = [sluice.binaries / "sluicectl", "check", "-f", sluice.manifests]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stdout
    assert dns.asked(NAME) == 0


def test_a_server_without_a_port_is_refused(sluice):
    sluice.arguments[sluice.arguments.index("--dns-server") + 1] = "127.0.0.1"
    with pytest.raises(AssertionError, match="ADDRESS:PORT"):
        sluice.start()
