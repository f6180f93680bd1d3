"""Writes the JSON schema of the findings document, for those who read it by program: `python -m responsibility.render.schema FILE`."""

import json
import sys
from pathlib import Path

from pydantic import BaseModel

from responsibility.document import SCHEMA_VERSION, Review
from safe_io.output import write


def schema() -> str:
    """Returns the schema as text."""
    return schema_of(Review, f"urn:eks-responsibility:review:{SCHEMA_VERSION}", "EKS responsibility review")


def schema_of(document: type[BaseModel], urn: str, title: str) -> str:
    """Returns the JSON schema of a document, as it is written, under a name and a title."""
    body = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": urn,
        **document.model_json_schema(mode="serialization"),
        "title": title,
    }
    return json.dumps(body, indent=1) + "\n"


if __name__ == "__main__":
    write(Path(sys.argv[1]), schema())
