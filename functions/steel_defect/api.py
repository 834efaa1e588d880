"""The HTTP interface, without a web framework and without a cloud: `Request` in, `Response` out."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from steel_defect import camera as cameras
from steel_defect import observation
from steel_defect import place as places
from steel_defect.admission import UNLIMITED, Admission
from steel_defect.answer import answer, describe
from steel_defect.body import picture_in, pictures_in, require_json
from steel_defect.camera import Camera, CameraError, stated_camera
from steel_defect.errors import (
    MalformedQuery,
    MethodNotAllowed,
    NotFound,
    SteelDefectError,
    UploadsNotConfigured,
    problem_of,
)
from steel_defect.http import Request, Response, json_response, problem_response
from steel_defect.lookout import detect_anomaly_result
from steel_defect.place import Place, PlaceError, stated_place

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from steel_defect.prediction import Prediction
    from steel_defect.scorer import Scorer
    from steel_defect.serving import RegistryState
    from steel_defect.uploads.signed import SignedUploads
    from steel_defect.verdicts.kept import Verdicts

_OPENAPI: Final = Path(__file__).with_name("openapi.json")
# What each route takes in its query; the others take nothing.
_PARAMETERS: Final[dict[str, tuple[str, ...]]] = {
    "/predict": ("map", "masks", "preview", "shape", *cameras.STATED, *places.STATED),
    "/batch": (*cameras.STATED, "coil"),
    "/verdicts": ("picture",),
}
# People come to pages from a login or a link, which may add parameters of their own.
_PAGES: Final = frozenset({"/", "/docs"})
_FLAGS: Final = {"": True, "1": True, "true": True, "0": False, "false": False}


class Api:
    """Answers requests with the model that serves at that moment."""

    def __init__(  # noqa: PLR0913 - what a deployment configures
        self,
        models: Callable[[], Scorer],
        registry: Callable[[], RegistryState | None] = lambda: None,
        uploads: Callable[[], SignedUploads | None] = lambda: None,
        camera: Camera = Camera(),  # noqa: B008 - frozen
        admission: Admission = UNLIMITED,
        *,
        verdicts: Callable[[], Verdicts | None] = lambda: None,
        origins: frozenset[str] = frozenset(),
    ) -> None:
        """Take the sources of the model, of its relation to a registry, of the signed uploads and of the verdicts.

        Args:
            models: gives the model, or raises `ModelUnavailable`, which is answered with 503.
            registry: gives None if the model is of no registry.
            uploads: gives None if there are no buckets; called when a request needs them.
            camera: that pictures are from if a request states no other.
            admission: bounds what is scored at a time.
            verdicts: gives None if there are no buckets.
            origins: whose pages may call this from a browser, beside its own.
        """
        self._models = models
        self._camera = camera
        self._admission = admission
        self._registry = registry
        self._signed_uploads = uploads
        self._kept_verdicts = verdicts
        self._origins = origins
        self.routes: dict[str, dict[str, Callable[[Request], Response]]] = {
            "/predict": {"POST": self._predict},
            "/batch": {"POST": self._batch},
            "/health": {"GET": self._health},
            # The usual name, kept for other hosts: Google's front end answers it by itself on Cloud Run.
            "/healthz": {"GET": self._health},
            "/model": {"GET": self._model},
            "/uploads": {"POST": self._upload},
            "/results/{key}": {"GET": self._result},
            "/verdicts": {"GET": self._verdicts, "POST": self._verdict},
            "/openapi.json": {"GET": self._openapi},
            "/": {"GET": self._page},
            "/docs": {"GET": self._docs},
        }

    def handle(self, request: Request) -> Response:
        """Answer one request. Every failure is a problem+json answer; nothing is raised."""
        if not self._origins:
            return self._answer(request)
        from steel_defect.origins import answer_for  # few deployments have any

        methods = self.routes.get(self.route(request.path) or "", {})
        return answer_for(request, self._origins, methods, self._answer)

    def _answer(self, request: Request) -> Response:
        try:
            return self._route(request)(request)
        except Exception as error:  # noqa: BLE001 - a caller gets an answer whatever happens; the log gets the rest
            return refused(problem_of(error))

    def route(self, path: str) -> str | None:
        """The route that serves a path; None if none does. Unlike the path, it holds nothing of the caller's."""
        whole = path.rstrip("/") or "/"
        # A parameter is the rest of the path, slashes and all.
        candidates = (whole, f"/{whole[1:].partition('/')[0]}/{{key}}")
        return next((route for route in candidates if route in self.routes), None)

    def _route(self, request: Request) -> Callable[[Request], Response]:
        route = self.route(request.path)
        if route is None:
            message = f"there is nothing at this path; there is {', '.join(self.routes)}"
            raise NotFound(message)
        methods = self.routes[route]
        method = "GET" if request.method == "HEAD" else request.method
        if method not in methods:
            allowed = tuple(name for get in methods for name in ((get, "HEAD") if get == "GET" else (get,)))
            message = f"{request.path} takes {' and '.join(allowed)}"
            raise MethodNotAllowed(message, allowed)
        if route not in _PAGES:
            _refuse_unknown(request, _PARAMETERS.get(route, ()))
        return methods[method]

    def _predict(self, request: Request) -> Response:
        scorer = self._models()
        picture, stated = picture_in(request, scorer.contract.input.max_bytes, _PARAMETERS["/predict"])
        request = _with(request, stated, _PARAMETERS["/predict"])
        with_map, with_masks, as_lookout = _flag(request, "map"), _flag(request, "masks"), _as_lookout(request)
        prediction, place = self._scored(picture, request, scorer, with_preview=_flag(request, "preview"))
        if as_lookout:
            return json_response(detect_anomaly_result(prediction, scorer.contract.class_names))
        content = answer(prediction, scorer, with_map=with_map, with_masks=with_masks, place=place)
        return json_response(self._with_registry(content))

    def _batch(self, request: Request) -> Response:
        from steel_defect.batch import answers  # few callers send several

        scorer = self._models()
        parts, stated = pictures_in(request, scorer.contract.input.max_bytes, _PARAMETERS["/batch"])
        request = _with(request, stated, _PARAMETERS["/batch"])
        # Wrong for one is wrong for all.
        self._camera_of(request), _place_of(request)

        def score(picture: bytes) -> dict[str, Any]:
            prediction, place = self._scored(picture, request, scorer)
            return self._with_registry(answer(prediction, scorer, place=place))

        return json_response({"answers": answers(parts, score)})

    def _scored(
        self, picture: bytes, request: Request, scorer: Scorer, *, with_preview: bool = False
    ) -> tuple[Prediction, Place]:
        camera, place = self._camera_of(request), _place_of(request)
        observation.note(picture_bytes=len(picture), **place.as_json())
        prediction = scorer.score(picture, camera, self._admission, with_preview=with_preview)
        observation.note_prediction(prediction, scorer)
        return prediction, place

    def _with_registry(self, content: dict[str, Any]) -> dict[str, Any]:
        registry = self._registry()
        if registry is not None and registry.state != "current":
            content["model"] = {**content["model"], "registry": registry.state}
        return content

    def _camera_of(self, request: Request) -> Camera:
        if not request.query:
            return self._camera
        try:
            return stated_camera(request.query, self._camera)
        except CameraError as error:
            raise MalformedQuery(str(error)) from error

    def _health(self, _request: Request) -> Response:
        self._models()
        return json_response({"status": "ok"})

    def _model(self, _request: Request) -> Response:
        return json_response(describe(self._models(), self._registry()))

    def _upload(self, request: Request) -> Response:
        uploads = self._uploads()
        require_json(request)
        signed = uploads.sign(request.body, self._models().contract.input.max_bytes)
        return json_response(signed, status=HTTPStatus.CREATED)

    def _result(self, request: Request) -> Response:
        from urllib.parse import unquote  # no prediction needs it

        # Some platforms give the path decoded, some as it came; a key has nothing in it that decoding changes.
        return json_response(self._uploads().result(unquote(request.path).removeprefix("/results/")))

    def _uploads(self) -> SignedUploads:
        uploads = self._signed_uploads()
        if uploads is None:
            message = "this deployment takes no uploads by signed URLs: UPLOADS_URI and RESULTS_URI are not set"
            raise UploadsNotConfigured(message)
        return uploads

    def _verdict(self, request: Request) -> Response:
        _refuse_unknown(request, ())
        verdicts = self._verdicts_kept()
        require_json(request)
        return json_response(verdicts.keep(request.body), status=HTTPStatus.CREATED)

    def _verdicts(self, request: Request) -> Response:
        picture = request.query.get("picture")
        if not picture:
            message = "?picture= must name the picture whose verdicts are asked for"
            raise MalformedQuery(message)
        return json_response({"picture": picture, "verdicts": self._verdicts_kept().of(picture)})

    def _verdicts_kept(self) -> Verdicts:
        verdicts = self._kept_verdicts()
        if verdicts is None:
            message = "this deployment keeps no verdicts: UPLOADS_URI and RESULTS_URI are not set"
            raise UploadsNotConfigured(message)
        return verdicts

    def _page(self, _request: Request) -> Response:
        from steel_defect.pages import page_response  # no prediction needs it

        uploads = self._signed_uploads()
        return page_response("page", uploads.sources if uploads else ())

    def _docs(self, _request: Request) -> Response:
        from steel_defect.pages import page_response

        return page_response("docs")

    def _openapi(self, _request: Request) -> Response:
        return Response(200, {"content-type": "application/json"}, _openapi_text())


