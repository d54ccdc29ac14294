"""Data made up in a few words, as the files of a channel: seeded, small, the same every time."""
