"""The gate before a push: nothing reaches the registry but the very image that was found conformant."""
