"""The entry point: the platform starts the image with the one word `train` or `serve`."""

import sys


def main(words: list[str]) -> int:
    """Does what the word says; the exit status."""
    # Imported late: neither half pays for the libraries of the other.
    if words == ["train"]:
        import training

        return training.main()
    if words == ["serve"]:
        import serving

        return serving.main()
    print(f"expected 'train' or 'serve', got {words}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
