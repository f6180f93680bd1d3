"""Volumes for claims, as the block storage drivers of EKS make them: in the zone of the node that the scheduler has chosen."""

from contextlib import suppress

from eks_facts.files import load
from local_kubernetes.client import ApiError, Client, Object
from local_kubernetes.nodes.mirror import Mirror, key_of
from local_kubernetes.nodes.node import ZONE

SELECTED = "volume.kubernetes.io/selected-node"
"""https://kubernetes.io/docs/concepts/storage/storage-classes/#volume-binding-mode"""


def drivers() -> frozenset[str]:
    """Returns the provisioners of EBS volumes."""
    return frozenset(name for key, name in load("compute_kinds")["block_storage_drivers"].items() if key != "source")


class Volumes:
    """Makes volumes.

    Attributes:
        served: the provisioners that a driver serves.
    """

    def __init__(self, client: Client) -> None:
        """Takes the client."""
        self._client = client
        self.served = drivers()
        self._made: set[str] = set()

    def react(self, mirror: Mirror, zones: list[str]) -> None:
        """Makes a volume for each claim that waits for one, and can have it; deletes those whose claim is gone."""
        for _, volume in list(mirror.of["volumes"].items()):
            released = (volume.get("status") or {}).get("phase") == "Released"
            ours = (volume["spec"].get("csi") or {}).get("driver") in self.served
            policy = volume["spec"].get("persistentVolumeReclaimPolicy")
            if released and ours and policy == "Delete" and not volume["metadata"].get("deletionTimestamp"):
                with suppress(ApiError):  # it is gone
                    self._client.delete(f"/api/v1/persistentvolumes/{volume['metadata']['name']}")
        for key, claim in mirror.of["claims"].items():
            uid = claim["metadata"]["uid"]
            if uid in self._made or claim["spec"].get("volumeName") or claim["metadata"].get("deletionTimestamp"):
                continue
            storage = mirror.of["classes"].get(("", str(claim["spec"].get("storageClassName"))))
            if not storage or storage["provisioner"] not in self.served:
                continue
            zone = zones[0]  # EBS's own choice, where the class does not wait for a pod
            if storage.get("volumeBindingMode") == "WaitForFirstConsumer":
                node = mirror.of["nodes"].get(("", claim["metadata"].get("annotations", {}).get(SELECTED, "")))
                if not node:
                    continue
                zone = node["metadata"]["labels"].get(ZONE, zones[0])
            self._made.add(uid)
            with suppress(ApiError):
                self._client.create("/api/v1/persistentvolumes", _volume(key, claim, storage, zone))


def _volume(key: tuple[str, str], claim: Object, storage: Object, zone: str) -> Object:
    uid = claim["metadata"]["uid"]
    match = [{"key": ZONE, "operator": "In", "values": [zone]}]
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"pvc-{uid}", "annotations": {"pv.kubernetes.io/provisioned-by": storage["provisioner"]}},
        "spec": {
            "capacity": {"storage": claim["spec"]["resources"]["requests"]["storage"]},
            "accessModes": claim["spec"]["accessModes"],
            "persistentVolumeReclaimPolicy": storage.get("reclaimPolicy", "Delete"),
            "storageClassName": storage["metadata"]["name"],
            "volumeMode": claim["spec"].get("volumeMode", "Filesystem"),
            "claimRef": {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "namespace": key[0],
                "name": key[1],
                "uid": uid,
            },
            "csi": {"driver": storage["provisioner"], "volumeHandle": f"vol-{uid.replace('-', '')[:17]}"},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": match}]}},
        },
    }


def zones_of(pod: Object, mirror: Mirror) -> set[str] | None:
    """Returns the zones that a pod's volumes are in; None: they may be anywhere."""
    found: set[str] | None = None
    for one in pod["spec"].get("volumes") or []:
        if "persistentVolumeClaim" not in one:
            continue
        claim = mirror.of["claims"].get((key_of(pod)[0], one["persistentVolumeClaim"]["claimName"]))
        volume = mirror.of["volumes"].get(("", ((claim or {}).get("spec") or {}).get("volumeName", "")))
        terms = (((volume or {}).get("spec") or {}).get("nodeAffinity") or {}).get("required", {}).get(
            "nodeSelectorTerms"
        ) or []
        for term in terms:
            for match in term.get("matchExpressions") or []:
                if match["key"] == ZONE:
                    found = set(match["values"]) if found is None else found & set(match["values"])
    return found


def waits_for_claim(pod: Object, mirror: Mirror) -> bool:
    """Returns whether no node will do for a pod because of a claim: it is missing, unbound, or one pod alone may use it, and one does."""
    space, name = key_of(pod)
    for one in pod["spec"].get("volumes") or []:
        claimed = (one.get("persistentVolumeClaim") or {}).get("claimName")
        claimed = claimed or (f"{name}-{one['name']}" if "ephemeral" in one else "")
        if not claimed:
            continue
        claim = mirror.of["claims"].get((space, claimed))
        if claim is None:
            return True
        storage = mirror.of["classes"].get(("", str(claim["spec"].get("storageClassName"))))
        on_demand = storage is not None and storage.get("volumeBindingMode") == "WaitForFirstConsumer"
        if not claim["spec"].get("volumeName") and not on_demand:
            return True
        if "ReadWriteOncePod" in claim["spec"].get("accessModes", ()) and any(
            other["spec"].get("nodeName") and key_of(other) != key_of(pod) and _uses(other, space, claimed)
            for other in mirror.of["pods"].values()
        ):
            return True
    return False


def _uses(pod: Object, space: str, claim: str) -> bool:
    return key_of(pod)[0] == space and any(
        (one.get("persistentVolumeClaim") or {}).get("claimName") == claim for one in pod["spec"].get("volumes") or []
    )
