"""The model that ships: made by `python -m steel_defect_trainer.bundling.bundle`."""
