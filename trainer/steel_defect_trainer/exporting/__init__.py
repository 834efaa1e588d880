"""From a training run to model files: ONNX, parity, int8, the reference for drift, and the model card."""
