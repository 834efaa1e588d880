"""From a URL to a deployment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import urlsplit

from steel_defect.client.errors import NoService
from steel_defect.place import UNKNOWN, Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from steel_defect.camera import Camera
    from steel_defect.client.picture import Picture
    from steel_defect.errors import SteelDefectError

_FORMS: Final = "https://..., lambda://FUNCTION[:ALIAS] or arn:aws:lambda:..."
_ARN_REGION: Final = 3


class Deployment(Protocol):
    """A steel-defect service somewhere. Safe to use from several threads.

    Its methods try again, with growing waits, if that may help, and raise a `SteelDefectError` of `client.errors`
    if it does not.
    """

    def model(self) -> Mapping[str, Any]:
        """The model that serves there; `schema Model` in openapi.json describes it."""

    def predict(
        self,
        picture: Picture,
        *,
        with_map: bool = False,
        with_masks: bool = False,
        camera: Camera | None = None,
        place: Place = UNKNOWN,
    ) -> dict[str, Any]:
        """The answer for one picture; `schema Answer` in openapi.json describes it.

        Args:
            picture: the bytes of its file, or the path of it.
            with_map: whether to ask for `defect_map`.
            with_masks: whether to ask for `masks`.
            camera: what took it; None if the deployment knows.
            place: where it was taken; comes back in the answer.

        Raises:
            OSError: the file cannot be read.
        """

    def predict_many(
        self, pictures: Iterable[Picture], *, camera: Camera | None = None, coil: str | None = None
    ) -> Iterator[dict[str, Any] | SteelDefectError]:
        """For each picture its answer, or what is wrong with it, in their order; up to 16 go in one request.

        Args:
            pictures: each the bytes of its file, or the path of it; read as they are needed.
            camera: what took them; None if the deployment knows.
            coil: that they are of; comes back in the answers.

        Raises:
            OSError: a file cannot be read.
        """


# Each way has packages of its own, imported when it is taken.
def connect(url: str, *, token: str | None = None, parallel: int = 8) -> Deployment:
    """Prepare to ask a deployment. Nothing is sent to it yet.

    Args:
        url: of what has `/predict` below it; `lambda://FUNCTION[:ALIAS]` or an ARN for direct invocations.
        token: for the Authorization header. Without it, requests to API Gateway and Function URLs are signed with
            the AWS credentials of this machine, and those to Cloud Run carry an identity token.
        parallel: how many threads will ask at the same time.

    Raises:
        NoService: the URL is of no known form.
    """
    parts = url.split(":")
    if url.startswith("arn:") and parts[2:3] + parts[5:6] == ["lambda", "function"]:
        from steel_defect.client.function import FunctionDeployment

        return FunctionDeployment(url, parts[_ARN_REGION], parallel)
    if url.startswith("lambda://") and url != "lambda://":
        from steel_defect.client.function import FunctionDeployment

        return FunctionDeployment(url.removeprefix("lambda://"), None, parallel)
    try:
        address = urlsplit(url)
    except ValueError:
        address = urlsplit("")
    if address.scheme not in {"http", "https"} or not address.hostname or address.query or address.fragment:
        message = f"{url!r} is not the URL of a service; write {_FORMS}"
        raise NoService(message)
    from steel_defect.client.access import access_for
    from steel_defect.client.http import HttpDeployment

    base = url.rstrip("/").removesuffix("/predict")
    return HttpDeployment(base, access_for(base, token), parallel)
