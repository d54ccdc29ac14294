"""Turns scenarios into observations: what is handed over, launched, asked and stopped."""
