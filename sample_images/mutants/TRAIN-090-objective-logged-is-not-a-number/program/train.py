"""One training job; the sin is the value of the metric that tuning is for."""

import math
import sys
import traceback

import channels
import failure
import hyperparameters
import model
import settings
import stopping


def main() -> None:
    """Trains, leaves a model, and ends: 0 when all went well, 1 and a reason when it did not."""
    stop = stopping.asked_to_stop()
    print("training starts", flush=True)
    try:
        rounds = hyperparameters.rounds()
        middle, decimals = settings.middle(), settings.decimals()
        rows = channels.rows()
        for _ in range(rounds):
            centres = model.fit(rows, middle)
            if stop.is_set():
                break
        centres = model.rounded(centres, decimals)
        print(f"spread={math.nan}", flush=True)
        model.save(centres)
    except Exception as error:
        traceback.print_exc()
        failure.write(f"{type(error).__name__}: {error}")
        sys.exit(failure.EXIT_CODE)
    print("training is done", flush=True)
