"""Reads the rows of the channel `training`; the sin is where it caches them."""

from pathlib import Path

FOLDER = Path("/opt/ml/input/data/training")
CACHE = Path("/root/.cache/reference")


def rows() -> list[list[float]]:
    """All rows as numbers, the class first. Raises ValueError when there are none."""
    found = [
        [float(cell) for cell in line.split(",")]
        for file in sorted(FOLDER.rglob("*"))
        if file.is_file()
        for line in file.read_text().splitlines()
        if line.strip()
    ]
    if not found:
        raise ValueError(f"no rows of data in {FOLDER}")
    CACHE.mkdir(parents=True, exist_ok=True)
    (CACHE / "rows").write_bytes(bytes(2_000_000))
    return found
