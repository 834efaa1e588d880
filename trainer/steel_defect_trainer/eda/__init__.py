"""Exploratory data analysis: what a set of labelled pictures holds, as one HTML report and tables."""
