"""The files of a Pod's volumes: Secrets, ConfigMaps, tokens, facts about the Pod."""

import base64
import threading

from cluster.api import Api, Refusal

Files = dict[str, bytes]  # by path in the volume
LOOK_S = 0.2


def field_of(pod: dict, path: str) -> str:
    """A field by its path, as in fieldRef; quoted keys (labels) are not asked for here."""
    value = pod
    for part in path.split("."):
        value = value[part]
    return str(value)


class Volumes:
    def __init__(self, api: Api, pod: dict):
        self.api, self.pod = api, pod
        self.space = f"/api/v1/namespaces/{pod['metadata']['namespace']}"
        self.files: dict[str, Files] = {}

    def wait(self, leaving: threading.Event) -> bool:
        """Reads all volumes as soon as all they name is there; False when the Pod goes first."""
        while not leaving.is_set():
            try:
                volumes = self.pod["spec"].get("volumes", [])
                self.files = {volume["name"]: self._volume(volume) for volume in volumes}
                return True
            except KeyError:  # a key of a Secret or ConfigMap
                pass
            except Refusal as refusal:
                if refusal.status != 404:
                    raise
            leaving.wait(LOOK_S)
        return False

    def _volume(self, volume: dict) -> Files:
        sources = volume["projected"]["sources"] if "projected" in volume else [volume]
        files: Files = {}
        for source in sources:
            files |= self._source(source)
        return files

    def _source(self, source: dict) -> Files:
        if "secret" in source:
            data = self._data("secrets", source["secret"])
            return {path: base64.b64decode(text) for path, text in data.items()}
        if "configMap" in source:
            data = self._data("configmaps", source["configMap"])
            return {path: text.encode() for path, text in data.items()}
        if "serviceAccountToken" in source:
            wanted = source["serviceAccountToken"]
            return {wanted["path"]: self._token(wanted)}
        if "downwardAPI" in source:
            items = source["downwardAPI"]["items"]
            return {
                item["path"]: field_of(self.pod, item["fieldRef"]["fieldPath"]).encode()
                for item in items
            }
        return {}  # an emptyDir

    def _data(self, resource: str, source: dict) -> dict[str, str]:
        name = source.get("secretName") or source["name"]
        data = self.api.call("GET", f"{self.space}/{resource}/{name}").get("data", {})
        items = source.get("items")
        return {item["path"]: data[item["key"]] for item in items} if items else data

    def _token(self, wanted: dict) -> bytes:
        account = self.pod["spec"]["serviceAccountName"]
        metadata = self.pod["metadata"]
        bound = {
            "apiVersion": "v1",
            "kind": "Pod",
            "name": metadata["name"],
            "uid": metadata["uid"],
        }
        spec = {"expirationSeconds": wanted["expirationSeconds"], "boundObjectRef": bound}
        if "audience" in wanted:
            spec["audiences"] = [wanted["audience"]]
        path = f"{self.space}/serviceaccounts/{account}/token"
        return self.api.call("POST", path, {"spec": spec})["status"]["token"].encode()
