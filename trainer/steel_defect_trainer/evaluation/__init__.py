"""How good a run is, and how sure one can be of that; where to set the threshold; which of two runs is better."""
