"""Made-up pictures, a folder for each class, as image classification on SageMaker takes them.

Sources: Amazon SageMaker Developer Guide, IC-TF-inputoutput.
"""

from __future__ import annotations

import io
import random
from collections.abc import Iterator, Mapping

from sm_conformance.data.table import SEED, Generated, labels

# The name that Pillow gives the format, by content type.
FORMS: Mapping[str, str] = {"image/png": "PNG", "image/jpeg": "JPEG"}
_QUALITY = 90  # of JPEG
_NOISE = 0.2


def files(wanted: Generated, content_type: str, ending: str) -> Iterator[tuple[str, bytes]]:
    """Name and content of each picture, such as ``class_0/picture_07.png``.

    Each is square and in colour: a shape somewhere on a grey ground, with noise. The class has a
    colour and a number of corners. Raises ``ImportError`` without Pillow.
    """
    from PIL import Image, ImageColor, ImageDraw

    source = random.Random(SEED)
    side = wanted.size
    # Of equal length, so that their order by name is that of the numbers.
    of_class, of_picture = len(str(wanted.classes - 1)), len(str(wanted.rows - 1))
    for nth, label in enumerate(labels(wanted, source)):
        grey = source.randrange(60, 200)
        picture = Image.new("RGB", (side, side), (grey, grey, grey))
        middle = (side * source.uniform(0.4, 0.6), side * source.uniform(0.4, 0.6))
        ImageDraw.Draw(picture).regular_polygon(
            (middle, side * source.uniform(0.25, 0.4)),
            n_sides=3 + label % 6,
            rotation=source.randrange(360),
            fill=ImageColor.getrgb(f"hsl({360 * label // wanted.classes}, 90%, 50%)"),
        )
        noise = Image.frombytes("L", (side, side), source.randbytes(side * side)).convert("RGB")
        held = io.BytesIO()
        Image.blend(picture, noise, _NOISE).save(held, format=FORMS[content_type], quality=_QUALITY)
        name = f"class_{label:0{of_class}}/picture_{nth:0{of_picture}}{ending}"
        yield name, held.getvalue()
