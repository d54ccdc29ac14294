"""Who is judged: the declaration and the facts of the images."""
