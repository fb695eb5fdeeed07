"""Deployments, Services and EndpointSlices: real controllers, real programs, real packets."""

import time

from harness.kube_objects import deployment, service
from harness.kube_pods import echo, endpoints, programs, ready, serve, wait_ready
from harness.processes import alive, kill
from harness.waiting import until


def test_three_pods_become_three_endpoints_that_answer(namespace):
    pods = serve(namespace, "blue", 3)
    answers = {address: echo(namespace, address).json for address in pods}
    assert {address: answer["pod"] for address, answer in answers.items()} == pods
    assert {answer["namespace"] for answer in answers.values()} == {namespace.name}


def test_pods_answer_by_ipv6_too(namespace):
    serve(namespace, "blue", 1)
    namespace.apply(service("both", ipFamilyPolicy="RequireDualStack", selector={"app": "blue"}))
    (address,) = namespace.wait_until(lambda: ready(namespace, "both", "IPv6"), "an IPv6 endpoint")
    assert echo(namespace, address).status == 200
    assert len(namespace.get("Service", "both")["spec"]["clusterIPs"]) == 2


def test_a_rolling_update_replaces_pods_one_after_the_other(namespace):
    before = serve(namespace, "blue", 3)
    fewest = 3
    namespace.apply(deployment("blue", 3, GREETING="hello"))

    def replaced() -> bool:
        nonlocal fewest
        now = ready(namespace, "blue")
        fewest = min(fewest, len(now))
        return len(now) == 3 and not set(now.values()) & set(before.values())

    namespace.wait_until(replaced, "three new Pods")
    assert fewest >= 2  # a quarter of three, rounded down, may be missing, and one changes place
    for address, pod in wait_ready(namespace, "blue", 3).items():
        assert echo(namespace, address).json["pod"] == pod
    namespace.kubectl("rollout", "status", "deployment/blue", "--timeout=30s")


def test_a_deployment_scales_up_and_down(namespace):
    serve(namespace, "blue", 1)
    namespace.patch("Deployment", "blue", {"spec": {"replicas": 10}}, subresource="scale")
    wait_ready(namespace, "blue", 10)
    namespace.patch("Deployment", "blue", {"spec": {"replicas": 2}}, subresource="scale")
    wait_ready(namespace, "blue", 2)


def test_a_crashed_program_starts_again_with_the_same_address(namespace):
    ((address, pod),) = serve(namespace, "blue", 1).items()
    (pid,) = programs(namespace, pod)
    kill(pid)

    def restarted() -> bool:
        (status,) = namespace.get("Pod", pod)["status"]["containerStatuses"]
        return status["restartCount"] == 1 and status["ready"]

    namespace.wait_until(restarted, "the restart")
    assert wait_ready(namespace, "blue", 1) == {address: pod}
    assert echo(namespace, address).json["pod"] == pod


def test_a_deleted_pod_is_replaced_and_its_program_ends(namespace):
    ((address, pod),) = serve(namespace, "blue", 1).items()
    (pid,) = programs(namespace, pod)
    namespace.delete("Pod", pod)
    namespace.wait_gone("Pod", pod)
    until(lambda: not alive(pid), f"the end of process {pid}")
    ((other, _),) = wait_ready(namespace, "blue", 1).items()
    assert other != address


def test_kubectl_shows_what_a_program_logged(namespace):
    ((address, pod),) = serve(namespace, "blue", 1).items()
    assert echo(namespace, address).status == 200
    assert "Echoing back request made to /" in namespace.kubectl("logs", pod)


def test_a_pod_on_its_way_out_answers_until_its_pre_stop_is_over(namespace):
    slow = deployment("blue")
    container = slow["spec"]["template"]["spec"]["containers"][0]
    container["lifecycle"] = {"preStop": {"sleep": {"seconds": 2}}}
    namespace.apply(slow, service("blue"))
    ((address, pod),) = wait_ready(namespace, "blue", 1).items()
    began = time.monotonic()
    namespace.delete("Pod", pod)

    def is_terminating() -> bool:
        return endpoints(namespace, "blue")[address]["conditions"].get("terminating", False)

    namespace.wait_until(is_terminating, "the endpoint to be terminating")
    assert echo(namespace, address).json["pod"] == pod
    namespace.wait_gone("Pod", pod)
    assert time.monotonic() - began >= 2


def test_an_image_that_no_program_stands_for_is_named(namespace):
    unknown = deployment("unknown")
    unknown["spec"]["template"]["spec"]["containers"][0]["image"] = "example.com/nothing:v1"
    namespace.apply(unknown)

    def reason() -> dict:
        pods = namespace.list("Pod", "app=unknown")
        statuses = [one for pod in pods for one in pod["status"].get("containerStatuses", [])]
        return statuses[0]["state"]["waiting"] if statuses else {}

    waiting = namespace.wait_until(reason, "a reason")
    assert waiting["reason"] == "ErrImageNeverPull"
    assert waiting["message"] == "no program stands for image example.com/nothing:v1"
