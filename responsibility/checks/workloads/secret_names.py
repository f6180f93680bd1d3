"""Which names are given to secrets, and which values are secrets in plain text. No value is ever shown."""

from __future__ import annotations

import re
from typing import Any

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_LAST = {"password", "passwd", "passphrase", "secret", "token", "apikey", "credential", "credentials"}
_LAST_TWO = {f"{word} key" for word in ("api", "access", "secret", "private", "encryption", "signing")} | {"db pwd"}
_NOT_A_SECRET = re.compile(
    r"|true|false|yes|no|none|null|arn:.*|vault:.*|ref\+.*|ssm:.*|secretsmanager:.*"  # empty, switches, where it is kept
    r"|\$\(.*|.*\$\{.*|\{\{.*|<.*>"  # filled in later
    r"|/[\w./-]*|file:.*|https?://.*",  # a file, an address
    re.IGNORECASE | re.DOTALL,
)
_TELLS = re.compile(
    r"AKIA[0-9A-Z]{16}|[a-z][a-z0-9+.-]*://[^/\s:@]*:[^/\s:@$]+@.*|-----BEGIN [A-Z ]*PRIVATE KEY-----.*", re.DOTALL
)
"""Values that are secrets whatever their name: an access key id, an address with a password, a private key."""
_ANYWHERE = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY( BLOCK)?-----"
    r"|(?<![0-9A-Za-z])(AKIA[0-9A-Z]{16}|gh[opsu]_[0-9A-Za-z]{36,}|github_pat_\w{22,}|glpat-[\w-]{20,}|xox[abprs]-[\w-]{10,}"
    r"|[rs]k_live_[0-9A-Za-z]{16,})(?![0-9A-Za-z])"
)
"""What is a secret wherever in a text it is: a private key, an access key id, a token of GitHub, GitLab, Slack or Stripe."""


def names_a_secret(name: str) -> bool:
    """Whether a name ends as names of secrets do: DB_PASSWORD, clientSecret; not SECRET_ARN, TOKEN_TTL."""
    words = [word.lower() for word in _WORDS.findall(name) if not word.isdigit()]
    return bool(words) and (words[-1] in _LAST or " ".join(words[-2:]) in _LAST_TWO)


def is_plain(name: str, value: Any) -> bool:
    """Whether a value is a secret in plain text: by what it is, or by its name and because it is not a reference."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return False
    text = str(value)
    if _TELLS.fullmatch(text):
        return True
    return names_a_secret(name) and not _NOT_A_SECRET.fullmatch(text)


def tells(text: str) -> bool:
    """Whether a text is a secret whatever its name, or has one in it that tells by its form."""
    return bool(_TELLS.fullmatch(text) or _ANYWHERE.search(text))
