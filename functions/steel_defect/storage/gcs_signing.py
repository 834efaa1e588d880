"""The signer of a URL of Cloud Storage: the key of a service account, or IAM in the name of the function's account."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import google.auth
from google.auth.credentials import Signing
from google.auth.exceptions import DefaultCredentialsError
from google.auth.transport.requests import Request

from steel_defect.storage.errors import SigningUnsupported

# The storage client's own credentials are for storage alone, and IAM would refuse them.
_SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"


def signer() -> dict[str, Any]:
    """Arguments of `Blob.generate_signed_url` that say who signs.

    The account of a function has no private key here. Its `signBlob` permission on itself does the same, by a call.

    Raises:
        SigningUnsupported: neither is here, as with the credentials of a person.
        GoogleAuthError: the account's token cannot be renewed.
    """
    try:
        credentials = _credentials()
    except DefaultCredentialsError as error:
        message = f"there are no credentials to sign a URL with: {error}"
        raise SigningUnsupported(message) from error
    if isinstance(credentials, Signing):
        return {"credentials": credentials}
    if not hasattr(credentials, "service_account_email"):
        message = "these credentials cannot sign a URL: that takes a service account"
        raise SigningUnsupported(message)
    if not credentials.valid:
        credentials.refresh(Request())  # Also if the account is called "default" until then.
    return {
        "credentials": credentials,
        "service_account_email": credentials.service_account_email,
        "access_token": credentials.token,
    }


@cache
def _credentials() -> Any:  # noqa: ANN401 - google-auth types them only in part
    return google.auth.default(scopes=[_SCOPE])[0]
