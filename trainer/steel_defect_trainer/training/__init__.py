"""A training run: from a recipe and a data set to weights and predictions."""
