"""Judges whether a container image keeps the Amazon SageMaker container contract."""

__version__ = "0.1.0"
