"""Writes the JSON schema of environment files, which editors complete and check by: `make schema`."""

import json
import sys
from pathlib import Path

from safe_io.output import write
from stacks.environment import Environment


def schema() -> str:
    """Returns the schema as text."""
    body = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Environment.model_json_schema()}
    return json.dumps(body, indent=1) + "\n"


if __name__ == "__main__":
    write(Path(sys.argv[1]), schema())
