"""Launches, observes, stops and clears away containers; knows nothing of clauses or of pytest."""
