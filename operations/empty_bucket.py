"""`python -m operations empty-bucket NAME`: deletes every object version of a bucket, which CloudFormation cannot."""

from collections.abc import Callable, Iterator

from responsibility.account.session import Account
from safe_io.errors import BadInput

_AT_ONCE = 1000
"""Versions per call (https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html)."""


def empty_bucket(account: Account, bucket: str, *, ask: Callable[[str], str], say: Callable[[str], None]) -> int:
    """Empties a bucket once the person has typed its name; returns the exit code. Raises BadInput, AccountError."""
    versions = [
        {"Key": one["Key"], "VersionId": one["VersionId"]}
        for key in ("Versions", "DeleteMarkers")
        for one in account.items("s3", "list_object_versions", key, Bucket=bucket)
    ]
    if not versions:
        say(f"{bucket} is empty.")
        return 0
    say(f"This deletes {len(versions):,} versions of objects from {bucket}, for good.")
    if ask(f"Type the name of the bucket ({bucket}) to go on: ").strip() != bucket:
        raise BadInput("Nothing was changed.")
    for batch in _batches(versions):
        failed = account.one("s3", "delete_objects", "Errors", Bucket=bucket, Delete={"Objects": batch, "Quiet": True})
        if failed:
            first = failed[0]
            say(f"{len(failed):,} were not deleted, the first {first.get('Key')!r}: {first.get('Message')}")
            return 1
    say(f"{bucket} is empty.")
    return 0


def _batches(items: list[dict[str, str]]) -> Iterator[list[dict[str, str]]]:
    for start in range(0, len(items), _AT_ONCE):
        yield items[start : start + _AT_ONCE]
