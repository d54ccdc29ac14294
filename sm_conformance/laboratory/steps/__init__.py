"""What is done to a live server, a function each; ``table`` knows them by their names."""
