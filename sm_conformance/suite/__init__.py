"""The clauses, one module per topic, readable top to bottom."""
