"""A client of a Kubernetes API: JSON over one TLS connection per thread. It needs Python's own library alone."""

import http.client
import json
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode, urlsplit

Object = dict[str, Any]

MANAGER = "local-kubernetes"
"""The field manager of apply()."""
PAGE = "500"
SECONDS = 30.0
_PATCHES = {
    "merge": "application/merge-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "json": "application/json-patch+json",
    "apply": "application/apply-patch+yaml",  # JSON is YAML
}


class ApiError(Exception):
    """A request that the API refused.

    Attributes:
        code: HTTP status, such as 409.
        reason: the API's word, such as ``AlreadyExists``.
        message: the API's sentence.
        body: the whole Status.
    """

    def __init__(self, code: int, body: Mapping[str, Any]) -> None:
        """Reads a Status."""
        self.code, self.body = code, dict(body)
        self.reason, self.message = str(body.get("reason", "")), str(body.get("message", ""))
        super().__init__(self.message or f"HTTP {code}")


class Client:
    """A user of a Kubernetes API. Threads may share it.

    Attributes:
        url: address of the API, ``https://HOST:PORT``.
    """

    def __init__(self, url: str, tls: ssl.SSLContext, *, token: str = "") -> None:
        """Takes an address, whom to trust (with a client certificate, unless a bearer token says who asks)."""
        self.url = url
        self._tls, self._headers = tls, {"Authorization": f"Bearer {token}"} if token else {}
        self._local = threading.local()
        self._paths: dict[tuple[str, str], tuple[str, bool]] = {}

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content_type: str = "application/json",
        query: Mapping[str, str] | None = None,
    ) -> Any:
        """Asks the API; ``body`` and the answer are JSON (an answer that is none is text).

        Raises ApiError: it refuses. OSError: it does not answer.
        """
        target = f"{path}?{urlencode(query)}" if query else path
        data = None if body is None else json.dumps(body).encode()
        headers = {**self._headers, "Accept": "application/json", "Content-Type": content_type}
        try:
            answer = self._send(method, target, data, headers)
            content = answer.read()
        except http.client.HTTPException as problem:
            self.close()
            raise OSError(f"{self.url}: {problem!r}") from problem
        except OSError:
            self.close()
            raise
        with suppress(ValueError):
            parsed = json.loads(content)
            if answer.status >= http.client.BAD_REQUEST:
                raise ApiError(answer.status, parsed if isinstance(parsed, dict) else {})
            return parsed
        if answer.status >= http.client.BAD_REQUEST:
            raise ApiError(answer.status, {"message": content.decode(errors="replace").strip()})
        return content.decode(errors="replace")

    def _send(self, method: str, target: str, data: bytes | None, headers: dict[str, str]) -> http.client.HTTPResponse:
        connection = getattr(self._local, "connection", None)
        if connection is not None:
            try:
                connection.request(method, target, data, headers)
                return connection.getresponse()  # type: ignore[no-any-return]
            except (http.client.BadStatusLine, ConnectionError, ssl.SSLError):
                self.close()  # the server has closed a connection that was idle, and has not read this
        self._local.connection = connection = self._connect(SECONDS)
        connection.request(method, target, data, headers)
        return connection.getresponse()

    def _connect(self, seconds: float) -> http.client.HTTPSConnection:
        at = urlsplit(self.url)
        return http.client.HTTPSConnection(at.hostname or "", at.port, timeout=seconds, context=self._tls)

    def close(self) -> None:
        """Closes this thread's connection; the next request opens another."""
        if connection := getattr(self._local, "connection", None):
            connection.close()
            self._local.connection = None

    def get(self, path: str, **query: str) -> Any:
        """Returns an object. Raises ApiError."""
        return self.request("GET", path, query=query)

    def items(self, path: str, **query: str) -> list[Object]:
        """Returns the objects of a collection, each with its apiVersion and kind, page after page. Raises ApiError."""
        return self.snapshot(path, **query)[0]

    def snapshot(self, path: str, **query: str) -> tuple[list[Object], str]:
        """Returns the objects of a collection, and the resource version to watch from. Raises ApiError."""
        found: list[Object] = []
        more = ""
        while True:
            page = self.get(path, **{"limit": PAGE, **query, **({"continue": more} if more else {})})
            about = {"apiVersion": page["apiVersion"], "kind": page["kind"].removesuffix("List")}
            found += [{**about, **item} for item in page["items"] or []]
            more = page["metadata"].get("continue", "")
            if not more:
                return found, page["metadata"]["resourceVersion"]

    def create(self, path: str, body: Mapping[str, Any], **query: str) -> Any:
        """Posts an object to a collection, or to a subresource such as ``/eviction``. Raises ApiError."""
        return self.request("POST", path, body, query=query)

    def replace(self, path: str, body: Mapping[str, Any]) -> Any:
        """Puts an object. Raises ApiError."""
        return self.request("PUT", path, body)

    def patch(self, path: str, body: Any, *, kind: str = "merge", **query: str) -> Any:
        """Patches an object; ``kind`` is merge, strategic, json or apply. Raises ApiError."""
        return self.request("PATCH", path, body, content_type=_PATCHES[kind], query=query)

    def delete(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Deletes an object; ``body`` are DeleteOptions. Raises ApiError."""
        return self.request("DELETE", path, body)

    def apply(self, obj: Mapping[str, Any]) -> Object:
        """Applies an object on the server, with our field manager, and takes fields from other managers. Raises ApiError."""
        applied: Object = self.patch(self.path_of(obj), obj, kind="apply", fieldManager=MANAGER, force="true")
        return applied

    def evict(self, namespace: str, pod: str, grace_seconds: int | None = None) -> None:
        """Evicts a pod. Raises ApiError: 429 where a PodDisruptionBudget does not allow it, in the API's own words."""
        options = {} if grace_seconds is None else {"deleteOptions": {"gracePeriodSeconds": grace_seconds}}
        eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": namespace}}
        self.create(f"/api/v1/namespaces/{namespace}/pods/{pod}/eviction", {**eviction, **options})

    def path_of(self, obj: Mapping[str, Any]) -> str:
        """Returns the path of an object, by what the API serves. Raises ApiError: it does not serve that kind."""
        version, kind, metadata = obj["apiVersion"], obj["kind"], obj["metadata"]
        collection = self.collection(version, kind, metadata.get("namespace", "default"))
        return f"{collection}/{metadata['name']}"

    def collection(self, version: str, kind: str, namespace: str = "") -> str:
        """Returns the path of a kind's objects, in a namespace or in all. Raises ApiError: the API does not serve it."""
        base = f"/apis/{version}" if "/" in version else f"/api/{version}"
        if (version, kind) not in self._paths:
            for one in self.get(base)["resources"]:
                if "/" not in one["name"]:
                    self._paths[version, one["kind"]] = (one["name"], one["namespaced"])
        if (version, kind) not in self._paths:
            raise ApiError(404, {"reason": "NotFound", "message": f"{version} has no kind {kind}"})
        name, namespaced = self._paths[version, kind]
        return f"{base}/namespaces/{namespace}/{name}" if namespaced and namespace else f"{base}/{name}"

    def watch(
        self, path: str, resource_version: str, *, seconds: int = 300, **query: str
    ) -> Iterator[tuple[str, Object]]:
        """Yields changes, ``(ADDED | MODIFIED | DELETED | BOOKMARK, object)``, until the time is over or the server ends.

        Raises ApiError: 410 where the version is too old: list again. OSError: the server does not answer.
        """
        asked = {"watch": "true", "resourceVersion": resource_version, "timeoutSeconds": str(seconds), **query}
        connection = self._connect(seconds + SECONDS)  # of its own: it is busy all the time
        try:
            connection.request("GET", f"{path}?{urlencode(asked)}", headers=self._headers)
            answer = connection.getresponse()
            if answer.status >= http.client.BAD_REQUEST:
                raise ApiError(answer.status, json.loads(answer.read() or b"{}"))
            for line in answer:
                event = json.loads(line)
                if event["type"] == "ERROR":
                    raise ApiError(event["object"].get("code", 500), event["object"])
                yield event["type"], event["object"]
        except http.client.HTTPException as problem:
            raise OSError(f"{self.url}: {problem!r}") from problem
        finally:
            connection.close()
