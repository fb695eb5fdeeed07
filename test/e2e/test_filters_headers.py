"""RequestHeaderModifier and ResponseHeaderModifier, on rules and on backendRefs."""

import pytest
from harness.client import ask
from harness.curl import curl
from harness.manifests import (
    backend,
    backend_ref,
    documents,
    gateway,
    header_filter,
    rewrite_filter,
    route,
    rule,
)
from harness.net import free_port
from harness.raw_backend import RawBackend
from harness.versions import VERSIONS, gateway_for


@pytest.fixture
def raw(keep):
    return keep(RawBackend())


@pytest.fixture
def serve(make_sluice, raw):
    """serve(rules) -> a running Sluice whose backend "raw" keeps what it received."""

    def start(rules: list[dict], *more: str, version: str = "http1"):
        sluice = make_sluice()
        sluice.port = free_port()
        sluice.write(
            "all.yaml",
            documents(
                gateway_for(version, sluice.port),
                backend("raw", raw.port),
                route("r", rules),
                *more,
            ),
        )
        sluice.start()
        return sluice

    return start


def on_rule(path: str, edits: dict) -> dict:
    return rule(backend_ref("raw"), path=path, filters=[edits])


def on_backend(path: str, edits: dict) -> dict:
    return rule({**backend_ref("raw"), "filters": [edits]}, path=path)


PLACES = {"rule": on_rule, "backendRef": on_backend}

