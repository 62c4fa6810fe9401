"""Draws animations, and looks at what became of them.

usage: animations.py FOLDER

Writes `flags.gif`, `flags.png` and `flags.webp` into the folder where they are not there yet, and
`hasty.gif`, whose pictures are shown for a moment: GIF by libvips, the others by Pillow. Reads {"made": [file]} from standard input, and prints for each file
what libvips sees: how many pictures, their size, durations in milliseconds, plays (0 is for ever), and
the mean and largest difference from the pictures that were drawn, in levels of 8 bits, each laid on
black and on white. Pillow does not look: where a GIF's picture is taken away it shows a colour of the
palette, browsers and libvips show nothing.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pyvips
from PIL import Image, ImageDraw

SIZE = (64, 48)
DURATIONS = [70, 120, 200, 40, 90, 150]
HASTY = [0, 10, 20, 30, 0, 50]
PLAYS = 3


def pictures():
    """Opaque ones behind transparent ones and the other way round, and a small change."""
    opaque = Image.new("RGBA", SIZE, (200, 30, 40, 255))
    draw = ImageDraw.Draw(opaque)
    draw.rectangle((32, 0, 63, 23), fill=(30, 170, 60, 255))
    draw.rectangle((0, 24, 31, 47), fill=(40, 60, 200, 255))
    yield opaque
    for left in (4, 36):
        clear = Image.new("RGBA", SIZE, (0, 0, 0, 0))
        ImageDraw.Draw(clear).rectangle((left, 10, left + 20, 37), fill=(230, 210, 70, 255))
        yield clear
    yield opaque
    changed = opaque.copy()
    ImageDraw.Draw(changed).rectangle((50, 40, 55, 45), fill=(230, 210, 70, 255))
    yield changed
    hole = opaque.copy()
    ImageDraw.Draw(hole).rectangle((20, 15, 43, 32), fill=(0, 0, 0, 0))
    yield hole


def draw(folder):
    if (folder / "flags.webp").exists():
        return
    first, *rest = pictures()
    common = {"save_all": True, "append_images": rest, "duration": DURATIONS, "loop": PLAYS}
    first.save(folder / "flags.png", disposal=1, blend=0, **common)
    joined = pyvips.Image.new_from_array(np.concatenate([np.asarray(p) for p in (first, *rest)]))
    joined = joined.copy(interpretation="srgb")
    for name, value in {"page-height": SIZE[1], "loop": PLAYS}.items():
        joined.set_type(pyvips.GValue.gint_type, name, value)
    for name, durations in {"flags": DURATIONS, "hasty": HASTY}.items():
        timed = joined.copy()
        timed.set_type(pyvips.GValue.array_int_type, "delay", durations)
        timed.gifsave(str(folder / f"{name}.gif"), dither=0)
    first.save(folder / "flags.webp", lossless=True, exact=True, **common)


def laid(pixels):
    """On black and on white."""
    pixels = pixels.astype(np.float64)
    alpha = pixels[..., 3:] / 255
    return np.stack([pixels[..., :3] * alpha + paper * (1 - alpha) for paper in (0, 255)])


def look(path):
    pages = {"n": -1} if path.suffix in (".gif", ".webp") else {}
    file = pyvips.Image.new_from_file(str(path), **pages)
    has = file.get_fields()
    if not file.hasalpha():
        file = file.bandjoin(255)
    height = file.get("page-height") if "page-height" in has else file.height
    ours = file.numpy().reshape(-1, height, file.width, 4)
    answer = {
        "pictures": len(ours),
        "size": [file.width, height],
        "durations": file.get("delay") if "delay" in has else [],
        "plays": file.get("loop") if "loop" in has else None,
    }
    wanted = laid(np.stack([np.asarray(picture) for picture in pictures()]))
    if ours.shape == wanted.shape[1:-1] + (4,):
        error = np.abs(laid(ours) - wanted)
        answer |= {"mean": float(error.mean()), "most": float(error.max())}
    return answer


def main(folder, task):
    draw(folder)
    json.dump({name: look(folder / name) for name in task["made"]}, sys.stdout)


main(Path(sys.argv[1]), json.load(sys.stdin))
