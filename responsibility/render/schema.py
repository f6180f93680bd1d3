"""Writes the JSON schema of the findings document, for those who read it by program: `python -m responsibility.render.schema FILE`."""

import json
import sys
from pathlib import Path

from responsibility.document import SCHEMA_VERSION, Review
from safe_io.output import write


def schema() -> str:
    """Returns the schema as text."""
    body = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:eks-responsibility:review:{SCHEMA_VERSION}",
        **Review.model_json_schema(mode="serialization"),
        "title": "EKS responsibility review",
    }
    return json.dumps(body, indent=1) + "\n"


if __name__ == "__main__":
    write(Path(sys.argv[1]), schema())
