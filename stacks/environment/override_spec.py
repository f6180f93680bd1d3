"""What `overrides:` of an environment file says: the way out where no key of the file sets a property."""

from typing import Annotated

from pydantic import Field, JsonValue

from eks_constructs.spec import Spec, pattern


class OverrideSpec(Spec):
    """A property of a resource of the templates, set after everything else."""

    path: Annotated[
        str,
        pattern(
            r"[A-Za-z0-9][A-Za-z0-9-]{0,127}(/[\w.:@+=,()-]{1,255}){1,20}",
            "must be the path of a construct: a stack, then names with / between them, as `aws:cdk:path` of a template has it",
        ),
    ]
    """Path of the construct, as `aws:cdk:path` of the template has it: `demo-control-plane-demo/Cluster`. Its last part may be left
    out where it is `Resource`."""
    property: Annotated[
        str,
        pattern(
            r"[A-Z][A-Za-z0-9]{0,99}(\.([^.\s\\]|\\\.){1,200}){0,20}",
            "must be the name of a property of CloudFormation, with dots to what is in it: Logging.ClusterLogging",
        ),
    ]
    """Property of the resource, as CloudFormation spells it; dots lead into it, numbers count items of lists from 0. A dot in a key
    is written `\\.`."""
    value: JsonValue
    """What the property gets, in place of what it had; `null` removes it."""
    reason: Annotated[
        str,
        Field(min_length=10, max_length=300),
        pattern(r"[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*", "must be one line of text"),
    ]
    """Why, in 10 characters or more: the template's metadata and the review have it."""
