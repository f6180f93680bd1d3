"""The container images of the workloads: workloads/images.yaml, by the names that the workloads use."""

from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from eks_constructs.spec import Spec, pattern
from safe_io.yaml_file import YamlFile
from stacks.environment.validating import validated
from stacks.objects.folder import FOLDER

FILE = FOLDER / "images.yaml"


class ImageSpec(Spec):
    """An image of a public registry."""

    repository: str
    """Registry and path, without a tag."""
    tag: str
    """For people: the digest decides."""
    digest: Annotated[str, pattern("sha256:[0-9a-f]{64}", "must be sha256: and 64 hexadecimal digits")]
    """Of the multi-architecture image index."""
    architectures: Annotated[list[Literal["amd64", "arm64"]], Field(min_length=1)] = ["amd64", "arm64"]

    @property
    def reference(self) -> str:
        """What a container runtime pulls."""
        return f"{self.repository}:{self.tag}@{self.digest}"


class ImagesFile(Spec):
    """The images, and the day they were looked up."""

    checked: str
    """Day on which tags and digests were read."""
    read_from: str
    """Their source."""
    images: dict[str, ImageSpec]


@cache
def images(file: Path = FILE) -> dict[str, ImageSpec]:
    """Returns the images by name. Raises BadInput."""
    return validated(YamlFile(file), ImagesFile).images
