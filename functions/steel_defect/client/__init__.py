"""The other side of a deployment: asks it for scores (`connect`), or puts pictures into its bucket (`uploads`).

    deployment = connect("https://...")
    deployment.predict(picture)["decision"]

Nothing of this is imported by the functions.
"""

from steel_defect.client.connect import Deployment, connect
from steel_defect.client.errors import (
    AccessDenied,
    NoAnswer,
    NoService,
    RequestTooLarge,
    ServiceProblem,
)
from steel_defect.errors import SteelDefectError

__all__ = [
    "AccessDenied",
    "Deployment",
    "NoAnswer",
    "NoService",
    "RequestTooLarge",
    "ServiceProblem",
    "SteelDefectError",
    "connect",
]
