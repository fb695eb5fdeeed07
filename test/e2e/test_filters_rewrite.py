"""URLRewrite: hostname, full path and prefix, on rules and on backendRefs."""

import pytest
from harness.curl import curl
from harness.manifests import (
    backend,
    backend_ref,
    documents,
    header_filter,
    path_edit,
    rewrite_filter,
    route,
    rule,
)
from harness.net import free_port
from harness.raw_backend import RawBackend
from harness.versions import VERSIONS, gateway_for
from harness.waiting import until


@pytest.fixture
def raw(keep):
    return keep(RawBackend())


@pytest.fixture
def serve(make_sluice, raw):
    def start(rules: list[dict], version: str = "http1"):
        sluice = make_sluice()
        sluice.port = free_port()
        sluice.write(
            "all.yaml",
            documents(
                gateway_for(version, sluice.port), backend("raw", raw.port), route("r", rules)
            ),
        )
        sluice.start()
        return sluice

    return start


def on_rule(at: str, /, **fields: object) -> dict:
    return rule(backend_ref("raw"), path=at, filters=[rewrite_filter(**fields)])


def on_backend(at: str, /, **fields: object) -> dict:
    return rule({**backend_ref("raw"), "filters": [rewrite_filter(**fields)]}, path=at)


PLACES = {"rule": on_rule, "backendRef": on_backend}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("place", PLACES)
def test_paths_are_rewritten_as_the_specification_says(serve, raw, place, version):
    at = PLACES[place]
    sluice = serve(
        [
            at("/prefix/one", path=path_edit(prefix="/one")),
            at("/strip-prefix", path=path_edit(prefix="/")),
            at("/emptied", path=path_edit(prefix="")),
            at("/slash", path=path_edit(prefix="/xyz/")),
            at("/full/one", path=path_edit(full="/one")),
            at("/", path=path_edit(prefix="/below")),
        ],
        version,
    )
    expected = {
        "/prefix/one/two": "/one/two",
        "/prefix/one": "/one",
        "/prefix/one/": "/one/",
        "/strip-prefix/three": "/three",
        "/strip-prefix": "/",
        "/strip-prefix/": "/",
        "/emptied/bar": "/bar",
        "/emptied": "/",
        "/slash/bar": "/xyz/bar",
        "/full/one/two": "/one",
        "/full/one?q=1": "/one?q=1",
        "/": "/below/",
        "/other": "/below/other",
        "/prefix/one/a%2Fb%20c//d?q=%2F&r=//x": "/one/a%2Fb%20c//d?q=%2F&r=//x",
        "/strip-prefix//three": "/three",
        "/strip-prefix?only=query": "/?only=query",
        "/prefix/x/../one/%7Etwo": "/one/~two",
        "/pre%66ix/one/two%2fthree": "/one/two%2Fthree",
    }
    for path, target in expected.items():
        assert curl(sluice.port, path, version).status == 200
        assert raw.last().target == target, path


@pytest.mark.parametrize("version", VERSIONS)
def test_the_host_is_rewritten_and_the_clients_is_forwarded_beside_it(serve, raw, version):
    sluice = serve(
        [
            on_rule("/one", hostname="one.example.org"),
            rule(
                backend_ref("raw"),
                path="/both",
                filters=[
                    rewrite_filter(hostname="test.example.org", path=path_edit(prefix="/x")),
                    header_filter("request", put={"X-Header": "set"}, remove=["X-Gone"]),
                ],
            ),
            on_rule("/", hostname="example.org"),
        ],
        version,
    )
    for path, host in {"/one": "one.example.org", "/": "example.org"}.items():
        curl(sluice.port, path, version, host="shop.example.com:8080")
        assert raw.last().all("host") == [host]
        assert raw.last().all("x-forwarded-host") == ["shop.example.com:8080"]
        assert raw.last().target == path
    curl(sluice.port, "/both/y", version, headers=[("X-Gone", "x")])
    seen = raw.last()
    assert (seen.all("host"), seen.target) == (["test.example.org"], "/x/y")
    assert (seen.all("x-header"), seen.all("x-gone")) == (["set"], [])


def test_a_backend_refs_rewrite_wins_for_what_it_sets(serve, raw):
    mine = {"filters": [rewrite_filter(path=path_edit(full="/backend"))]}
    both = {"filters": [rewrite_filter(hostname="backend", path=path_edit(prefix="/b"))]}
    of_rule = rewrite_filter(hostname="rule", path=path_edit(prefix="/r"))
    sluice = serve(
        [
            rule({**backend_ref("raw"), **mine}, path="/path", filters=[of_rule]),
            rule({**backend_ref("raw"), **both}, path="/both", filters=[of_rule]),
        ]
    )
    curl(sluice.port, "/path/x")
    assert (raw.last().all("host"), raw.last().target) == (["rule"], "/backend")
    curl(sluice.port, "/both/x")
    assert (raw.last().all("host"), raw.last().target) == (["backend"], "/b/x")


def test_the_log_shows_what_the_client_asked(serve, raw):
    sluice = serve([on_rule("/a", path=path_edit(prefix="/b"))])
    curl(sluice.port, "/a/x?q")
    assert raw.last().target == "/b/x?q"

    # Symptom: an empty log on a busy machine, as nginx writes it after the answer.
    def log() -> str:
        return "".join(path.read_text() for path in sluice.state.rglob("access*.log"))

    until(lambda: '"GET /a/x?q HTTP/1.1" 200' in log(), "the line of the log")


def test_a_body_follows_its_rewritten_head(serve, raw):
    sluice = serve([on_rule("/a", path=path_edit(full="/b"), hostname="b")])
    body = b"0123456789" * 30_000
    assert curl(sluice.port, "/a", method="PUT", body=body).status == 200
    assert (raw.last().line, raw.last().body) == ("PUT /b HTTP/1.1", body)
