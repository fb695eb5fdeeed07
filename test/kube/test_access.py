"""Who may do what: certificates, tokens, and the rights of a ServiceAccount."""

import subprocess

import pytest
from cluster import certificates
from cluster.api import Refusal
from harness.kube_objects import role, role_binding, service, service_account

READ_SERVICES = {"apiGroups": [""], "resources": ["services"], "verbs": ["get", "list", "watch"]}


def test_the_kubeconfig_of_the_cluster_is_the_administrators(namespace):
    who = namespace.kubectl("auth", "whoami", "-o", "jsonpath={.status.userInfo.groups}")
    assert "system:masters" in who
    assert namespace.kubectl("auth", "can-i", "*", "*", "--all-namespaces").strip() == "yes"


def test_a_client_certificate_names_its_user(namespace):
    files = namespace.cluster.certificates
    certificates.make_client(files, "jane", groups=("developers",))
    kubeconfig = namespace.kubeconfig(certificates.client_user(files, "jane"))
    environment = namespace.cluster.environment(kubeconfig)
    who = namespace.kubectl("auth", "whoami", "-o", "jsonpath={.status.userInfo}", env=environment)
    assert '"username":"jane"' in who and "developers" in who
    with pytest.raises(subprocess.CalledProcessError) as refused:
        namespace.kubectl("get", "services", env=environment)
    assert 'User "jane" cannot list resource "services"' in refused.value.stderr


def test_nobody_is_let_in_without_a_name(cluster):
    with pytest.raises(Refusal) as refused:
        cluster.api(user=None).call("GET", "/api/v1/namespaces")
    assert refused.value.status == 401


def test_a_token_has_the_rights_of_its_account_and_no_others(namespace):
    namespace.apply(service("blue"), service_account("reader"))
    api = namespace.cluster.api(token=namespace.token("reader"))
    services = namespace.path("Service")

    def status_of_listing() -> int:
        try:
            api.call("GET", services)
        except Refusal as refusal:
            return refusal.status
        return 200

    assert status_of_listing() == 403
    namespace.apply(role("reader", READ_SERVICES), role_binding("reader", "reader"))
    namespace.wait_until(lambda: status_of_listing() == 200, "the right to list Services")
    with pytest.raises(Refusal) as refused:
        api.call("DELETE", f"{services}/blue")
    assert refused.value.status == 403
    account = f"system:serviceaccount:{namespace.name}:reader"
    assert f'"{account}" cannot delete resource "services"' in refused.value.message


def test_a_kubeconfig_with_a_token_file_works(namespace):
    namespace.apply(service_account("reader"))
    token = namespace.scratch / "token"
    token.write_text(namespace.token("reader"))
    environment = namespace.cluster.environment(namespace.kubeconfig({"tokenFile": str(token)}))
    who = namespace.kubectl(
        "auth", "whoami", "-o", "jsonpath={.status.userInfo.username}", env=environment
    )
    assert who == f"system:serviceaccount:{namespace.name}:reader"
