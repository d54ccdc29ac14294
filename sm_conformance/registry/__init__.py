"""Image registries over the OCI distribution protocol: what lies there, read back."""
