"""The seed project's service: `POST /predict` with {"image": "<base64>"}, by FastAPI on uvicorn."""

from __future__ import annotations

import os

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from scoring import predict_image

app = FastAPI(title="steel-defect")


class PredictRequest(BaseModel):
    """What comes in."""

    image: str


class PredictResponse(BaseModel):
    """What goes out."""

    defect_prob: float
    defect_status: int


@app.post("/predict")
def predict(request: PredictRequest) -> PredictResponse:
    """Score one picture."""
    return PredictResponse(**predict_image(request.image))


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ.get("PORT", "9696")))
