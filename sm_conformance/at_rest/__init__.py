"""Images that lie in an archive or in a registry: what can be seen of them without an engine."""
