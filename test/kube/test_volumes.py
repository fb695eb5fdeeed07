"""What a Pod finds in its volumes."""

import http.client
import ssl

from harness.certificates import make_certificate
from harness.kube_objects import deployment, service
from harness.kube_pods import serve, wait_ready

HTTPS_PORT = 8443  # of echo-basic
ACCOUNT = "var/run/secrets/kubernetes.io/serviceaccount"


def files_of(namespace, pod: str):
    uid = namespace.get("Pod", pod)["metadata"]["uid"]
    return namespace.cluster.state / "pods" / uid / "echo"


def https_status(address: str, trusted: str) -> int:
    tls = ssl.create_default_context(cadata=trusted)
    tls.check_hostname = False
    connection = http.client.HTTPSConnection(address, HTTPS_PORT, context=tls, timeout=10)
    connection.request("GET", "/")
    return connection.getresponse().status


def test_a_pod_waits_for_its_secret_and_then_serves_tls(namespace):
    place = "/etc/certificate"
    paths = {"TLS_SERVER_CERT": f"{place}/tls.crt", "TLS_SERVER_PRIVKEY": f"{place}/tls.key"}
    secured = deployment("secured", **paths)
    spec = secured["spec"]["template"]["spec"]
    spec["volumes"] = [{"name": "certificate", "secret": {"secretName": "held"}}]
    spec["containers"][0]["volumeMounts"] = [{"name": "certificate", "mountPath": place}]
    namespace.apply(secured, service("secured"))
    (pod,) = namespace.wait_until(lambda: namespace.list("Pod", "app=secured"), "the Pod")
    assert pod["status"]["phase"] == "Pending"
    held = make_certificate("secured.example.com")
    data = {"tls.crt": held.pem, "tls.key": held.key}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "held"}}
    namespace.apply({**secret, "type": "kubernetes.io/tls", "stringData": data})
    (address,) = wait_ready(namespace, "secured", 1)
    assert namespace.cluster.inside(https_status, address, held.pem) == 200


def test_a_config_map_is_mounted_as_files(namespace):
    words = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "words"}}
    namespace.apply({**words, "data": {"first": "one", "second": "two"}})
    reader = deployment("reader")
    spec = reader["spec"]["template"]["spec"]
    items = [{"key": "second", "path": "deep/er"}]
    spec["volumes"] = [{"name": "words", "configMap": {"name": "words", "items": items}}]
    spec["containers"][0]["volumeMounts"] = [{"name": "words", "mountPath": "/words"}]
    namespace.apply(reader, service("reader"))
    (pod,) = wait_ready(namespace, "reader", 1).values()
    assert (files_of(namespace, pod) / "words/deep/er").read_text() == "two"


def test_the_token_in_a_pod_authenticates_its_account(namespace):
    (pod,) = serve(namespace, "blue", 1).values()
    account = files_of(namespace, pod) / ACCOUNT
    assert (account / "namespace").read_text() == namespace.name
    api = namespace.cluster.api(token=(account / "token").read_text())
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    answer = api.call("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", review)
    user = answer["status"]["userInfo"]
    assert user["username"] == f"system:serviceaccount:{namespace.name}:default"
    assert user["extra"]["authentication.kubernetes.io/pod-name"] == [pod]
    authority = (account / "ca.crt").read_text()
    assert authority == (namespace.cluster.certificates / "ca.crt").read_text()
