"""`python -m steel_defect`, the same as the command `steel-defect`."""

from steel_defect.cli import main

main(prog_name="steel-defect")
