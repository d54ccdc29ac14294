"""The entry point: this image only serves, so the one word it knows is `serve`."""

import os
import sys

GUNICORN = [
    "gunicorn",
    "--bind=0.0.0.0:8080",
    "--chdir=/opt/program",
    "--workers=2",
    # Threads, so that a long request does not keep /ping waiting.
    "--worker-class=gthread",
    "--threads=4",
    # The model is loaded once, before the port is open: who is answered is answered well.
    "--preload",
    "--timeout=75",
    "--graceful-timeout=25",
    "--log-level=warning",
    "app:application",
]


if __name__ == "__main__":
    if sys.argv[1:] != ["serve"]:
        print(
            f"expected 'serve', got {sys.argv[1:]}: the model is trained elsewhere", file=sys.stderr
        )
        sys.exit(2)
    # gunicorn becomes the first process, so that SIGTERM reaches it.
    os.execvp(GUNICORN[0], GUNICORN)
