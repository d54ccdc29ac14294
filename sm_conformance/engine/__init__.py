"""Launches containers, observes, stops and clears them away; knows nothing of clauses or of pytest."""
