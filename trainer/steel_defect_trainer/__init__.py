"""From pictures of steel strip to the model file: drawing, reading, training, measuring, exporting."""

import steel_defect as steel_defect  # says, before any module here imports ONNX Runtime, that it shall not report home
