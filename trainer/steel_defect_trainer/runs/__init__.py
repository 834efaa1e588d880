"""The folder of a training run: where its files are, and what they say."""
