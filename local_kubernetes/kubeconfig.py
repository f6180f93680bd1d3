"""Writes kubeconfigs: they have keys or tokens, so nobody else may read them."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def write(
    path: Path,
    clusters: Sequence[dict[str, Any]],
    users: Sequence[dict[str, Any]],
    contexts: Sequence[dict[str, Any]],
    current: str,
) -> None:
    """Writes a kubeconfig that only its owner reads; ``current`` names one of the contexts. Raises OSError.

    https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/
    """
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": clusters,
        "users": users,
        "contexts": contexts,
        "current-context": current,
    }
    with os.fdopen(os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w") as file:
        json.dump(content, file)
