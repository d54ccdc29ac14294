"""Candidates in miniature: containers that are Python functions, on an engine inside this process."""
