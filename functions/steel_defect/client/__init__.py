"""Scores pictures by a deployment that is somewhere else: the client's side of the HTTP interface.

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

__all__ = [
    "AccessDenied",
    "Deployment",
    "NoAnswer",
    "NoService",
    "RequestTooLarge",
    "ServiceProblem",
    "connect",
]
