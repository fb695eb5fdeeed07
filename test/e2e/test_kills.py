"""What dies, stops or runs full, and what the clients see of it: nothing."""

import os
import signal
import subprocess

import pytest
from harness.client import ask
from harness.load import Load
from harness.manifests import backend, backend_ref, documents, gateway, route
from harness.net import free_port
from harness.processes import alive, kill
from harness.waiting import until

BIG_ROUTES = 400


def to(name: str, path: str = "/") -> dict:
    return {"matches": [{"path": {"value": path}}], "backendRefs": [backend_ref(name)]}


@pytest.fixture
def sluice(make_sluice, backends):
    running = make_sluice()
    running.port = free_port()
    running.write(
        "fixed.yaml",
        documents(
            gateway(running.port),
            *(backend(name, number) for name, number in backends.ports.items()),
            route("fixed", [to("blue")], ["example.com"]),
        ),
    )
    return running


def test_controller_killed_in_mid_write_twenty_times(sluice):
    sluice.start()
    workers = sluice.worker_pids()
    load = Load("127.0.0.1", sluice.port, "example.com", clients=2)
    try:
        for number in range(20):
            for change in range(10):
                name = f"r{change}"
                sluice.write(
                    f"{name}.yaml", route(name, [to("green", f"/n{number}")], [f"{name}.com"])
                )
            before = sluice.controller_pid()
            kill(before)
            until(
                lambda before=before: sluice.controller_pid() not in (0, before),
                "a new controller",
                20,
            )
            assert ask(sluice.port).word == "blue"
        until(
            lambda: ask(sluice.port, "r9.com", "/n19").word == "green",
            "the newest route after the last kill",
            20,
        )
    finally:
        load.stop()
    assert load.failures == []
    assert sluice.worker_pids() == workers


@pytest.mark.log(r"worker process \d+ exited on signal 9")
def test_worker_killed_and_respawned(sluice):
    sluice.start()
    for _ in range(3):
        victim = sluice.worker_pids()[0]
        kill(victim)
        until(lambda: len(sluice.worker_pids()) == 2, "a new worker")
        sluice.wait()
        assert [ask(sluice.port).word for _ in range(20)] == ["blue"] * 20
    sluice.write("new.yaml", route("new", [to("green")], ["new.com"]))
    sluice.wait()
    assert [ask(sluice.port, "new.com").word for _ in range(20)] == ["green"] * 20


def test_stopped_worker_does_not_hold_up_the_others(sluice):
    sluice.start()
    stopped = sluice.worker_pids()[0]
    os.kill(stopped, signal.SIGSTOP)
    try:
        for number in range(30):
            sluice.write("new.yaml", route("new", [to("green", f"/n{number}")], ["new.com"]))
            sluice.wait(seconds=20)
    finally:
        os.kill(stopped, signal.SIGCONT)
    sluice.wait(seconds=20)
    answers = [ask(sluice.port, "new.com", "/n29").word for _ in range(40)]
    assert answers == ["green"] * 40
    assert alive(stopped)


def test_reload_and_binary_upgrade_under_load(sluice):
    sluice.start()
    master = sluice.master_pid()
    load = Load("127.0.0.1", sluice.port, "example.com", clients=2)
    try:
        for number in range(3):
            old = set(sluice.worker_pids())
            os.kill(master, signal.SIGHUP)
            until(
                lambda old=old: (
                    len(set(sluice.worker_pids()) - old) == 2
                    and not old & set(sluice.worker_pids())
                ),
                "new workers",
                20,
            )
            sluice.write("new.yaml", route("new", [to("green", f"/n{number}")], ["new.com"]))
            sluice.wait(seconds=20)
            assert ask(sluice.port, "new.com", f"/n{number}").word == "green"
    finally:
        load.stop()
    assert load.failures == []


def test_nginx_without_a_controller_serves_the_last_table(sluice):
    sluice.start()
    kill(sluice.controller_pid())
    assert ask(sluice.port).word == "blue"


@pytest.fixture
def small_sluice(sluice, scratch):
    """Its /dev/shm is a tmpfs of 48 MiB of its own."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small /dev/shm needs root")
    wrapper = scratch / "bin"
    wrapper.mkdir()
    real = sluice.binaries / "sluicectl"
    script = wrapper / "sluicectl"
    script.write_text(
        "#!/bin/sh\n"
        f'[ "$1" = run ] || exec {real} "$@"\n'
        f"exec unshare --mount sh -c 'mount -t tmpfs -o size=48m,mode=1777 tmpfs /dev/shm && "
        f'exec {real} "$@"\' sh "$@"\n'
    )
    script.chmod(0o755)
    sluice.binaries = wrapper
    sluice.start()
    return sluice


def fill(sluice) -> None:
    """Routes until there is no room; what was there still serves."""
    rules = [
        {
            "matches": [{"path": {"value": f"/{'x' * 900}{n}/{m}"}} for m in range(60)],
            "backendRefs": [backend_ref("green")],
        }
        for n in range(2)
    ]
    for number in range(BIG_ROUTES):
        hosts = [f"h{number}-{n}.com" for n in range(16)]
        sluice.write(f"big-{number}.yaml", route(f"big-{number}", rules, hosts))
    until(lambda: "no room" in sluice.output(), "the report of a full table", 60)
    assert [ask(sluice.port).word for _ in range(20)] == ["blue"] * 20


def in_its_mounts(sluice, *command: str) -> None:
    target = f"--target={sluice.controller_pid()}"
    subprocess.run(["nsenter", "--mount", "--root", target, *command], check=True)


def test_full_shared_memory_keeps_the_last_table(small_sluice):
    sluice = small_sluice
    in_its_mounts(sluice, "sh", "-c", "head -c 1G /dev/zero > /dev/shm/filler 2>/dev/null || true")
    fill(sluice)
    for number in range(BIG_ROUTES):
        sluice.remove(f"big-{number}.yaml")
    in_its_mounts(sluice, "rm", "/dev/shm/filler")
    sluice.write("new.yaml", route("new", [to("green")], ["new.com"]))
    until(lambda: ask(sluice.port, "new.com").word == "green", "a change after room was made", 60)


# "no room" for ever: a table that had filled the memory found none for the smaller one either.
def test_a_table_that_filled_the_memory_becomes_small_again(small_sluice):
    sluice = small_sluice
    fill(sluice)
    for number in range(BIG_ROUTES):
        sluice.remove(f"big-{number}.yaml")
    sluice.write("new.yaml", route("new", [to("green")], ["new.com"]))
    until(lambda: ask(sluice.port, "new.com").word == "green", "a change after routes went", 60)
    assert ask(sluice.port).word == "blue"
