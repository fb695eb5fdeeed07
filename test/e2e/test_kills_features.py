"""What dies while TLS, gRPC streams, mirrors and retries are under way: what clients see of it."""

import os
import signal

import grpc
import pytest
from harness.feature_world import FeatureWorld, talk
from harness.grpc_server import Chat
from harness.processes import alive, kill
from harness.waiting import until


@pytest.fixture
def world(make_sluice, scratch, backends):
    running = FeatureWorld(make_sluice(), scratch, backends.ports)
    running.sluice.start()
    yield running
    running.stop()


def test_controller_killed_in_mid_write_of_every_feature(world):
    sluice = world.sluice
    workers = sluice.worker_pids()
    loads = world.load()
    channel = world.channel()
    chat = Chat(channel, seconds=None)
    try:
        for number in range(10):
            for change in range(20):
                world.change(number * 20 + change)
            before = sluice.controller_pid()
            kill(before)
            until(
                lambda before=before: sluice.controller_pid() not in (0, before),
                "a new controller",
                20,
            )
            talk(channel, chat, number)
        sluice.wait(seconds=30)
        assert chat.rest() == []
    finally:
        for load in loads:
            load.stop()
        channel.close()
    assert [load.failures for load in loads] == [[]] * len(loads)
    assert sluice.worker_pids() == workers


@pytest.mark.log(r"worker process \d+ exited on signal 9")
def test_worker_killed_with_streams_and_handshakes_under_way(world):
    sluice = world.sluice
    loads = world.load(clients=2)
    try:
        for number in range(5):
            channel = world.channel()
            chats = [Chat(channel, seconds=20) for _ in range(4)]
            for chat in chats:
                assert chat.say(b"ab") == b"ba"
            victims = sluice.worker_pids()
            for victim in victims:
                kill(victim)
            with pytest.raises(grpc.RpcError):
                chats[0].say(b"ab")
            for chat in chats:
                chat.leave()
            until(
                lambda victims=victims: (
                    len(sluice.worker_pids()) == 2 and not {*victims} & {*sluice.worker_pids()}
                ),
                "new workers",
                20,
            )
            world.change(number * 7)
            sluice.wait(seconds=30)
            channel.close()
            channel = world.channel()
            chat = Chat(channel)
            talk(channel, chat, number)
            assert chat.rest() == []
            channel.close()
        answered = [load.total - len(load.failures) for load in loads]
        until(
            lambda: all(
                load.total - len(load.failures) > before + 20
                for load, before in zip(loads, answered, strict=True)
            ),
            "answers of the last workers",
            20,
        )
    finally:
        for load in loads:
            load.stop()
    # Only what was under way when a worker died: two clients each, five times.
    assert all(len(load.failures) <= 10 for load in loads), [load.failures for load in loads]


def test_reload_ends_no_stream_and_fails_no_request(world):
    sluice = world.sluice
    loads = world.load()
    channel = world.channel()
    chat = Chat(channel, seconds=None)
    try:
        assert chat.say(b"ab") == b"ba"
        old = sluice.worker_pids()
        os.kill(sluice.master_pid(), signal.SIGHUP)
        until(lambda: len({*sluice.worker_pids()} - {*old}) == 2, "new workers", 20)
        for number in range(20):
            world.change(number)
            assert chat.say(b"ab") == b"ba"
        # The worker with the stream stays for it.
        assert any(alive(pid) for pid in old)
        assert chat.rest() == []
        channel.close()
        until(lambda: not any(alive(pid) for pid in old), "the end of the old workers", 20)
    finally:
        for load in loads:
            load.stop()
        channel.close()
    assert [load.failures for load in loads] == [[]] * len(loads)
