"""Real programs over TCPRoutes and UDPRoutes, while routes change."""

import subprocess

import pytest
from harness.certificates import gateway_of
from harness.dns_server import DnsServer
from harness.manifests import backend, backend_ref, documents, stream_route
from harness.net import free_port
from harness.streams import Talk, postgres_server, ssh_server

CHANGES = 1000
AT_ONCE = 50


def tcp(name: str, port: int) -> dict:
    return {"name": name, "protocol": "TCP", "port": port}


@pytest.fixture
def ssh(scratch):
    with ssh_server(scratch / "ssh") as served:
        yield served


@pytest.fixture
def postgres(scratch):
    scratch.chmod(0o755)
    with postgres_server(scratch / "postgres") as port:
        yield port


def test_ssh_and_psql_sessions_outlive_changes_of_other_routes_and_of_their_own(
    make_sluice, ssh, postgres
):
    ssh_port, client = ssh
    ports = {name: free_port() for name in ("ssh", "sql", "other")}
    sluice = make_sluice()
    sluice.write(
        "web.yaml",
        documents(
            gateway_of(*(tcp(name, port) for name, port in ports.items())),
            backend("ssh", ssh_port),
            backend("sql", postgres),
            backend("nobody", free_port()),
        ),
    )

    def write_own(weight: int) -> None:
        for name in ("ssh", "sql"):
            refs = (backend_ref(name, weight), backend_ref("nobody", 1))
            sluice.write(f"{name}.yaml", stream_route("TCPRoute", name, *refs, listener=name))

    write_own(1_000_000)
    sluice.start()
    shell = Talk([*client, "-p", ports["ssh"], "while read line; do echo got $line; done"])
    words = ("-X", "-A", "-t", "-q", "-h", "127.0.0.1", "-p", ports["sql"], "-U", "postgres")
    sql = Talk(["psql", *words])
    try:
        assert shell.ask("hello") == "got hello"
        assert sql.ask("create temporary table here (n int); select 1;") == "1"
        for change in range(1, CHANGES + 1):
            name = ("ssh", "sql", "nobody")[change % 3]
            route = stream_route("TCPRoute", "other", backend_ref(name), listener="other")
            sluice.write("other.yaml", route)
            if change % AT_ONCE == 0:
                sluice.wait()
                assert shell.ask(f"change {change}") == f"got change {change}"
                assert sql.ask("insert into here values (1); select count(*) from here;") == str(
                    change // AT_ONCE
                )
        write_own(0)
        sluice.wait()
        assert shell.ask("after") == "got after"
        assert sql.ask("select count(*) from here;") == str(CHANGES // AT_ONCE)
    finally:
        ended = shell.stop(), sql.stop()
    assert ended == (0, 0)


@pytest.mark.parametrize("option", ["+notcp", "+tcp"])
def test_dig_is_answered_over_udp_and_tcp_on_one_port(make_sluice, option):
    server, port = DnsServer(), free_port()
    try:
        server.put("a.example.com", "192.0.2.7")
        sluice = make_sluice()
        sluice.write(
            "all.yaml",
            documents(
                gateway_of(tcp("tcp", port), {"name": "udp", "protocol": "UDP", "port": port}),
                backend("dns", server.port),
                stream_route("TCPRoute", "tcp", backend_ref("dns"), listener="tcp"),
                stream_route("UDPRoute", "udp", backend_ref("dns"), listener="udp"),
            ),
        )
        sluice.start()
        command = ["dig", "+short", "+tries=1", option, "-p", str(port), "@127.0.0.1"]
        told = subprocess.run(
            [*command, "a.example.com"], capture_output=True, text=True, timeout=30
        )
        assert told.stdout == "192.0.2.7\n", told
        assert server.asked("a.example.com", over_tcp=option == "+tcp") == 1
    finally:
        server.stop()


def test_explain_says_what_becomes_of_connections_and_sessions(make_sluice):
    ports = {name: free_port() for name in ("tcp", "udp", "tls")}
    listeners = [
        tcp("tcp", ports["tcp"]),
        {"name": "udp", "protocol": "UDP", "port": ports["udp"]},
        {
            "name": "tls",
            "protocol": "TLS",
            "port": ports["tls"],
            "hostname": "*.example.com",
            "tls": {"mode": "Passthrough"},
        },
    ]
    sluice = make_sluice()
    sluice.write(
        "all.yaml",
        documents(
            gateway_of(*listeners),
            backend("one", 9),
            stream_route(
                "TCPRoute", "t", backend_ref("one", 3), backend_ref("none"), listener="tcp"
            ),
            stream_route("UDPRoute", "u", backend_ref("one")),
            stream_route("TLSRoute", "s", backend_ref("one"), hostnames=["a.example.com"]),
        ),
    )
    sluice.start()

    def explain(*words: object) -> tuple[int, str]:
        done = sluice.ctl("explain", *map(str, words), check=False)
        return done.returncode, done.stdout

    code, said = explain("--tcp", "--port", ports["tcp"])
    assert code == 0 and "relayed: tcp default/t rule 0" in said
    assert "75% default/one -> 127.0.0.1:9" in said and "closed: invalid reference" in said
    assert "relayed: udp default/u rule 0" in explain("--udp")[1]
    assert "relayed: tls default/s rule 0" in explain("--sni", "A.example.com")[1]
    code, said = explain("--sni", "b.example.com")
    assert code != 0 and "closed: no rule matches" in said
    assert "closed: no listener has this server name" in explain("--sni", "other.org")[1]
    assert "dropped: nothing listens there" in explain("--udp", "--port", ports["tcp"])[1]
    assert sluice.ctl("explain", "--udp", "--tcp", check=False).returncode == 2
