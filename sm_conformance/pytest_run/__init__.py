"""One run inside pytest: collects the suite, judges each clause, makes an end."""
