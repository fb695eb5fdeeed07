"""How people put files into a directory, and what happens to bad ones."""

import os
import shutil
import subprocess

import pytest
from harness.client import ask
from harness.manifests import backend, backend_ref, documents, gateway, route
from harness.net import free_port
from harness.processes import kill
from harness.waiting import until


@pytest.fixture
def sluice(make_sluice, backends):
    running = make_sluice()
    running.port = free_port()
    running.write(
        "fixed.yaml",
        documents(
            gateway(running.port),
            *(backend(name, number) for name, number in backends.ports.items()),
        ),
    )
    running.start()
    return running


def answers(sluice, word: str, host: str = "example.com") -> None:
    until(lambda: ask(sluice.port, host).word == word, f"{word} from {host}", 10)


def to(name: str, to_name: str, host: str = "example.com") -> str:
    return route(name, [{"backendRefs": [backend_ref(to_name)]}], [host])


def test_a_mounted_configmap_swaps_its_data_link(sluice):
    mount = sluice.manifests / "mounted"
    mount.mkdir()
    for version, name in enumerate(["blue", "green", "store"]):
        data = mount / f"..2026_11_2{version}"
        data.mkdir()
        (data / "route.yaml").write_text(to("mounted", name))
        temporary = mount / "..data_tmp"
        temporary.symlink_to(data.name)
        os.replace(temporary, mount / "..data")
        if version == 0:
            (mount / "route.yaml").symlink_to("..data/route.yaml")
        answers(sluice, name)


def test_a_slow_copy_is_read_when_it_is_whole(sluice, scratch):
    source = scratch / "slow.yaml"
    source.write_text(documents(*(to(f"r{n}", "green", f"h{n}.com") for n in range(300))))
    with (sluice.manifests / "slow.yaml").open("wb") as target:
        text = source.read_bytes()
        for start in range(0, len(text), 4096):
            target.write(text[start : start + 4096])
            target.flush()
    answers(sluice, "green", "h299.com")
    assert "slow.yaml" not in sluice.output()
    shutil.copy(source, sluice.manifests / "again.yaml")
    until(lambda: "again.yaml" in sluice.output(), "the report of objects in two files")
    answers(sluice, "green", "h0.com")


def test_a_file_saved_by_an_editor(sluice):
    path = sluice.manifests / "route.yaml"
    path.write_text(to("edited", "blue"))
    answers(sluice, "blue")
    path.rename(sluice.manifests / "route.yaml~")
    path.write_text(to("edited", "green"))
    (sluice.manifests / "route.yaml~").unlink()
    answers(sluice, "green")


def test_a_broken_file_keeps_its_last_good_objects_over_a_restart(sluice):
    sluice.write("route.yaml", to("kept", "blue"))
    answers(sluice, "blue")
    sluice.write("route.yaml", "spec: {unclosed: [\n")
    until(lambda: "route.yaml:" in sluice.output(), "the report of the broken file")
    answers(sluice, "blue")
    before = sluice.controller_pid()
    kill(before)
    until(lambda: sluice.controller_pid() not in (0, before), "a new controller")
    sluice.wait(seconds=20)
    assert ask(sluice.port).word == "blue"
    sluice.write("other.yaml", to("other", "green", "other.com"))
    answers(sluice, "green", "other.com")
    sluice.write("route.yaml", to("kept", "store"))
    answers(sluice, "store")


def test_a_refused_object_leaves_its_neighbours_alone(sluice):
    good = to("good", "blue")
    bad = to("bad", "blue").replace('"example.com"', '"not a host!"')
    sluice.write("two.yaml", documents(bad, good))
    answers(sluice, "blue")
    assert "spec.hostnames[0]" in sluice.output()
    check = subprocess.run(
        [str(sluice.binaries / "sluicectl"), "check", "-f", str(sluice.manifests)],
        capture_output=True,
        text=True,
    )
    assert check.returncode == 1
    assert "two.yaml:" in check.stdout + check.stderr


def test_nothing_in_the_directory_is_written(sluice):
    sluice.write("route.yaml", to("r", "blue"))
    answers(sluice, "blue")
    names = sorted(path.name for path in sluice.manifests.rglob("*"))
    assert names == ["fixed.yaml", "route.yaml"]
