"""What all reports share: HTML pages, plots as PNG, Markdown tables."""
