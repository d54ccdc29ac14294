"""Verdicts, findings and the report."""