def refused(error: SteelDefectError) -> Response:
    """The answer to a request that failed; an adapter answers with it what never reaches `Api.handle`."""
    observation.note_problem(error)
    return problem_response(error)


def _refuse_unknown(request: Request, known: tuple[str, ...]) -> None:
    """Refuse a parameter that would have no effect: it is misspelt, or meant for another version."""
    for name in request.query:
        if name not in known:
            takes = f"takes {' and '.join(known)}" if known else "takes none"
            message = f"there is no parameter {name[:100]!r} of {request.path[:100]}, which {takes}"
            raise MalformedQuery(message)


def _with(request: Request, stated: Mapping[str, str], known: tuple[str, ...]) -> Request:
    """The request as if its query had what its body states beside pictures."""
    for name in stated.keys() & request.query.keys():
        message = f"{name[:100]!r} is stated in the query and in the body; state it once"
        raise MalformedQuery(message)
    request = replace(request, query={**request.query, **stated})
    _refuse_unknown(request, known)
    return request


def _place_of(request: Request) -> Place:
    try:
        return stated_place(request.query)
    except PlaceError as error:
        raise MalformedQuery(str(error)) from error


def _flag(request: Request, name: str) -> bool:
    value = request.query.get(name, "false")
    if value.lower() not in _FLAGS:
        message = f"?{name}= takes true or false, not {value[:100]!r}"
        raise MalformedQuery(message)
    return _FLAGS[value.lower()]


def _as_lookout(request: Request) -> bool:
    shape = request.query.get("shape")
    if shape not in {None, "lookout"}:
        message = f"?shape= takes lookout, not {str(shape)[:100]!r}"
        raise MalformedQuery(message)
    if shape is not None and {"map", "masks", "preview"} & request.query.keys():
        message = "?shape=lookout has no place for what ?map=, ?masks= and ?preview= add; send one or the other"
        raise MalformedQuery(message)
    return shape is not None


@cache
def _openapi_text() -> str:
    return _OPENAPI.read_text(encoding="utf-8")
