"""sluicectl against a running Sluice, and without one."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest
from harness.client import ask
from harness.manifests import backend, backend_ref, documents, gateway, route
from harness.net import accepts, free_port
from harness.processes import alive
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
            route(
                "r", [{"backendRefs": [backend_ref("blue", 9), backend_ref("green")]}], ["a.com"]
            ),
        ),
    )
    running.start()
    return running


def conditions(object_: dict) -> dict[str, str]:
    return {each["type"]: each["status"] for each in object_["status"]["conditions"]}


def test_get_shows_the_status_that_a_cluster_would_show(sluice):
    sluice.wait("gateway/default/web")
    web = sluice.get("gateway", "web")
    assert conditions(web) == {"Accepted": "True", "Programmed": "True"} | conditions(web)
    assert web["status"]["listeners"][0]["attachedRoutes"] == 1
    assert web["metadata"]["generation"] == 1
    table = sluice.ctl("get", "gateways").stdout.splitlines()
    assert table[0].split() == ["NAME", "CLASS", "ADDRESS", "PROGRAMMED"]
    assert table[1].split() == ["web", "sluice", "127.0.0.1", "True"]
    assert sluice.ctl("get", "httproutes", "-o", "name").stdout.endswith("/r\n")
    everywhere = sluice.ctl("get", "backends", "-A", "--no-headers").stdout
    assert "default" in everywhere.split()
    described = sluice.ctl("describe", "httproute", "default/r").stdout
    assert "ResolvedRefs   True" in described


def test_what_is_not_there_is_3_and_what_makes_no_sense_is_2(sluice):
    assert sluice.ctl("get", "gateway", "nobody", check=False).returncode == 3
    assert sluice.ctl("wait", "gateway/default/nobody", check=False).returncode == 3
    assert sluice.ctl("get", "nonsense", check=False).returncode == 2
    assert sluice.ctl("wait", "--timeout", "soon", check=False).returncode == 2
    nowhere = subprocess.run(
        [sluice.binaries / "sluicectl", "wait", "--socket", sluice.state / "no.sock"],
        capture_output=True,
    )
    assert nowhere.returncode == 3


def test_wait_cannot_race_the_write_that_it_waits_for(sluice):
    for number in range(20):
        word = ["green", "store"][number % 2]
        sluice.write("fast.yaml", route("f", [{"backendRefs": [backend_ref(word)]}], ["f.com"]))
        sluice.ctl("wait")
        assert ask(sluice.port, "f.com").word == word


def test_explain_agrees_with_the_answer(sluice):
    rules = [
        {
            "matches": [{"path": {"type": "Exact", "value": "/x"}}],
            "backendRefs": [backend_ref("blue")],
        },
        {
            "matches": [{"headers": [{"name": "X-Beta", "value": "yes"}]}],
            "backendRefs": [backend_ref("green")],
        },
        {"backendRefs": [backend_ref("store")]},
    ]
    sluice.write("explained.yaml", route("e", rules, ["e.com"]))
    sluice.wait()
    for path, headers, word, rule in [
        ("/x", [], "blue", 0),
        ("/y", ["X-Other: 1", "X-Beta: yes"], "green", 1),
        ("/y", ["X-Beta: no"], "store", 2),
    ]:
        arguments = [word for header in headers for word in ("-H", header)]
        said = sluice.ctl("explain", "--host", "e.com", "--path", path, *arguments).stdout
        assert f"answer: default/e rule {rule} " in said
        asked = dict(header.split(": ") for header in headers)
        assert ask(sluice.port, "e.com", path, headers=asked).word == word
    assert 'wanted "yes", found "no"' in said
    missing = sluice.ctl("explain", "--host", "other.com", "--path", "/", check=False)
    assert missing.returncode == 3
    assert "404" in missing.stdout


def test_explain_tells_redirects_and_filters(sluice):
    to_https = {"type": "RequestRedirect", "requestRedirect": {"scheme": "https"}}
    edit = {
        "type": "RequestHeaderModifier",
        "requestHeaderModifier": {"set": [{"name": "X-Test", "value": "1"}]},
    }
    rules = [
        {"matches": [{"path": {"value": "/old"}}], "filters": [to_https]},
        {"backendRefs": [backend_ref("blue") | {"filters": [edit]}]},
    ]
    sluice.write("explained.yaml", route("e", rules, ["e.com"]))
    sluice.wait()
    said = sluice.ctl("explain", "--host", "e.com", "--path", "/old").stdout
    assert "answer: default/e rule 0 match 0 [redirect 302 scheme https]" in said
    assert "no backend" not in said
    said = sluice.ctl("explain", "--host", "e.com").stdout
    assert "default/blue [request set X-Test=1] -> " in said


def test_dump_is_the_same_live_offline_and_without_a_controller(sluice):
    sluice.wait()
    live = sluice.ctl("dump").stdout
    assert "exact" in live
    assert "default/blue w 90%" in live
    table = next(
        argument
        for argument in Path(f"/proc/{sluice.controller_pid()}/cmdline").read_text().split("\0")
        if argument.startswith("/dev/shm/")
    )
    program = str(sluice.binaries / "sluicectl")
    alone = subprocess.run([program, "dump", "--table", table], capture_output=True, text=True)
    assert alone.stdout == live


def test_check_names_file_and_line_and_needs_nothing_running(scratch, binaries):
    manifests = scratch / "m"
    manifests.mkdir()
    good = documents(
        gateway(80), backend("b", 9), route("r", [{"backendRefs": [backend_ref("b")]}])
    )
    (manifests / "good.yaml").write_text(good)
    program = [str(binaries / "sluicectl"), "check", "-f", str(manifests)]

    def run() -> subprocess.CompletedProcess:
        return subprocess.run(program, capture_output=True, text=True)

    assert run().returncode == 0, run().stdout
    (manifests / "field.yaml").write_text(backend("x", 1) + "unknown: 1\n")
    (manifests / "syntax.yaml").write_text("a: 1\nb: [\n")
    (manifests / "ref.yaml").write_text(route("lost", [{"backendRefs": [backend_ref("none")]}]))
    bad = run()
    assert bad.returncode == 1
    assert f"{manifests}/field.yaml:5: Backend/default/x: unknown: unknown field" in bad.stdout
    assert f"{manifests}/syntax.yaml:" in bad.stdout
    assert "ResolvedRefs=False (BackendNotFound)" in bad.stdout
    assert sorted(path.name for path in manifests.iterdir()) == [
        "field.yaml",
        "good.yaml",
        "ref.yaml",
        "syntax.yaml",
    ]


def test_run_ends_cleanly_and_leaves_nothing_open(sluice):
    table = Path("/dev/shm")
    before = {path.name for path in table.glob("sluice-*")}
    master, controller = sluice.master_pid(), sluice.controller_pid()
    assert sluice.stop() == 0
    assert not alive(master)
    assert not alive(controller)
    assert not accepts("127.0.0.1", sluice.port)
    assert before - {path.name for path in table.glob("sluice-*")}
    assert not (sluice.state / "control.sock").exists()


def test_children_end_with_a_killed_run(sluice):
    master, controller = sluice.master_pid(), sluice.controller_pid()
    os.kill(sluice.process.pid, signal.SIGKILL)
    until(lambda: not alive(master) and not alive(controller), "the end of the children", 10)
    until(lambda: not accepts("127.0.0.1", sluice.port), "closed ports", 10)
    sluice.start()
    assert ask(sluice.port, "a.com").word in ("blue", "green")


def test_nginx_that_ends_by_itself_ends_the_run_with_1(sluice):
    os.kill(sluice.master_pid(), signal.SIGTERM)
    until(lambda: not sluice.process.alive(), "the end of the run")
    assert sluice.stop() == 1


def test_a_second_run_on_the_same_state_is_refused(sluice):
    command = [sluice.binaries / "sluicectl", "run", sluice.manifests, "--state-dir", sluice.state]
    second = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert second.returncode == 1
    assert "another" in second.stderr
    assert sluice.process.alive()


def test_json_logs_are_one_object_a_line(make_sluice):
    sluice = make_sluice("--log-format", "json")
    sluice.write("web.yaml", gateway(free_port()))
    sluice.start()
    lines = sluice.output().splitlines()
    assert len(lines) > 3
    for line in lines:
        assert {"time", "level", "message"} <= json.loads(line).keys()
