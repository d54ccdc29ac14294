"""What happened, as frozen values."""
