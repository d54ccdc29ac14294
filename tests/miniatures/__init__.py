"""Candidates in miniature: containers that are functions, on an engine inside this process."""
