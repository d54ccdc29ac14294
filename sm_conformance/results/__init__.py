"""Keeps what complete runs came to, so that the same question need not be asked twice."""
