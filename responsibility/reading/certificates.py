"""The end of an X.509 certificate, read from its PEM text without a library for certificates.

Only the validity is read (RFC 5280, 4.1): signatures are the service's matter.
"""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, date, datetime

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]{1,100000})-----END CERTIFICATE-----")
_SEQUENCE, _VERSION, _UTC_TIME, _GENERALIZED_TIME = 0x30, 0xA0, 0x17, 0x18
_BEFORE_VALIDITY = 3
"""Serial number, algorithm and issuer stand before the validity."""


def ends(text: str) -> list[date]:
    """Returns the last day of each certificate in a bundle. Raises ValueError for a bundle that is none."""
    blocks = _PEM.findall(text)
    if not blocks:
        raise ValueError("there is no certificate in it")
    try:
        return [_end(base64.b64decode(re.sub(r"\s", "", block), validate=True)) for block in blocks]
    except (binascii.Error, IndexError):
        raise ValueError("a certificate in it cannot be read") from None


def _end(der: bytes) -> date:
    _, certificate, _ = _element(der)
    _, signed, _ = _element(certificate)
    if signed[:1] == bytes([_VERSION]):
        _, _, signed = _element(signed)
    for _ in range(_BEFORE_VALIDITY):
        _, _, signed = _element(signed)
    kind, validity, _ = _element(signed)
    if kind != _SEQUENCE:
        raise ValueError("a certificate in it has no validity")
    _, _, rest = _element(validity)
    form, moment, _ = _element(rest)
    words = moment.decode("ascii", "strict")
    if form == _UTC_TIME:  # years until 2049 have two digits
        words = f"{'19' if words[:2] >= '50' else '20'}{words}"
    elif form != _GENERALIZED_TIME:
        raise ValueError("a certificate in it has no end")
    return datetime.strptime(words[:8], "%Y%m%d").replace(tzinfo=UTC).date()


def _element(data: bytes) -> tuple[int, bytes, bytes]:
    """Returns tag, content and what follows of the first element. Raises IndexError: the data ends before it does."""
    length, start = data[1], 2
    if length & 0x80:
        count = length & 0x7F
        length, start = int.from_bytes(data[2 : 2 + count], "big"), 2 + count
    if len(data) < start + length:
        raise IndexError
    return data[0], data[start : start + length], data[start + length :]
