"""A deployment behind HTTP: an API Gateway or Function URL, Cloud Run, `steel-defect serve`."""

from __future__ import annotations

import random
import time
from email.utils import parsedate_to_datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import requests
from requests.adapters import HTTPAdapter
from urllib3.filepost import encode_multipart_formdata

from steel_defect.client.answers import RETRIED, content_of
from steel_defect.client.batches import predict_many
from steel_defect.client.errors import NoAnswer, NoService
from steel_defect.client.picture import bytes_of
from steel_defect.place import UNKNOWN, Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from steel_defect.camera import Camera
    from steel_defect.client.access import Access
    from steel_defect.client.picture import Picture
    from steel_defect.errors import SteelDefectError

_CONNECT_SECONDS: Final = 5
_READ_SECONDS: Final = 60  # The platforms end a request before.
_ATTEMPTS: Final = 6
# For the first request, so that a mistyped URL is reported soon.
_FIRST_ATTEMPTS: Final = 3
_FIRST_WAIT_SECONDS: Final = 0.5
_LONGEST_WAIT_SECONDS: Final = 60.0
# The service recognises pictures by their content.
_PICTURE: Final = "application/octet-stream"


class HttpDeployment:
    """Sends requests, again if that may help. Safe to use from several threads."""

    def __init__(self, url: str, access: Access, parallel: int) -> None:
        """Take the URL that has `/predict` below it, and for how many threads to keep connections."""
        self._url = url
        self._access = access
        self._session = requests.Session()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(pool_maxsize=parallel))

    def model(self) -> dict[str, Any]:
        """See `Deployment`."""
        return self._ask("GET", "/model", expected_field="class_names", attempts=_FIRST_ATTEMPTS)

    def predict(
        self,
        picture: Picture,
        *,
        with_map: bool = False,
        with_masks: bool = False,
        camera: Camera | None = None,
        place: Place = UNKNOWN,
    ) -> dict[str, Any]:
        """See `Deployment`."""
        asked = {name: "true" for name, wanted in (("map", with_map), ("masks", with_masks)) if wanted}
        query = {**asked, **(camera.stated() if camera else {}), **place.stated()}
        path = f"/predict?{urlencode(query)}" if query else "/predict"
        return self._ask("POST", path, bytes_of(picture), expected_field="defect_prob", attempts=_ATTEMPTS)

    def predict_many(
        self, pictures: Iterable[Picture], *, camera: Camera | None = None, coil: str | None = None
    ) -> Iterator[dict[str, Any] | SteelDefectError]:
        """See `Deployment`."""
        place = Place(coil)
        query = {**(camera.stated() if camera else {}), **place.stated()}
        path = f"/batch?{urlencode(query)}" if query else "/batch"

        def several(batch: Sequence[bytes]) -> dict[str, Any]:
            files = [("image", (str(number), data)) for number, data in enumerate(batch)]
            body, kind = encode_multipart_formdata(files)
            return self._ask("POST", path, body, kind=kind, expected_field="answers", attempts=_ATTEMPTS)

        return predict_many(pictures, partial(self.predict, camera=camera, place=place), several)

    def _ask(  # noqa: PLR0913 - what a request has
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        kind: str = _PICTURE,
        expected_field: str,
        attempts: int,
    ) -> dict[str, Any]:
        url = self._url + path
        for attempt in range(attempts - 1):
            wait = _FIRST_WAIT_SECONDS * 2**attempt * random.uniform(0.5, 1.5)  # noqa: S311 - no secret
            try:
                response = self._send(method, url, body, kind)
                if response.status_code not in RETRIED:
                    break
                wait = max(wait, _asked_wait(response))
            except NoAnswer:
                pass
            time.sleep(min(wait, _LONGEST_WAIT_SECONDS))
        else:
            response = self._send(method, url, body, kind)
        if response.is_redirect:
            message = f"{url} leads to {response.headers['location']}: give the URL that it leads to"
            raise NoService(message)
        return content_of(
            response.status_code, response.text, url=url, advice=self._access.advice, expected_field=expected_field
        )

    def _send(self, method: str, url: str, body: bytes | None, kind: str) -> requests.Response:
        headers = {} if body is None else {"content-type": kind}
        try:
            return self._session.request(
                method,
                url,
                data=body,
                headers=headers,
                auth=self._access.sign,
                timeout=(_CONNECT_SECONDS, _READ_SECONDS),
                allow_redirects=False,  # A body and a signature are for the one they were made for.
            )
        except requests.exceptions.SSLError as error:
            message = f"{url} has no certificate that is trusted here: {_cause(error)}"
            raise NoService(message) from error
        except requests.Timeout as error:
            message = f"{url} does not answer in time"
            raise NoAnswer(message) from error
        except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError) as error:
            message = f"{url} cannot be reached: {_cause(error)}"
            raise NoAnswer(message) from error
        except (requests.RequestException, ValueError) as error:
            message = f"{url} cannot be asked: {error}"
            raise NoService(message) from error


def _asked_wait(response: requests.Response) -> float:
    """The seconds that Retry-After asks for, as a number or as a date; 0 if there is none."""
    stated = response.headers.get("retry-after", "").strip()
    if stated.isdecimal():
        return float(stated)
    try:
        return max(0.0, parsedate_to_datetime(stated).timestamp() - time.time())
    except ValueError:
        return 0.0


def _cause(error: BaseException) -> str:
    """The innermost reason: what requests wraps around it is long and says nothing more."""
    reasons = [error.__cause__, error.__context__, *error.args]
    inner = next((reason for reason in reasons if isinstance(reason, BaseException)), None)
    inner = getattr(error, "reason", None) or inner
    if isinstance(inner, BaseException) and inner is not error:
        return _cause(inner)
    return str(getattr(error, "strerror", None) or error)
