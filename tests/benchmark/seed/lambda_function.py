"""The seed project's Lambda function: takes {"image": "<base64>"}, gives {"statusCode": 200, "body": "..."}."""

from __future__ import annotations

import json
from typing import Any

from scoring import predict_image


def lambda_handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Score one picture."""
    return {"statusCode": 200, "body": json.dumps(predict_image(event["image"]))}
