"""This project beside other ways of serving a model: BentoML over HTTP, anomalib in process."""
