"""The requests to AWS that may stand in the place of a declaration; imports nothing."""

from __future__ import annotations

# Kind, which is also the name of its option, and what a file of it holds.
KINDS = {
    "algorithm": "a CreateAlgorithm request or DescribeAlgorithm answer",
    "model-package": "a CreateModelPackage request or DescribeModelPackage answer",
    "training-job": "a CreateTrainingJob request or DescribeTrainingJob answer",
    "model": "a CreateModel request or DescribeModel answer",
    "transform-job": "a CreateTransformJob request or DescribeTransformJob answer",
}
