"""Writes the JSON schema of fleet files, which editors complete and check by: `make schema`."""

import json
import sys
from pathlib import Path

from fleet.spec import FleetSpec
from safe_io.errors import OK, BadInput, run
from safe_io.output import write


def schema() -> str:
    """Returns the schema as text."""
    body = {"$schema": "https://json-schema.org/draft/2020-12/schema", **FleetSpec.model_json_schema()}
    return json.dumps(body, indent=1) + "\n"


def main(arguments: list[str]) -> int:
    """Writes it; returns the exit code. Raises BadInput."""
    if len(arguments) != 1:
        raise BadInput("usage: python -m fleet.schema FILE")
    write(Path(arguments[0]), schema())
    return OK


if __name__ == "__main__":
    sys.exit(run(lambda: main(sys.argv[1:]), program="python -m fleet.schema"))
