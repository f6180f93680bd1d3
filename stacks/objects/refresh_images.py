"""`make refresh-images`: updates the digests in workloads/images.yaml from the registries.

https://distribution.github.io/distribution/spec/api/. Without a login: the images are public.
"""

import hashlib
import json
import re
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from datetime import UTC, date, datetime
from http.client import HTTPMessage
from pathlib import Path

from safe_io.errors import BadInput, run
from safe_io.output import write
from safe_io.yaml_file import YamlFile
from stacks.environment.validating import validated
from stacks.objects.images import FILE, ImagesFile, ImageSpec

SCHEME = "https"
SECONDS = 20
_LISTS = "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json"
_LINES = {"checked": r'(?m)^checked: ".*"$', "read_from": r"(?m)^read_from: .*$"}


class RegistryProblem(BadInput):
    """A registry did not answer as expected."""


def digest_of(image: ImageSpec) -> str:
    """Returns the digest of the image list that a tag points to now.

    Raises RegistryProblem: no answer, no such tag, or no image for one of the architectures.
    """
    registry, _, name = image.repository.partition("/")
    url = f"{SCHEME}://{registry}/v2/{name}/manifests/{image.tag}"
    body, headers = _get(url, f"{image.repository}:{image.tag}")
    digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
    if headers.get("Docker-Content-Digest", digest) != digest:
        raise RegistryProblem(f"{image.repository}:{image.tag}: the content does not match its digest; try again")
    try:
        manifests = json.loads(body)["manifests"]
        offered = {one["platform"]["architecture"] for one in manifests if one["platform"]["os"] == "linux"}
    except (ValueError, KeyError, TypeError):
        raise RegistryProblem(
            f"{image.repository}:{image.tag}: is not a list of images for several processors; take another tag"
        ) from None
    if missing := sorted(set(image.architectures) - offered):
        raise RegistryProblem(
            f"{image.repository}:{image.tag}: has no image for {', '.join(missing)}; it has: {', '.join(sorted(offered))}."
            " Take another tag, or name its architectures"
        )
    return digest


def _get(url: str, what: str, token: str | None = None) -> tuple[bytes, HTTPMessage]:
    headers = {"Accept": _LISTS} | ({"Authorization": f"Bearer {token}"} if token else {})
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=SECONDS) as answer:  # noqa: S310 - SCHEME
            return answer.read(), answer.headers
    except urllib.error.HTTPError as error:
        if error.code == 401 and token is None and (challenge := error.headers.get("WWW-Authenticate")):
            return _get(url, what, _token(challenge, what))
        said = "there is no such image or tag" if error.code == 404 else f"the registry answers {error.code}"
        raise RegistryProblem(f"{what}: {said} ({url})") from None
    except (urllib.error.URLError, OSError) as error:
        raise RegistryProblem(f"{what}: no answer: {getattr(error, 'reason', error)} ({url})") from None


def _token(challenge: str, what: str) -> str:
    """Returns an anonymous token of a registry. https://distribution.github.io/distribution/spec/auth/token/."""
    fields = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
    realm = fields.pop("realm", "")
    if not realm.startswith(f"{SCHEME}://"):
        raise RegistryProblem(f"{what}: the registry asks for a login; images here must be public")
    body, _ = _get(f"{realm}?{urllib.parse.urlencode(fields)}", what, token="")
    try:
        return str(json.loads(body)["token"])
    except (ValueError, TypeError, KeyError, RecursionError):
        raise RegistryProblem(f"{what}: the registry gives no token") from None


def refreshed(text: str, old: Mapping[str, ImageSpec], new: Mapping[str, str], today: date) -> str:
    """Returns the text of the file with new digests, the day and where they come from; all else stays."""
    for name, digest in new.items():
        text = text.replace(old[name].digest, digest)
    for key, value in {"checked": f'"{today}"', "read_from": "the registries"}.items():
        text, found = re.subn(_LINES[key], f"{key}: {value}", text)
        if not found:
            raise BadInput(f"the line {key}: is missing")
    return text


def refresh(file: Path = FILE, today: date | None = None) -> list[str]:
    """Writes the digests of today into ``file``; returns a line for each image that changed.

    Raises RegistryProblem and BadInput; nothing was written then.
    """
    old = validated(YamlFile(file), ImagesFile).images
    new = {name: digest_of(image) for name, image in old.items()}
    text = refreshed(file.read_text(encoding="utf-8"), old, new, today or datetime.now(UTC).date())
    write(file, text)
    return [
        f"{name} {old[name].tag}: {old[name].digest} -> {digest}"
        for name, digest in new.items()
        if digest != old[name].digest
    ]


def main() -> int:
    """Refreshes workloads/images.yaml; returns the exit code. Raises BadInput."""
    try:
        changes = refresh()
    except BadInput as problem:
        raise BadInput(f"refresh-images: {problem}. {FILE} stays as it is") from None
    print("\n".join(changes or ["no digest changed"]))
    return 0


if __name__ == "__main__":
    sys.exit(run(main, program="python -m stacks.objects.refresh_images"))
