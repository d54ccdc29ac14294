"""Knows secrets by the shape of their values, and hides them wherever something goes out."""
