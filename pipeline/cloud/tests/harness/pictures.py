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


def said():
    """What a phone says of a photograph: itself, the light, the time and the place."""
    exif = Image.Exif()
    exif.update({271: "Google", 272: "Pixel 9", 274: 1, 282: 72.0, 283: 72.0, 296: 2, 305: "HDR+ 1.0", 306: TAKEN})
    exif.get_ifd(0x8769).update(
        {
            33434: (1, 120), 33437: (17, 10), 34850: 2, 34855: 64, 36867: TAKEN, 36868: TAKEN, 36881: "+01:00",
            36882: "+01:00", 37377: (691, 100), 37378: (153, 100), 37380: (0, 1), 37383: 5, 37385: 16, 37386: (69, 10),
            37521: "123", 40961: 1, 41989: 25, 42035: "Google", 42036: "Pixel 9 back camera 6.9mm f/1.7",
        }
    )  # fmt: skip
    exif.get_ifd(0x8825).update(
        {1: "N", 2: (52.0, 31.0, 12.03), 3: "E", 4: (13.0, 24.0, 17.83), 5: 0, 6: (345, 10), 29: "2026:11:24"}
    )
    return exif


TAKEN = "2026:11:24 10:11:12"
SIZES = {"small": (320, 240), "large": (2400, 1800), "giant": (8000, 6000), "described": (2400, 1800)}

kind = sys.argv[1]
named = {"exif": said()} if kind == "described" else {}
tiles(*SIZES[kind]).save(sys.stdout.buffer, "JPEG", quality=60, **named)
