"""How a caller identifies itself: a token, a signature of AWS, an identity token of Google, or nothing."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

    from requests import PreparedRequest

    Signer = Callable[[PreparedRequest], PreparedRequest]

_AWS_HOST: Final = re.compile(
    r"\.(?:(execute-api)\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?|(lambda-url)\.([a-z0-9-]+)\.on\.aws)$"
)
_AWS_SERVICES: Final = {"execute-api": "execute-api", "lambda-url": "lambda"}
_GOOGLE_HOST: Final = re.compile(r"\.(run\.app|cloudfunctions\.net)$")
# Identity tokens hold for an hour, but the platform may give one that it had before.
_RENEW_SECONDS: Final = 600


@dataclass(frozen=True)
class Access:
    """Signs requests.

    Attributes:
        sign: adds to a request what identifies its sender, and gives it back.
        advice: what to do if that is not enough.
    """

    sign: Signer
    advice: str


def access_for(url: str, token: str | None) -> Access:
    """The access for the host of the URL with this machine's credentials. A stated token replaces everything else."""
    if token is not None:
        return Access(_bearer(lambda: token), "the token was not accepted; it may be of another service, or too old")
    host = urlsplit(url).hostname or ""
    if found := _AWS_HOST.search(host):
        service, region = (part for part in found.groups() if part is not None)
        return _aws(_AWS_SERVICES[service], region)
    if found := _GOOGLE_HOST.search(host):
        return _google(url if found[1] == "cloudfunctions.net" else f"https://{host}")
    return Access(_unsigned, "the caller must show who it is: give a token with --token")


def _unsigned(request: PreparedRequest) -> PreparedRequest:
    return request  # As an `auth`, it also keeps requests from taking a password of ~/.netrc for ours.


def _bearer(token: Callable[[], str]) -> Signer:
    def sign(request: PreparedRequest) -> PreparedRequest:
        request.headers["authorization"] = f"Bearer {token()}"
        return request

    return sign


# Each cloud's packages take a good part of a second to import, so only those that are needed are.
def _aws(service: str, region: str) -> Access:
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.session import Session

    credentials = Session().get_credentials()
    if credentials is None:
        advice = "no AWS credentials are here to sign the request with: set AWS_PROFILE, or give a token with --token"
        return Access(_unsigned, advice)

    def sign(request: PreparedRequest) -> PreparedRequest:
        # What is added on the way, such as Accept-Encoding, is left out: a proxy may change it.
        kept = {name: value for name, value in request.headers.items() if name.lower() == "content-type"}
        signed = AWSRequest(request.method, request.url, headers=kept, data=request.body or b"")
        SigV4Auth(credentials.get_frozen_credentials(), service, region).add_auth(signed)
        request.headers.update(signed.headers.items())
        return request

    action = "execute-api:Invoke" if service == "execute-api" else "lambda:InvokeFunctionUrl"
    return Access(
        sign, f"the request was signed with your AWS credentials; they need {action} on this endpoint, and to be valid"
    )


def _google(audience: str) -> Access:
    tokens = _IdentityTokens(audience)
    advice = "no identity token could be had: run 'gcloud auth login', or give a token with --token"
    if tokens.current() is None:
        return Access(_unsigned, advice)
    return Access(
        _bearer(lambda: tokens.current() or ""), "your Google account is not allowed in: it needs roles/run.invoker"
    )


class _IdentityTokens:
    """A token for one audience, renewed in time."""

    def __init__(self, audience: str) -> None:
        self._audience = audience
        self._lock = Lock()
        self._token: str | None = None
        self._until = 0.0

    def current(self) -> str | None:
        """The token; None if this machine has no source of one."""
        with self._lock:
            if time.monotonic() >= self._until:
                self._token = _service_account_token(self._audience) or _gcloud_token() or self._token
                self._until = time.monotonic() + _RENEW_SECONDS
            return self._token


def _service_account_token(audience: str) -> str | None:
    """A token of the service account that runs here, or whose key GOOGLE_APPLICATION_CREDENTIALS names."""
    from google.auth.exceptions import GoogleAuthError
    from google.auth.transport.requests import Request
    from google.oauth2.id_token import fetch_id_token

    try:
        token: str = fetch_id_token(Request(), audience)  # type: ignore[no-untyped-call] # google-auth types it only in part
    except GoogleAuthError:
        return None
    return token


def _gcloud_token() -> str | None:
    """A token of the user of gcloud, for whom no library makes one."""
    gcloud = shutil.which("gcloud")
    if gcloud is None:
        return None
    command = [gcloud, "auth", "print-identity-token"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - found on the user's PATH
    return run.stdout.strip() or None
