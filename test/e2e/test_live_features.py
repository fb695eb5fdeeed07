"""Thousands of changes of filters, certificates and policies under load: nothing fails or grows."""

import os

import pytest
from harness.feature_world import FeatureWorld, talk
from harness.grpc_server import Chat
from harness.memory import Memory, memory_of, open_files
from harness.waiting import until

CHANGES = 2 * int(os.environ.get("SLUICE_LIVE_CHANGES", "5000"))
OWN_KIB = 8 * 1024  # that a process may have more after all changes than after a fifth of them
KEPT_OPEN = 1100  # files: connections to backends that are kept for a while, and a few


@pytest.fixture
def world(make_sluice, scratch, backends, keep):
    return keep(FeatureWorld(make_sluice(), scratch, backends.ports))


def memories(pids: list[int]) -> dict[int, Memory]:
    return {pid: memory_of(pid) for pid in pids}


def test_changes_of_every_feature_under_load_break_nothing(request, capsys, world):
    sluice = world.sluice
    sluice.start()
    workers = sluice.worker_pids()
    processes = [sluice.controller_pid(), *workers]
    loads = world.load()
    channel = world.channel()
    chat = Chat(channel, seconds=None)
    try:
        for number in range(CHANGES):
            world.change(number)
            if number % 100 == 99:
                sluice.wait(seconds=30)
                talk(channel, chat, number)
            if number == CHANGES // 5:
                before = memories(processes)
        sluice.wait(seconds=60)
        talk(channel, chat, CHANGES)
        assert chat.rest() == []
        after = memories(processes)
    finally:
        for load in loads:
            load.stop()
        channel.close()
    assert [load.failures for load in loads] == [[]] * len(loads)
    assert all(load.total > 100 for load in loads), [load.total for load in loads]
    assert sluice.worker_pids() == workers
    until(lambda: all(open_files(pid) < KEPT_OPEN for pid in workers), "closed connections", 20)
    with capsys.disabled():
        print(f"\n{CHANGES} changes of filters, certificates and policies under load:")
        for pid, name in zip(processes, ["controller", "worker", "worker"], strict=True):
            print(f"  {name:10} after a fifth: {before[pid]}; after all: {after[pid]}")
    if request.config.getoption("--sanitizer"):
        return  # it keeps freed memory
    grown = {pid: after[pid].own - before[pid].own for pid in processes}
    assert all(more < OWN_KIB for more in grown.values()), grown
