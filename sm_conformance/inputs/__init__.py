"""What a candidate is handed: scenarios, the tree under /opt/ml, generated data, payloads."""
