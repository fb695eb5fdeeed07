"""Objects of Kubernetes as dicts: what a user would apply to have backends."""

ECHO = "echo-basic"  # the image of the conformance suite's backend
ECHO_PORT = 3000


def deployment(name: str, replicas: int = 1, **env: str) -> dict:
    """Pods of echo-basic with the label app=NAME; `env` in addition to what it needs."""
    facts = {"POD_NAME": "metadata.name", "NAMESPACE": "metadata.namespace"}
    variables = [
        {"name": key, "valueFrom": {"fieldRef": {"fieldPath": path}}} for key, path in facts.items()
    ]
    variables += [{"name": key, "value": value} for key, value in env.items()]
    container = {
        "name": "echo",
        "image": ECHO,
        "ports": [{"containerPort": ECHO_PORT}],
        "env": variables,
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [container]},
            },
        },
    }


def service(name: str, port: int = 80, target: int = ECHO_PORT, **spec: object) -> dict:
    """For the Pods with app=NAME; `spec` adds fields or replaces them."""
    ports = [{"name": "http", "port": port, "targetPort": target}]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"selector": {"app": name}, "ports": ports, **spec},
    }


def service_account(name: str) -> dict:
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}}


def role(name: str, *rules: dict) -> dict:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": name},
        "rules": list(rules),
    }


def role_binding(name: str, account: str) -> dict:
    """Gives the Role of the same name to a ServiceAccount of the same namespace."""
    group = "rbac.authorization.k8s.io"
    return {
        "apiVersion": f"{group}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": group, "kind": "Role", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": account}],
    }
