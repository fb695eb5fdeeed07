"""Listeners that come and go at run time, without a reload."""

import socket
import threading

import pytest
from harness.client import ask
from harness.manifests import backend, backend_ref, documents, gateway, route
from harness.net import accepts, free_port, free_ports
from harness.processes import kill
from harness.waiting import until


@pytest.fixture
def sluice(make_sluice, backends):
    running = make_sluice()
    running.write(
        "fixed.yaml",
        documents(*(backend(name, number) for name, number in backends.ports.items())),
    )
    return running


def everything(name: str = "blue", gateway_name: str = "web") -> str:
    rules = [{"backendRefs": [backend_ref(name)]}]
    return route(f"to-{gateway_name}", rules, gateway=gateway_name)


def listener(sluice, name: str = "web") -> dict:
    status = sluice.get("gateway", name)["status"]
    return {c["type"]: c for c in status["listeners"][0]["conditions"]}


def test_listeners_open_and_close_while_others_serve(sluice):
    first, second = free_ports(2)
    sluice.write("one.yaml", documents(gateway(first), everything()))
    sluice.start()
    workers = sluice.worker_pids()
    for _ in range(5):
        sluice.write("two.yaml", documents(gateway(second, "two"), everything("green", "two")))
        sluice.wait("Gateway/default/two")
        assert ask(second).word == "green"
        assert ask(first).word == "blue"
        sluice.remove("two.yaml")
        until(lambda: not accepts("127.0.0.1", second), "the closed port")
        assert ask(first).word == "blue"
    assert sluice.worker_pids() == workers


def test_a_request_outlives_its_listener(sluice, live):
    port = free_port()
    rules = [{"backendRefs": [backend_ref("download")]}]
    sluice.write("download.yaml", backend("download", live.download_port))
    sluice.write("one.yaml", documents(gateway(port), route("r", rules)))
    sluice.start()
    got = []
    path = "/slow?chunks=20&pause_ms=50"
    thread = threading.Thread(target=lambda: got.append(ask(port, path=path)))
    thread.start()
    until(lambda: "download" in sluice.ctl("dump").stdout, "the table")
    sluice.remove("one.yaml")
    until(lambda: not accepts("127.0.0.1", port), "the closed port")
    thread.join(20)
    assert len(got[0].body) == 20 * 1024


def test_a_busy_port_is_not_programmed_and_hurts_nobody(sluice):
    busy, free = free_ports(2)
    with socket.create_server(("127.0.0.1", busy)) as blocker:
        sluice.write("one.yaml", documents(gateway(busy, "busy"), everything("green", "busy")))
        sluice.write("two.yaml", documents(gateway(free), everything()))
        sluice.start()
        assert ask(free).word == "blue"
        condition = until(
            lambda: (c := listener(sluice, "busy")["Programmed"])["status"] == "False" and c,
            "Programmed=False",
        )
        assert "in use" in condition["message"].lower()
        blocker.close()
    until(lambda: listener(sluice, "busy")["Programmed"]["status"] == "True", "the freed port", 20)
    assert ask(busy).word == "green"


def test_ipv6(make_sluice, backends):
    sluice = make_sluice("--address", "::1")
    port = free_port("::1")
    sluice.write(
        "all.yaml",
        documents(gateway(port), backend("blue", backends.ports["blue"]), everything()),
    )
    sluice.start()
    assert ask(port, address="::1").word == "blue"
    assert ask(port, address="127.0.0.1").word == "blue"


def test_a_restarted_controller_adopts_the_open_listeners(sluice):
    port, later = free_ports(2)
    sluice.write("one.yaml", documents(gateway(port), everything()))
    sluice.start()
    workers = sluice.worker_pids()
    before = sluice.controller_pid()
    kill(before)
    assert ask(port).word == "blue"
    until(lambda: sluice.controller_pid() not in (0, before), "a new controller")
    sluice.write("two.yaml", documents(gateway(later, "two"), everything("green", "two")))
    sluice.wait("Gateway/default/two", seconds=20)
    assert ask(later).word == "green"
    assert [ask(port).word for _ in range(20)] == ["blue"] * 20
    sluice.remove("one.yaml")
    until(lambda: not accepts("127.0.0.1", port), "the closed port")
    assert sluice.worker_pids() == workers


def test_port_offset_and_one_worker(make_sluice, backends):
    offset = free_port() - 80
    sluice = make_sluice("--port-offset", str(offset), workers=1)
    sluice.write(
        "all.yaml", documents(gateway(80), backend("blue", backends.ports["blue"]), everything())
    )
    sluice.start()
    assert ask(80 + offset).word == "blue"
    assert f"127.0.0.1:{80 + offset}" in sluice.output()
    assert len(sluice.worker_pids()) == 1
