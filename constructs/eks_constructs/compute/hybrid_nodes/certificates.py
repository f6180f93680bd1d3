"""Certificates of the CA that IAM Roles Anywhere trusts."""

import os
import re
import ssl
from datetime import UTC, date, datetime

from pydantic import ValidationInfo

_LARGEST_BUNDLE = 8_000
"""Characters of a trust anchor's certificates: API_SourceData.html of the IAM Roles Anywhere API reference."""
_CERTIFICATE = re.compile(r"\s*-----BEGIN CERTIFICATE-----\s[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*", re.ASCII)

# Object identifiers, as a certificate (DER) has them: RFC 5280 and RFC 3279.
_BASIC_CONSTRAINTS, _KEY_USAGE = bytes.fromhex("0603551d13"), bytes.fromhex("0603551d0f")
_WEAK = tuple(
    map(bytes.fromhex, ("06092a864886f70d010104", "06092a864886f70d010105", "06072a8648ce3d0401", "06072a8648ce380403"))
)
"""Signatures by RSA with MD5 and SHA-1, by ECDSA and DSA with SHA-1."""


def read_bundle(text: str, info: ValidationInfo) -> str:
    """Returns the certificates of a bundle: the text itself, or what the file has that it names. Raises ValueError."""
    if "BEGIN CERTIFICATE" not in text:
        path = ((info.context or {}).get("paths") or {}).get(text, text)
        if not os.path.isfile(path):  # which answers false for text that no path can be, too
            raise ValueError("must be certificates in PEM form, or the path of a file that has them, such as ca.pem")
        try:
            with open(path, encoding="ascii") as file:
                text = file.read(10 * _LARGEST_BUNDLE)
        except (OSError, ValueError):
            text = ""
    if "PRIVATE KEY" in text:
        raise ValueError("has a private key, which belongs in no template; it must be the CA's certificates alone")
    parts = re.split(r"(?<=-----END CERTIFICATE-----)", text.strip())
    certificates = [part.strip() for part in parts if part.strip()]
    if not certificates or not all(_CERTIFICATE.fullmatch(one) for one in certificates):
        raise ValueError("must be one or more certificates in PEM form, and nothing else")
    whole = "\n".join(certificates)
    if len(whole) > _LARGEST_BUNDLE:
        raise ValueError(f"has {len(whole)} characters; IAM Roles Anywhere takes {_LARGEST_BUNDLE}")
    today: date = (info.context or {}).get("today") or datetime.now(UTC).date()
    for place, certificate in enumerate(certificates, 1):
        if problem := _problem(certificate, today):
            raise ValueError(f"certificate {place} {problem}")
    return whole


def _problem(certificate: str, today: date) -> str | None:
    """Returns why no node could get credentials by a trust anchor with a certificate; None: nothing is known against it.

    https://docs.aws.amazon.com/rolesanywhere/latest/userguide/trust-model.html#signature-verification
    """
    store = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        store.load_verify_locations(cadata=certificate)
        encoded = ssl.PEM_cert_to_DER_cert(certificate)
    except (ssl.SSLError, ValueError):
        return "is no X.509 certificate"
    found = store.get_ca_certs()  # which leaves out what is no CA's, but not old ones that do not say what they are
    if not found or _BASIC_CONSTRAINTS not in encoded:
        return "is not of a CA (basic constraint CA: true), and no trust anchor takes a node's own; name the CA's"
    if _KEY_USAGE not in encoded:
        return "lacks the key usage Certificate Sign, without which IAM Roles Anywhere takes none; name one that has it"
    if any(one in encoded for one in _WEAK):
        return "is signed with SHA-1 or MD5, and IAM Roles Anywhere takes SHA-256 or stronger; name one that is"
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(found[0]["notAfter"])), UTC).date()
    return (
        f"ended on {ends}, and IAM Roles Anywhere lets no node in by it; name the one that took its place"
        if ends < today
        else None
    )
