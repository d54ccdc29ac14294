"""Launches a candidate as the suite does and leaves it to the user: a server that stays, a training."""
