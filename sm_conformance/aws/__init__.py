"""AWS's own JSON in place of ``sm-conformance.yaml``: requests and answers of the SageMaker API."""
