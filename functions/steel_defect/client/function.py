"""A deployment that is invoked directly: a Lambda function, by its name or ARN, without any endpoint."""

from __future__ import annotations

import base64
import json
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
)
from botocore.exceptions import ConnectionError as NoConnection
from botocore.session import Session

from steel_defect.client.answers import TOO_LARGE, content_of
from steel_defect.client.batches import predict_many
from steel_defect.client.errors import AccessDenied, NoAnswer, NoService, RequestTooLarge
from steel_defect.client.picture import bytes_of
from steel_defect.place import UNKNOWN, Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from steel_defect.camera import Camera
    from steel_defect.client.picture import Picture
    from steel_defect.errors import SteelDefectError

_READ_SECONDS: Final = 60
_ATTEMPTS: Final = 6
_ADVICE: Final = "your AWS credentials need lambda:InvokeFunction on this function, and to be valid"
_TOO_LARGE: Final = 413
_THROTTLED: Final = 429
_DENIED: Final = frozenset({401, 403})


class FunctionDeployment:
    """Invokes a function. Safe to use from several threads."""

    def __init__(self, name: str, region: str | None, parallel: int) -> None:
        """Take a name, with `:alias` behind it if need be, or an ARN; the region is by default the environment's."""
        self._name = name
        config = Config(
            read_timeout=_READ_SECONDS,
            retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
            max_pool_connections=parallel,
        )
        try:
            self._client = Session().create_client("lambda", region_name=region, config=config)
        except (BotoCoreError, ValueError) as error:
            message = f"{name}: {error}"
            raise NoService(message) from error

    def model(self) -> dict[str, Any]:
        """See `Deployment`."""
        # A direct invocation knows pictures alone; what is said of the model is at a path.
        http = {"method": "GET", "path": "/model"}
        return self._invoke({"requestContext": {"http": http}, "rawPath": "/model"}, expected_field="class_names")

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
        asked = {name: True for name, wanted in (("map", with_map), ("masks", with_masks)) if wanted}
        stated = {**(camera.stated() if camera else {}), **place.stated()}
        event = {"image": base64.b64encode(bytes_of(picture)).decode(), **asked, **stated}
        return self._invoke(event, expected_field="defect_prob")

    def predict_many(
        self, pictures: Iterable[Picture], *, camera: Camera | None = None, coil: str | None = None
    ) -> Iterator[dict[str, Any] | SteelDefectError]:
        """See `Deployment`."""
        place = Place(coil)
        stated = {**(camera.stated() if camera else {}), **place.stated()}

        def several(batch: Sequence[bytes]) -> dict[str, Any]:
            images = [base64.b64encode(data).decode() for data in batch]
            return self._invoke({"images": images, **stated}, expected_field="answers")

        return predict_many(pictures, partial(self.predict, camera=camera, place=place), several)

    def _invoke(self, event: dict[str, Any], *, expected_field: str) -> dict[str, Any]:
        try:
            said = self._client.invoke(FunctionName=self._name, Payload=json.dumps(event).encode())
            answer = json.loads(said["Payload"].read())
        except ClientError as error:
            raise self._refused(error) from error
        except (NoCredentialsError, PartialCredentialsError) as error:
            message = f"{self._name}: {error}; set AWS_PROFILE"
            raise AccessDenied(message) from error
        except (NoConnection, HTTPClientError) as error:
            message = f"{self._name} cannot be reached: {error}"
            raise NoAnswer(message) from error
        except (BotoCoreError, ValueError) as error:
            message = f"{self._name} cannot be invoked: {error}"
            raise NoService(message) from error
        if isinstance(answer, dict) and isinstance(answer.get("body"), str):
            status = int(answer.get("statusCode", 0))
            return content_of(status, answer["body"], url=self._name, advice=_ADVICE, expected_field=expected_field)
        if "FunctionError" in said:
            message = f"{self._name} failed: {answer.get('errorMessage') if isinstance(answer, dict) else answer}"
            raise NoAnswer(message)
        message = f"{self._name} is no steel-defect function: it answers {str(answer)[:200]!r}"
        raise NoService(message)

    def _refused(self, error: ClientError) -> SteelDefectError:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        said = f"{self._name}: {error.response.get('Error', {}).get('Message') or error}"
        if status == _TOO_LARGE:
            return RequestTooLarge(TOO_LARGE)
        if status in _DENIED:
            return AccessDenied(f"{said}; {_ADVICE}")
        if status == _THROTTLED or status >= 500:  # noqa: PLR2004 - HTTP
            return NoAnswer(said)
        return NoService(said)
