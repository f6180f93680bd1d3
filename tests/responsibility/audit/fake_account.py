"""An account that answers from data: a healthy cluster, and what a test lays over it. botocore's own shapes judge the answers."""

import pickle
from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
import yaml
from botocore import xform_name
from botocore.exceptions import ClientError, ParamValidationError
from botocore.validate import ParamValidator

from responsibility.account.answers import told
from responsibility.account.errors import explain
from responsibility.account.permissions import CALLS
from responsibility.audit.read import read
from responsibility.reading import reader
from responsibility.reading.facts import Facts
from responsibility.reading.sources import Sources
from responsibility.reading.template import Template

HEALTHY: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "healthy.yaml").read_text())
"""Answers by IAM action: of a cluster in which every duty that the audit asks of an account alone is done."""


@cache
def _model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


@cache
def _operations(service: str) -> dict[str, str]:
    return {xform_name(name): name for name in _model(service).operation_names}


class FakeAccount:
    """Stands for ``responsibility.account.session.Account``."""

    region = "eu-west-1"

    def __init__(
        self, changes: Mapping[str, Any] | None = None, *, healthy: Mapping[str, Any] = HEALTHY, judged: bool = True
    ) -> None:
        """Lays changes over the healthy answers: mappings are merged, the rest replaced; ``{error: CODE}`` fails.

        Unless it is not ``judged``, a test fails for an answer that is none of AWS's.
        """
        self._judged = judged
        self._answers = merged(healthy, changes or {})
        self.asked: set[str] = set()

    def action(self, service: str, method: str) -> str:
        """The IAM action of a call."""
        action = f"{service}:{_operations(service)[method]}"
        assert action in CALLS["audit"], action
        return action

    def items(self, service: str, method: str, key: str, **parameters: Any) -> list[Any]:
        """What stands under a key of the answer."""
        assert method in _paged(service), f"{method} has no pages"
        return self._answer(service, method, parameters).get(key) or []

    def stop(self) -> None:
        """Nothing is waited for here."""

    def one(self, service: str, method: str, key: str, **parameters: Any) -> Any:
        """What stands under a key of the answer."""
        return self._answer(service, method, parameters)[key]

    def _answer(self, service: str, method: str, parameters: dict[str, Any]) -> dict[str, Any]:
        action = self.action(service, method)
        self.asked.add(action)
        operation = _model(service).operation_model(_operations(service)[method])
        if "Filters" in parameters and "Filter" in operation.input_shape.members:
            parameters["Filter"] = parameters.pop("Filters")  # boto3's alias for two odd calls
        if self._judged:
            _judge_once(parameters, operation.input_shape, f"{action} is asked")
        elif report := ParamValidator().validate(parameters, operation.input_shape).generate_report():
            raise explain(ParamValidationError(report=report), action, self.region)
        found = self._answers.get(action, {})
        if isinstance(found, dict) and "by" in found and isinstance(found.get("answers"), dict):
            # An answer for each value of a parameter.
            found = found["answers"].get(str(parameters.get(str(found["by"]))), {"error": "ResourceNotFoundException"})
        if isinstance(found, dict) and isinstance(code := found.get("error"), str):
            response = {"Error": {"Code": code, "Message": "as the test wants it"}}
            status = {"ResponseMetadata": {"HTTPStatusCode": 404 if "NotFound" in code else 400}}
            raise explain(ClientError({**response, **status}, operation.name), action, self.region)
        if self._judged:
            _judge_once(found, operation.output_shape, f"{action} answers")
        return _told(found, operation.output_shape, f"{action} in {self.region}:")


def audited(data: Mapping[str, Any], as_of: date) -> Facts:
    """Reads an account that answers ``account``, held against ``template``, if there is one, of a stack called ``stack``."""
    templates = None
    if body := data.get("template"):
        templates = reader.read(
            Sources("stack", [Template("stack", "stack.yaml", body, "", region="eu-west-1")]), as_of
        )
    return read(FakeAccount(data["account"]), say=lambda _: None, as_of=as_of, templates=templates)  # type: ignore[arg-type]


def merged(below: Any, above: Any) -> Any:
    """Lays one mapping over another, at any depth."""
    if not isinstance(below, Mapping) or not isinstance(above, Mapping) or "error" in above or "by" in above:
        return above
    return {**below, **{key: merged(below.get(key), value) for key, value in above.items()}}


@cache
def _paged(service: str) -> frozenset[str]:
    loader = botocore.session.get_session().get_component("data_loader")
    return frozenset(map(xform_name, loader.load_service_model(service, "paginators-1")["pagination"]))


_JUDGED: set[tuple[str, str]] = set()
_TOLD: dict[tuple[str, str], bytes] = {}
"""What was judged and told before, by its place and its text: a test asks for the same few answers some thousand times."""


def _judge_once(value: Any, shape: Any, words: str) -> None:
    key = (words, repr(value))
    if key not in _JUDGED:
        _judge(value, shape, words)
        _JUDGED.add(key)


def _told(value: Any, shape: Any, at: str) -> Any:
    """What ``told`` returns, new for each caller."""
    key = (at, repr(value))
    if key not in _TOLD:
        _TOLD[key] = pickle.dumps(told(value, shape, at))
    return pickle.loads(_TOLD[key])  # noqa: S301 - written above


def _judge(value: Any, shape: Any, words: str) -> None:
    """Fails for a value that botocore's model does not know."""
    if report := ParamValidator().validate(value, shape).generate_report():
        raise AssertionError(f"{words}: {report}")
    if unknown := list(_unknown(value, shape)):
        raise AssertionError(f"{words}: unknown members {unknown}")


def _unknown(value: Any, shape: Any) -> Any:
    if shape.type_name == "structure":
        for key, item in value.items():
            if key not in shape.members:
                yield key
            else:
                yield from _unknown(item, shape.members[key])
    elif shape.type_name == "list":
        for item in value:
            yield from _unknown(item, shape.member)
