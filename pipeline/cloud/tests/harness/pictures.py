"""Pictures that are drawn for the tests, to standard output: pictures.py KIND."""

import sys

from PIL import Image


def tiles(width, height):
    """Slopes, waves and grain, laid side by side."""
    tile = Image.new("RGB", (400, 300))
    tile.putdata(
        [
            tuple((base + x // 6 + y // 9 + (18 if (x // 11 + y // 11) % 2 else 0) + (x * 7919 ^ y * 104729) % 8) % 256 for base in (40, 90, 130))
            for y in range(300)
            for x in range(400)
        ]
    )
    picture = Image.new("RGB", (width, height))
    for y in range(0, height, 300):
        for x in range(0, width, 400):
            picture.paste(tile, (x, y))
    return picture


SIZES = {"small": (320, 240), "large": (2400, 1800), "giant": (8000, 6000)}

tiles(*SIZES[sys.argv[1]]).save(sys.stdout.buffer, "JPEG", quality=60)
