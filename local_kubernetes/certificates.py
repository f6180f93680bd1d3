"""The certificates of one local cluster: an authority, and those that it signs, made by openssl in the cluster's folder."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from safe_io.errors import BadInput

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
_DAYS = "30"
"""As long as any local cluster lives, and longer."""


def make_authority(folder: Path) -> None:
    """Makes ``ca.crt`` and ``ca.key``, and ``service-account.key``, which signs the tokens of service accounts. Raises BadInput."""
    usage = ("-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    _openssl(
        folder, "req", "-x509", *_KEY, "-keyout", "ca.key", "-out", "ca.crt", "-days", _DAYS,
        "-subj", "/CN=local-kubernetes", *usage,
    )  # fmt: skip
    _openssl(folder, "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "service-account.key")


def make_server(folder: Path, name: str, host: str) -> None:
    """Makes ``NAME.crt`` and ``NAME.key``, for a server at an IP address. Raises BadInput."""
    names = f"subjectAltName=IP:{host},DNS:localhost,DNS:kubernetes.default.svc"
    _signed(folder, name, "/CN=kube-apiserver", "serverAuth", "-addext", names)


def make_client(folder: Path, name: str, user: str, groups: Sequence[str] = ()) -> None:
    """Makes ``NAME.crt`` and ``NAME.key``, for a Kubernetes user. Raises BadInput."""
    subject = "".join(f"/O={_escaped(group)}" for group in groups) + f"/CN={_escaped(user)}"
    _signed(folder, name, subject, "clientAuth")


def _signed(folder: Path, name: str, subject: str, use: str, *more: str) -> None:
    usage = ("-addext", "keyUsage=critical,digitalSignature", "-addext", f"extendedKeyUsage={use}")
    leaf = ("-addext", "basicConstraints=critical,CA:FALSE")
    _openssl(
        folder, "req", "-x509", *_KEY, "-CA", "ca.crt", "-CAkey", "ca.key", "-keyout", f"{name}.key", "-out", f"{name}.crt",
        "-days", _DAYS, "-subj", subject, *leaf, *usage, *more,
    )  # fmt: skip


def _escaped(part: str) -> str:
    return part.replace("\\", "\\\\").replace("/", "\\/")


def _openssl(folder: Path, *arguments: str) -> None:
    environment = {"PATH": "/usr/bin:/bin:/usr/local/bin", "OPENSSL_CONF": "/dev/null"}
    try:
        done = subprocess.run(  # noqa: S603 - our arguments
            ["openssl", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False  # noqa: S607
        )  # fmt: skip
    except FileNotFoundError:
        raise BadInput("openssl is not installed: a local Kubernetes needs it for its certificates") from None
    if done.returncode:
        raise BadInput(f"openssl {arguments[0]} failed (it has to be version 3 or newer): {done.stderr.strip()[-300:]}")