REQUEST_EDITS = {
    "/set": header_filter("request", put={"X-Header-Set": "set-overwrites-values"}),
    "/add": header_filter("request", add={"X-Header-Add": "add-appends-values"}),
    "/remove": header_filter("request", remove=["X-Header-Remove"]),
    "/multiple": header_filter(
        "request",
        put={"X-Header-Set-1": "one", "X-Header-Set-2": "two"},
        add={"X-Header-Add-1": "one", "X-Header-Add-2": "two", "X-Header-Add-3": "three"},
        remove=["X-Header-Remove-1", "X-Header-Remove-2"],
    ),
    "/case": header_filter(
        "request",
        put={"X-Header-Set": "set"},
        add={"X-Header-Add": "added"},
        remove=["X-Header-Remove"],
    ),
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("place", PLACES)
def test_request_fields_are_set_added_and_removed(serve, raw, place, version):
    sluice = serve(
        [PLACES[place](path, edits) for path, edits in REQUEST_EDITS.items()], version=version
    )

    def seen(path: str, *headers: tuple[str, str]):
        assert curl(sluice.port, path, version, headers=list(headers)).status == 200
        return raw.last()

    assert seen("/set").all("x-header-set") == ["set-overwrites-values"]
    twice = seen(
        "/set",
        ("X-Header-Set", "one"),
        ("Some", "thing"),
        ("X-Header-Set", "two"),
        ("X-Empty", ""),
    )
    assert twice.all("x-header-set") == ["set-overwrites-values"]
    assert twice.all("some") == ["thing"]
    assert twice.all("x-empty") == [""]

    assert seen("/add").all("x-header-add") == ["add-appends-values"]
    appended = seen("/add", ("X-Header-Add", "some-other-value"))
    assert ",".join(appended.all("x-header-add")) == "some-other-value,add-appends-values"

    assert seen("/remove", ("X-Header-Remove", "val")).all("x-header-remove") == []
    assert seen("/remove", ("X-Other", "val")).all("x-other") == ["val"]

    several = seen(
        "/multiple",
        ("X-Header-Set-2", "set-val-2"),
        ("X-Header-Add-2", "add-val-2"),
        ("X-Header-Remove-2", "remove-val-2"),
        ("Another-Header", "another-header-val"),
    )
    assert several.all("x-header-set-1") == ["one"]
    assert several.all("x-header-set-2") == ["two"]
    assert several.all("x-header-add-1") == ["one"]
    assert ",".join(several.all("x-header-add-2")) == "add-val-2,two"
    assert several.all("x-header-add-3") == ["three"]
    assert several.all("x-header-remove-2") == []
    assert several.all("another-header") == ["another-header-val"]

    odd = seen(
        "/case",
        ("x-header-set", "original"),
        ("x-hEADER-ADD", "original"),
        ("x-heADer-rEMOVE", "original"),
    )
    assert odd.all("x-header-set") == ["set"]
    assert ",".join(odd.all("x-header-add")) == "original,added"
    assert odd.all("x-header-remove") == []


def test_fields_that_nginx_knows_by_name_are_edited_as_any_other(serve, raw):
    edits = header_filter(
        "request",
        put={"User-Agent": "sluice", "Content-Type": "text/x", "Accept-Encoding": "identity"},
        add={"Cookie": "c=3"},
        remove=["Referer", "Authorization", "If-None-Match"],
    )
    sluice = serve([on_rule("/", edits)])
    curl(
        sluice.port,
        headers=[
            ("User-Agent", "client"),
            ("Content-Type", "text/y"),
            ("Cookie", "a=1"),
            ("Referer", "http://x/"),
            ("Authorization", "Basic eA=="),
            ("If-None-Match", '"e"'),
            ("X-Kept", ""),
        ],
    )
    seen = raw.last()
    assert seen.all("user-agent") == ["sluice"]
    assert seen.all("content-type") == ["text/x"]
    assert seen.all("accept-encoding") == ["identity"]
    assert seen.all("cookie") == ["a=1", "c=3"]
    assert seen.all("x-kept") == [""]
    for name in ("referer", "authorization", "if-none-match"):
        assert seen.all(name) == []


def test_an_edit_of_what_sluice_itself_sends_wins(serve, raw):
    edits = header_filter(
        "request",
        put={"Host": "rewritten.example", "X-Forwarded-Proto": "https", "X-Request-Id": "mine"},
        add={"X-Forwarded-For": "192.0.2.1"},
        remove=["X-Forwarded-Port"],
    )
    sluice = serve([on_rule("/", edits)])
    curl(sluice.port, headers=[("X-Forwarded-For", "10.9.8.7"), ("X-Request-Id", "client")])
    seen = raw.last()
    assert seen.all("host") == ["rewritten.example"]
    assert seen.all("x-forwarded-for") == ["127.0.0.1,192.0.2.1"]
    assert seen.all("x-forwarded-proto") == ["https"]
    assert seen.all("x-forwarded-host") == ["example.com"]
    assert seen.all("x-forwarded-port") == []
    assert seen.all("x-request-id") == ["mine"]


# The API takes any text for a name to remove.
def test_what_cannot_be_removed_is_left_as_it_is(serve, raw):
    edits = header_filter("request", remove=["Host", "no name", "X-Gone"])
    sluice = serve([on_rule("/", edits)])
    assert curl(sluice.port, headers=[("X-Gone", "x")]).status == 200
    assert raw.last().all("host") == ["example.com"]
    assert raw.last().all("x-gone") == []


def test_the_rules_filters_come_before_the_backend_refs(serve, raw):
    sluice = serve(
        [
            rule(
                {
                    **backend_ref("raw"),
                    "filters": [header_filter("request", put={"A": "2"}, add={"B": "2"})],
                },
                filters=[header_filter("request", put={"A": "1", "B": "1"})],
            )
        ]
    )
    curl(sluice.port)
    assert raw.last().all("a") == ["2"]
    assert ",".join(raw.last().all("b")) == "1,2"


def test_each_of_two_backends_is_told_its_own_name(serve, raw):
    other = RawBackend("other")
    try:
        refs = [
            {**backend_ref(name, 10), "filters": [header_filter("request", put={"Backend": name})]}
            for name in ("raw", "other")
        ]
        sluice = serve([rule(*refs)], backend("other", other.port))
        answers = [ask(sluice.port) for _ in range(100)]
        assert [answer.status for answer in answers] == [200] * 100
        for running in (raw, other):
            assert running.requests
            assert {tuple(seen.all("backend")) for seen in running.requests} == {(running.name,)}
    finally:
        other.stop()


RESPONSE_EDITS = {
    "/set": header_filter("response", put={"X-Header-Set": "set-overwrites-values"}),
    "/add": header_filter("response", add={"X-Header-Add": "added"}),
    "/remove": header_filter("response", remove=["X-Header-Remove"]),
    "/multiple": header_filter(
        "response",
        put={"X-Header-Set-1": "one", "X-Header-Set-2": "two"},
        add={"X-Header-Add-1": "one", "X-Header-Add-2": "two", "X-Header-Add-3": "three"},
        remove=["X-Header-Remove-1", "X-Header-Remove-2"],
    ),
    "/case": header_filter(
        "response",
        put={"x-Mixedcase-SET": "set"},
        add={"x-Mixedcase-ADD-1": "one", "x-Mixedcase-ADD-2": "two"},
        remove=["x-Mixedcase-REMOVE"],
    ),
    "/both": header_filter("response", put={"X-Header-Set": "of the rule"}),
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("place", PLACES)
def test_response_fields_are_set_added_and_removed(serve, raw, place, version):
    sluice = serve(
        [PLACES[place](path, edits) for path, edits in RESPONSE_EDITS.items()], version=version
    )

    def reply(path: str, *fields: tuple[str, str]):
        raw.fields = list(fields)
        answer = curl(sluice.port, path, version)
        assert answer.status == 200
        return answer

    assert reply("/set").all("x-header-set") == ["set-overwrites-values"]
    twice = reply("/set", ("X-Header-Set", "a"), ("Other", "b"), ("x-header-set", "c"))
    assert twice.all("x-header-set") == ["set-overwrites-values"]
    assert twice.all("other") == ["b"]
    assert reply("/add").joined("x-header-add") == "added"
    assert reply("/add", ("X-Header-Add", "orig")).joined("x-header-add") == "orig,added"
    assert reply("/remove", ("x-header-remove", "x")).joined("x-header-remove") is None
    several = reply(
        "/multiple",
        ("X-Header-Set-2", "set-val-2"),
        ("X-Header-Add-2", "add-val-2"),
        ("X-Header-Remove-2", "remove-val-2"),
        ("Another-Header", "another-header-val"),
    )
    assert several.all("x-header-set-1") == ["one"]
    assert several.all("x-header-set-2") == ["two"]
    assert several.joined("x-header-add-1") == "one"
    assert several.joined("x-header-add-2") == "add-val-2,two"
    assert several.joined("x-header-add-3") == "three"
    assert several.joined("x-header-remove-2") is None
    assert several.all("another-header") == ["another-header-val"]
    odd = reply(
        "/case",
        ("x-mixedcase-set", "orig"),
        ("X-MIXEDCASE-ADD-1", "orig"),
        ("x-mixedcase-remove", "orig"),
    )
    assert odd.all("x-mixedcase-set") == ["set"]
    assert odd.joined("x-mixedcase-add-1") == "orig,one"
    assert odd.joined("x-mixedcase-add-2") == "two"
    assert odd.joined("x-mixedcase-remove") is None


# Those that nginx makes up itself, or keeps outside its list.
KNOWN = [
    ("Server", "backend/1"),
    ("Date", "Mon, 01 Jan 2024 00:00:00 GMT"),
    ("Content-Type", "text/html; charset=latin-1"),
    ("Last-Modified", "Mon, 01 Jan 2024 00:00:01 GMT"),
    ("ETag", '"backend"'),
    ("Location", "/from-the-backend"),
    ("Cache-Control", "no-cache"),
    ("Expires", "Mon, 01 Jan 2024 00:00:02 GMT"),
    ("Link", "</a>; rel=x"),
    ("WWW-Authenticate", "Basic"),
    ("Content-Encoding", "x-nothing"),
    ("Accept-Ranges", "bytes"),
    ("Vary", "Accept"),
]


@pytest.mark.parametrize("version", VERSIONS)
def test_fields_that_nginx_makes_up_are_edited_too(serve, raw, version):
    others = {
        "Server": "edited",
        "Date": "Tue, 02 Jan 2024 00:00:00 GMT",
        "Content-Type": "application/x; charset=utf-8",
        "Last-Modified": "Tue, 02 Jan 2024 00:00:01 GMT",
        "ETag": '"edited"',
        "Location": "/edited",
        "Cache-Control": "private",
        "Expires": "Tue, 02 Jan 2024 00:00:02 GMT",
        "Link": "</b>; rel=y",
        "WWW-Authenticate": "Digest",
        "Content-Encoding": "x-other",
        "Accept-Ranges": "none",
        "Vary": "Cookie",
    }
    sluice = serve(
        [
            on_rule("/set", header_filter("response", put=others)),
            on_rule("/remove", header_filter("response", remove=list(others))),
            on_rule("/add", header_filter("response", add={"Location": "x", "Vary": "Cookie"})),
            on_rule("/", header_filter("response", put={"X-Nothing": "else"})),
        ],
        version=version,
    )
    raw.fields = KNOWN
    untouched = curl(sluice.port, "/", version)
    assert [(name, untouched.all(name)) for name, _ in KNOWN] == [(n, [v]) for n, v in KNOWN]
    for fields in (KNOWN, []):
        raw.fields = fields
        edited = curl(sluice.port, "/set", version)
        assert [(name, edited.all(name)) for name in others] == [
            (n, [v]) for n, v in others.items()
        ]
        removed = curl(sluice.port, "/remove", version)
        assert [(name, removed.all(name)) for name in others] == [(name, []) for name in others]
        assert removed.body == b"raw"
    raw.fields = KNOWN
    added = curl(sluice.port, "/add", version)
    assert added.all("location") == ["/from-the-backend,x"]
    assert added.joined("vary") == "Accept,Cookie"


@pytest.mark.parametrize("version", VERSIONS)
def test_cookies_may_be_set_several_times(serve, raw, version):
    sluice = serve(
        [
            on_rule("/add", header_filter("response", add={"Set-Cookie": "c=3; Path=/"})),
            on_rule("/set", header_filter("response", put={"Set-Cookie": "c=3"})),
        ],
        version=version,
    )
    raw.fields = [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]
    assert curl(sluice.port, "/add", version).all("set-cookie") == ["a=1", "b=2", "c=3; Path=/"]
    assert curl(sluice.port, "/set", version).all("set-cookie") == ["c=3"]


def test_errors_of_nginx_itself_are_not_edited(serve):
    sluice = serve(
        [
            rule(
                backend_ref("gone"),
                path="/gone",
                filters=[header_filter("response", put={"X-Edited": "yes"})],
            ),
            on_rule("/", header_filter("response", put={"X-Edited": "yes"})),
        ],
        backend("gone", free_port()),
    )
    refused = curl(sluice.port, "/gone")
    assert refused.status == 502
    assert refused.all("x-edited") == []
    assert curl(sluice.port).all("x-edited") == ["yes"]


def test_an_error_of_the_backend_is_edited(serve, raw):
    sluice = serve([on_rule("/", header_filter("response", put={"X-Edited": "yes"}))])
    raw.status = 503
    answer = curl(sluice.port)
    assert (answer.status, answer.all("x-edited")) == (503, ["yes"])


def test_request_response_and_path_are_edited_by_one_rule(serve, raw):
    sluice = serve(
        [
            rule(
                backend_ref("raw"),
                path="/a",
                filters=[
                    header_filter("request", put={"X-Request": "1"}),
                    header_filter("response", put={"X-Response": "2"}),
                    rewrite_filter(hostname="inner.example"),
                ],
            )
        ]
    )
    answer = curl(sluice.port, "/a/b?c")
    assert answer.all("x-response") == ["2"]
    assert raw.last().all("x-request") == ["1"]
    assert raw.last().all("host") == ["inner.example"]
    assert raw.last().target == "/a/b?c"


def test_edits_change_while_requests_run(serve, raw):
    sluice = serve([on_rule("/", header_filter("request", put={"X-Version": "1"}))])
    ask(sluice.port)
    assert raw.last().all("x-version") == ["1"]
    for version in ("2", "3"):
        edits = header_filter("request", put={"X-Version": version})
        sluice.write(
            "all.yaml",
            documents(
                gateway(sluice.port),
                backend("raw", raw.port),
                route("r", [on_rule("/", edits)]),
            ),
        )
        sluice.wait()
        ask(sluice.port)
        assert raw.last().all("x-version") == [version]
