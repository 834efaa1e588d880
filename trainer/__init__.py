"""From pictures of steel strip to the model file: drawing, reading, training, measuring, exporting."""
