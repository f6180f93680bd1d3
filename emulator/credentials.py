"""The owner's access key of a local AWS: new at each start, in a file that its owner alone reads.

The file has the form of the AWS CLI's own, so that no process needs the secret in its environment or on its command line.
https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-files.html
"""

import configparser
import os
import secrets
from pathlib import Path

FILE = "credentials"
PROFILE = "default"
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


def create(folder: Path) -> tuple[str, str]:
    """Makes an access key, writes it into ``folder`` and returns it: id and secret. Raises OSError."""
    identity = "AKIA" + "".join(secrets.choice(_LETTERS) for _ in range(16))
    secret = secrets.token_urlsafe(30)
    path = folder / FILE
    path.unlink(missing_ok=True)
    # Never readable by others, not even for a moment; a file or link that somebody put there is refused.
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(f"[{PROFILE}]\naws_access_key_id = {identity}\naws_secret_access_key = {secret}\n")
    return identity, secret


def read(path: Path) -> tuple[str, str]:
    """Returns id and secret of the file. Raises OSError, or KeyError where it is not whole."""
    parser = configparser.RawConfigParser()
    parser.read_string(path.read_text())
    try:
        return parser[PROFILE]["aws_access_key_id"], parser[PROFILE]["aws_secret_access_key"]
    except configparser.Error as error:
        raise KeyError(str(error)) from error
