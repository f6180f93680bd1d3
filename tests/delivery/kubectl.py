"""Stands in for kubectl and helm on PATH (by the name it is called by): keeps objects in a file, and a line a call.

STAND_IN names a folder: state.json (what the cluster has), calls.jsonl (what was asked, in order), fail (texts of calls
that shall fail, a line each).
"""

import json
import os
import sys
from pathlib import Path

FOLDER = Path(os.environ["STAND_IN"])
STATE, CALLS, FAIL = FOLDER / "state.json", FOLDER / "calls.jsonl", FOLDER / "fail"
CLUSTER_SCOPED = {"Namespace", "PersistentVolume", "CustomResourceDefinition"}
OUR_TYPES = {"ScheduledScale": "scheduledscales.platform.example.com"}

state = json.loads(STATE.read_text()) if STATE.exists() else {}


def key(item):
    metadata = item["metadata"]
    return "/".join((item["kind"].lower(), metadata.get("namespace", ""), metadata["name"]))


def fail(text):
    print(text, file=sys.stderr)
    sys.exit(1)


def apply(items):
    for item in items:
        definition = OUR_TYPES.get(item["kind"])
        if definition and f"customresourcedefinition//{definition}" not in state:
            fail(f'error: no matches for kind "{item["kind"]}" in version "{item["apiVersion"]}"')
        namespace = item["metadata"].get("namespace")
        if namespace not in (None, "kube-system", "default") and f"namespace//{namespace}" not in state:
            fail(f'Error from server (NotFound): namespaces "{namespace}" not found')
        before = state.get(key(item))
        if item["kind"] == "Job" and before and before["spec"]["template"] != item["spec"]["template"]:
            fail(f"The Job {item['metadata']['name']} is invalid: spec.template: field is immutable")
        state[key(item)] = item
        for template in item.get("spec", {}).get("volumeClaimTemplates", []) if item["kind"] == "StatefulSet" else []:
            name = f"{template['metadata']['name']}-{item['metadata']['name']}-0"
            metadata = {"namespace": namespace, "name": name}
            claim = {"kind": "PersistentVolumeClaim", "metadata": metadata}
            state[key(claim)] = claim


def kubectl(arguments):
    if arguments[0] == "config":
        print({"current-context": "here", "view": "https://localhost:8443\nY2E="}[arguments[1]])
        return
    items = json.loads(sys.stdin.read())["items"] if arguments[-2:] == ["-f", "-"] else []
    action, rest = arguments[2], arguments[3:]  # after --context NAME
    what = [key(item) for item in items] or rest
    log(action, what)
    if action == "apply":
        apply(items)
    elif action == "delete":
        claims = f"persistentvolumeclaim/{rest[rest.index('--namespace') + 1]}/" if not items else None
        for name in what if items else [name for name in state if name.startswith(claims)]:
            state.pop(name, None)
    elif action == "rollout":
        kind, name = rest[1].split("/")
        if f"{kind}/{rest[rest.index('--namespace') + 1]}/{name}" not in state:
            fail(f"Error from server (NotFound): {rest[1]} not found")
    elif action == "get" and rest[0].startswith("job/"):
        print(json.dumps({"status": {"conditions": [{"type": "Complete", "status": "True"}]}}))
    elif action == "get":
        print(json.dumps({"items": []}))


def helm(arguments):
    log(arguments[2], arguments[3:])
    if arguments[2] == "upgrade":
        state["chart//" + arguments[4]] = json.loads(sys.stdin.read())
    else:
        state.pop("chart//" + arguments[3], None)


def log(action, what):
    call = {"program": Path(sys.argv[0]).name, "action": action, "what": what}
    with CALLS.open("a") as calls:
        calls.write(json.dumps(call) + "\n")
    for text in FAIL.read_text().splitlines() if FAIL.exists() else []:
        if text in " ".join((action, *what)):
            fail(f"error: {text} exceeded its progress deadline")


{"kubectl": kubectl, "helm": helm}[Path(sys.argv[0]).name](sys.argv[1:])
STATE.write_text(json.dumps(state))
