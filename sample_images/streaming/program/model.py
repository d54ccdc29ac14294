"""The model: each word is followed by those that followed it in a text, in turn."""

from collections.abc import Iterator
from itertools import pairwise

TEXT = """the river runs to the sea and the sea sends the rain to the hills and the rain runs down
the hills to the river so the water that leaves the hills comes back to the hills in the end"""
MOST_WORDS = 1000

FOLLOWERS: dict[str, list[str]] = {}
for word, follower in pairwise(TEXT.split()):
    FOLLOWERS.setdefault(word, []).append(follower)


def words(prompt: str, count: int) -> Iterator[str]:
    """So many words that follow the prompt; each comes as it is made."""
    last = (prompt.split() or [""])[-1]
    taken = dict.fromkeys(FOLLOWERS, 0)
    for _ in range(count):
        if last in FOLLOWERS:
            known = FOLLOWERS[last]
            taken[last] += 1
            last = known[(taken[last] - 1) % len(known)]
        else:
            last = "the"
        yield last
