"""ClusterTrustBundles in caCertificateRefs, on a real API server."""

import json

import pytest
from harness.certificates import make_certificate
from harness.client import ask
from harness.kube_gateways import conditions, gateway, programmed, route
from harness.kube_objects import deployment, service
from harness.kube_pods import wait_ready
from harness.manifests import trust_bundle, trust_bundle_ref

CLASS = "/apis/gateway.networking.k8s.io/v1/gatewayclasses/sluice"
HTTPS_PORT = 8443  # of echo-basic
HOST = "secured.example.com"
POOL = "10.250.72.0/28"
PLACE = "/etc/certificate"


def serve_tls(namespace, held) -> None:
    paths = {"TLS_SERVER_CERT": f"{PLACE}/tls.crt", "TLS_SERVER_PRIVKEY": f"{PLACE}/tls.key"}
    secured = deployment("secured", **paths)
    spec = secured["spec"]["template"]["spec"]
    spec["volumes"] = [{"name": "certificate", "secret": {"secretName": "held"}}]
    spec["containers"][0]["volumeMounts"] = [{"name": "certificate", "mountPath": PLACE}]
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "held"}}
    data = {"tls.crt": held.pem, "tls.key": held.key}
    namespace.apply({**secret, "type": "kubernetes.io/tls", "stringData": data})
    namespace.apply(secured, service("secured", target=HTTPS_PORT))
    wait_ready(namespace, "secured", 1)


def policy(bundle: str) -> dict:
    validation = {"hostname": HOST, "caCertificateRefs": [trust_bundle_ref(bundle)]}
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "BackendTLSPolicy",
        "metadata": {"name": "secure"},
        "spec": {
            "targetRefs": [{"group": "", "kind": "Service", "name": "secured"}],
            "validation": validation,
        },
    }


def wait_for(namespace, status: int, address: str, **wanted: tuple[str, str]) -> None:
    def there() -> bool:
        status = namespace.get("BackendTLSPolicy", "secure").get("status", {})
        ancestors = status.get("ancestors", [])
        shown = conditions(ancestors[0]) if ancestors else {}
        return all(shown.get(kind) == want for kind, want in wanted.items())

    namespace.wait_until(there, f"{wanted}")
    answers = [namespace.cluster.inside(ask, 80, address=address).status for _ in range(5)]
    assert answers == [status] * 5


def test_a_bundle_is_trusted_followed_and_missed(namespace, make_sluice):
    make_sluice(POOL)
    bundle = f"{namespace.name}-backends"
    held, other = make_certificate(HOST), make_certificate(HOST)
    serve_tls(namespace, held)
    namespace.apply(gateway("web"), route("shop", "web", "secured"), policy(bundle))
    (address,) = programmed(namespace, "web")
    good = {"Accepted": ("True", "Accepted"), "ResolvedRefs": ("True", "ResolvedRefs")}
    bad = {
        "Accepted": ("False", "NoValidCACertificate"),
        "ResolvedRefs": ("False", "InvalidCACertificateRef"),
    }
    wait_for(namespace, 500, address, **bad)
    for _ in range(2):
        namespace.apply(json.loads(trust_bundle(bundle, held.pem)))
        wait_for(namespace, 200, address, **good)
        namespace.delete("ClusterTrustBundle", bundle)
        wait_for(namespace, 500, address, **bad)
    namespace.apply(json.loads(trust_bundle(bundle, other.pem)))
    wait_for(namespace, 502, address, **good)
    namespace.apply(json.loads(trust_bundle(bundle, other.pem + held.pem)))
    served = namespace.cluster.inside
    namespace.wait_until(lambda: served(ask, 80, address=address).status == 200, "both authorities")
    namespace.delete("ClusterTrustBundle", bundle)


def test_a_bundle_has_the_name_of_its_signer(namespace, make_sluice):
    make_sluice(POOL)
    held = make_certificate(HOST)
    serve_tls(namespace, held)
    bundle = f"{namespace.name}.example.com:signer:v1"
    made = json.loads(trust_bundle(bundle, held.pem))
    made["spec"]["signerName"] = f"{namespace.name}.example.com/signer"
    namespace.apply(made, gateway("web"), route("shop", "web", "secured"), policy(bundle))
    (address,) = programmed(namespace, "web")
    wait_for(namespace, 200, address, Accepted=("True", "Accepted"))


@pytest.mark.bundle("experimental")
@pytest.mark.api_server(
    "--feature-gates=ClusterTrustBundle=false,ClusterTrustBundleProjection=false"
)
def test_where_the_api_server_has_no_bundles_they_are_of_an_unknown_kind(alone, start):
    sluice = start()
    serve_tls(alone, make_certificate(HOST))
    alone.apply(gateway("web"), route("shop", "web", "secured"), policy("backends"))
    (address,) = programmed(alone, "web")
    unknown = {
        "Accepted": ("False", "NoValidCACertificate"),
        "ResolvedRefs": ("False", "InvalidKind"),
    }
    wait_for(alone, 500, address, **unknown)
    told = alone.api.call("GET", CLASS)["status"]["supportedFeatures"]
    claimed = {feature["name"] for feature in told}
    assert "BackendTLSPolicy" in claimed and "ClusterTrustBundle" not in claimed
    words = ("-s", "--unix-socket", sluice.state / "control.sock", "http://sluice/v1/problems")

    def problems() -> list:
        return json.loads(alone.run("curl", *words).stdout)["problems"]

    # A CRD that was installed just now may not be served for a moment, and that is one.
    alone.wait_until(lambda: problems() == [], "no problems")
