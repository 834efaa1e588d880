"""Labels of other tools, brought into the layout of a table `labels.csv` with masks."""
