"""What the owner of a candidate says of it: ``sm-conformance.yaml``, read strictly."""
