"""What went wrong with a call to AWS, in one message: which API, why, and what to do. It never contains credentials."""

from __future__ import annotations

import re
from collections.abc import Iterable

from botocore import exceptions as boto  # type: ignore[import-untyped]
from botocore.parsers import ResponseParserError  # type: ignore[import-untyped]

from responsibility.reading.template import BadSource
from safe_io.terminal import one_line

FAILURES = (boto.BotoCoreError, boto.ClientError, ResponseParserError, ValueError)
"""What boto3 raises. ValueError: an endpoint that is not an address."""

_SIGN_IN = "Sign in (`aws sso login`), or choose other credentials with --profile or AWS_PROFILE"
_EXPIRED = {"ExpiredTokenException", "ExpiredToken"}
# https://docs.aws.amazon.com/awsconsolehelpdocs/latest/gsg/common-errors.html
_REFUSED = {
    "UnrecognizedClientException",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "IncompleteSignature",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "RequestExpired",
    "AuthFailure",
}
_DENIED = {"AccessDeniedException", "AccessDenied", "UnauthorizedOperation", "NotAuthorized"}
_UNREACHABLE = (boto.HTTPClientError, boto.ConnectionError)
_SIGNED_OUT = (boto.SSOError, boto.LoginError, boto.TokenRetrievalError, boto.NoAuthTokenError)


class AccountError(BadSource):
    """What an account did not answer. Its text is for the person who asked."""

    def __init__(self, text: str, code: str = "", *, alone: bool = False) -> None:
        super().__init__(text)
        self.code = code
        """AWS's own code for it; empty = it did not come from AWS."""
        self.alone = alone
        """Whether other calls may be answered all the same."""

    @property
    def denied(self) -> bool:
        """Whether IAM did not allow the call."""
        return self.code in _DENIED

    @property
    def missing(self) -> bool:
        """Whether what was asked for is not there."""
        return "NotFound" in self.code or self.code == "NoSuchEntity"


def shown(text: str, secrets: Iterable[str] = ()) -> str:
    """Returns text on one line of at most 400 characters, without credentials and what a terminal would act on."""
    for secret in filter(None, secrets):
        text = text.replace(secret, "...")
    text = re.sub(r"//[^/@\s]*@", "//", text)  # https://user:password@host
    return one_line(text, 400)


def explain(error: Exception, action: str, region: str, secrets: Iterable[str] = ()) -> AccountError:
    """Returns what a failure of boto3 means.

    Args:
        error: one of FAILURES.
        action: the IAM action of the call, such as eks:DescribeAddonVersions.
        region: the region that was asked; empty = none yet.
        secrets: what must not be shown, wherever it comes from.
    """
    at = f"{action} in {region}" if region else action
    if isinstance(error, boto.ClientError):
        code = str(error.response.get("Error", {}).get("Code", ""))
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        alone = status < 500 and not _throttled(code, status) and code not in _EXPIRED | _REFUSED
        return AccountError(f"{at}: {_answered(error, code, action, secrets)}", code, alone=alone)
    return AccountError(f"{at}: {_not_asked(error, region, secrets)}")


def _answered(error: boto.ClientError, code: str, action: str, secrets: Iterable[str]) -> str:
    """Returns why AWS said no."""
    meta = error.response.get("ResponseMetadata", {})
    status = int(meta.get("HTTPStatusCode", 0))
    said = shown(str(error.response.get("Error", {}).get("Message", "")), secrets)
    if code in _EXPIRED:
        return f"the credentials have expired. {_SIGN_IN}"
    if code in _REFUSED:
        # Its text may hold the request that AWS saw, with the session token in it.
        return (
            f"AWS does not take the credentials ({code}). {_SIGN_IN}; or the clock of this machine is wrong,"
            " or the region is not enabled in the account"
        )
    if code in _DENIED:
        return f"not allowed: {said}. Ask for the IAM action {action} (docs/lock.md and docs/audit.md have the whole policies)"
    if _throttled(code, status):
        tries = int(meta.get("RetryAttempts", 0)) + 1
        return f"throttled, {tries} tries long. Wait a minute and run it again; AWS_MAX_ATTEMPTS raises the tries"
    if status >= 500:
        return (
            f"AWS answered {status} {code} ({said}). Run it again later; https://health.aws.amazon.com knows of outages"
        )
    return f"AWS answered {status} {code}: {said}"


def _throttled(code: str, status: int) -> bool:
    return "hrottl" in code or code in ("TooManyRequestsException", "RequestLimitExceeded") or status == 429


def _not_asked(error: Exception, region: str, secrets: Iterable[str]) -> str:
    """Returns why there was no answer."""
    said = shown(str(error), secrets)
    if isinstance(error, boto.NoCredentialsError):
        return f"there are no AWS credentials. {_SIGN_IN} (docs/deploy.md)"
    if isinstance(error, boto.ProfileNotFound):
        return f"{said}. `aws configure list-profiles` lists those there are"
    if isinstance(error, boto.CredentialRetrievalError):
        # The text may be all that a program of the user's printed.
        return f"no credentials came from {shown(str(error.kwargs.get('provider')))}. {_SIGN_IN}"
    if isinstance(error, _SIGNED_OUT):
        return f"you are signed out: {said}. {_SIGN_IN}"
    if isinstance(error, boto.NoRegionError):
        return "no region is named. Set AWS_REGION, region in your profile, or --region where a command has it"
    if isinstance(error, boto.InvalidRegionError):
        return f"{region!r} is not the name of a region. One looks like eu-west-1"
    if isinstance(error, _UNREACHABLE):
        return (
            f"no answer: {said}. Check the network, a proxy, AWS_ENDPOINT_URL,"
            f" and whether EKS is in a region called {region!r}"
        )
    if isinstance(error, ResponseParserError | UnicodeError):
        return "what answered is not EKS. Check AWS_ENDPOINT_URL, and whether there is a proxy in between"
    return said
