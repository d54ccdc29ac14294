"""Writes a first declaration by looking at an image: what it holds, and what it does when tried."""
