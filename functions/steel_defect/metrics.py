"""Every metric of the functions, by the one name that it has on both clouds, in dashboards and in alarms.

On AWS they are in the namespace `SteelDefect` with the dimension `service`; on Google Cloud they are log-based metrics
called `SteelDefect/NAME`, by service and revision.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

NAMESPACE: Final = "SteelDefect"


class Metric(StrEnum):
    """Names; `DESCRIPTIONS` says what they mean."""

    RESPONSES_2XX = "Responses2xx"
    RESPONSES_4XX = "Responses4xx"
    RESPONSES_5XX = "Responses5xx"
    PICTURE_REFUSED = "PictureRefused"
    DEFECT_FOUND = "DefectFound"
    CAMERA_SUSPECT = "CameraSuspect"
    MODEL_MILLISECONDS = "ModelMilliseconds"
    TOTAL_MILLISECONDS = "TotalMilliseconds"
    UPLOAD_EVENTS = "UploadEvents"
    UPLOADS_SCORED = "UploadsScored"
    UPLOADS_FAILED = "UploadsFailed"
    UPLOADS_DUPLICATE = "UploadsDuplicate"
    UPLOADS_SUPERSEDED = "UploadsSuperseded"
    UPLOADS_IGNORED = "UploadsIgnored"
    UPLOAD_ERRORS = "UploadErrors"
    MODEL_NOT_CURRENT = "ModelNotCurrent"
    COLD_START = "ColdStart"


@dataclass(frozen=True)
class Description:
    """What a metric is.

    Attributes:
        unit: as CloudWatch names it.
        meaning: one sentence.
        flag: whether it is 0 or 1 each time, so that its mean is a share.
    """

    unit: Literal["Count", "Milliseconds"]
    meaning: str
    flag: bool = False


DESCRIPTIONS: Final = {
    Metric.RESPONSES_2XX: Description("Count", "Requests that were answered."),
    Metric.RESPONSES_4XX: Description("Count", "Requests that were refused."),
    Metric.RESPONSES_5XX: Description("Count", "Requests that failed here."),
    Metric.PICTURE_REFUSED: Description("Count", "1 for a picture that was refused, otherwise 0.", flag=True),
    Metric.DEFECT_FOUND: Description("Count", "1 for a scored picture that is rejected, otherwise 0.", flag=True),
    Metric.CAMERA_SUSPECT: Description(
        "Count", "1 for a scored picture that is not like those the model was trained on, otherwise 0.", flag=True
    ),
    Metric.MODEL_MILLISECONDS: Description("Milliseconds", "Time in the model for each scored picture."),
    Metric.TOTAL_MILLISECONDS: Description("Milliseconds", "Whole time in the function for each scored picture."),
    Metric.UPLOAD_EVENTS: Description("Count", "Calls of the upload function."),
    Metric.UPLOADS_SCORED: Description("Count", "Uploads that were scored."),
    Metric.UPLOADS_FAILED: Description("Count", "Uploads that can never be scored; their results say why."),
    Metric.UPLOADS_DUPLICATE: Description("Count", "Events of uploads that had their result already."),
    Metric.UPLOADS_SUPERSEDED: Description("Count", "Events of uploads of which a newer version is there."),
    Metric.UPLOADS_IGNORED: Description("Count", "Events of objects that are no pictures; log lines say why."),
    Metric.UPLOAD_ERRORS: Description("Count", "Uploads that failed here and are tried again."),
    Metric.MODEL_NOT_CURRENT: Description(
        "Count", "1 for a call while another model serves than the one in production, otherwise 0.", flag=True
    ),
    Metric.COLD_START: Description("Count", "Calls that were the first of their environment."),
}
