"""What the suite judges: a cluster, one controller with the packaged rights, one nginx."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cluster.cluster import Cluster
from harness.kube_sluice import SYSTEM, KubeSluice
from harness.kubernetes import Namespace
from harness.waiting import until

PROJECT = Path(__file__).resolve().parents[2]
CLASS = "gateway-conformance"
CONTROLLER = "sluice.dev/gateway-controller"
START_S = 30


@dataclass
class Setting:
    """What one run is of."""

    suite: str
    channel: str
    workers: int
    parallel: int

    def name(self) -> str:
        return f"{self.suite}-{self.channel}-w{self.workers}-p{self.parallel}"


class World:
    """A cluster with Sluice in it; its logs go to `results`."""

    def __init__(self, setting: Setting, kit: Path, build: Path, place: Path, results: Path):
        self.setting, self.kit, self.results = setting, kit, results
        self.cluster = Cluster(place / "cluster")
        self.build, self.place = build, place
        self.sluice: KubeSluice | None = None
        self.workers: list[int] = []

    def start(self) -> None:
        setting = self.setting
        self.cluster.start(self.kit, setting.suite, tied=True)
        self.cluster.apply_bundle(setting.suite, setting.channel)
        self.cluster.kubectl("apply", "--server-side", "-k", PROJECT / "packaging/kubernetes")
        system = Namespace(self.cluster, SYSTEM, self.results)
        system.apply(gateway_class())
        self.sluice = KubeSluice(
            system,
            self.build,
            self.place / "sluice",
            pools=("10.250.0.0/16",),
            workers=setting.workers,
        )
        self.sluice.start()
        until(lambda: features(system), "the GatewayClass to tell its features", START_S)
        until(self._all_workers, f"{setting.workers} workers", START_S)
        self.workers = self.sluice.workers()

    def _all_workers(self) -> bool:
        return len(self.sluice.workers()) == self.setting.workers

    def stop(self) -> list[str]:
        """Ends all of it; what no healthy Sluice does, one a line."""
        found = []
        if self.workers and self.sluice.workers() != self.workers:
            found.append("nginx's workers are not those of the start")
        if self.workers and not self.sluice.controller.alive():
            found.append(f"the controller ended: {self.results / 'controller.log'}")
        if self.sluice:
            found += self.sluice.stop()
            for log in self.sluice.dir.glob("*.log"):
                shutil.copy(log, self.results / f"nginx-{log.name}")
        self.cluster.stop()
        return found


def gateway_class() -> dict:
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "GatewayClass",
        "metadata": {"name": CLASS},
        "spec": {"controllerName": CONTROLLER},
    }


def features(system: Namespace) -> list[str]:
    told = system.get("GatewayClass", CLASS).get("status", {}).get("supportedFeatures", [])
    return [feature["name"] for feature in told]


@contextlib.contextmanager
def directory() -> Iterator[Path]:
    """For a world; nginx's workers may enter it."""
    with tempfile.TemporaryDirectory(prefix="sluice-conformance-") as name:
        place = Path(name)
        place.chmod(0o755)
        yield place
