"""Marks the root of the project for pytest. Nothing belongs here.

Fixtures of the project's own tests are in ``tests/``; those of the judge are in
``sm_conformance/suite/``, where they also serve users who have no checkout.
"""
