"""Makes the files that benches/codecs reads: one photograph in several formats and sizes.

usage: sources.py FOLDER

Prints JSON: {"decode": [[name, file, width, height]], "encode": [[width, height, file of RGB]]}. The
photograph is a window of one of DARKROOM_CORPUS, or drawn, as in photographs.py.
"""

import json
import shutil
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pyvips

from photographs import HEIGHT, WIDTH, photographs

# Name, suffix and how libvips writes it.
WAYS = [
    ("JPEG", "jpg", dict(Q=92)),
    ("JPEG, progressive", "progressive.jpg", dict(Q=92, interlace=True)),
    ("PNG", "png", {}),
    ("PNG, 16 bits", "16.png", dict(bitdepth=16)),
    ("GIF", "gif", {}),
    ("WebP", "webp", dict(Q=85)),
    ("WebP, lossless", "lossless.webp", dict(lossless=True)),
    ("TIFF, LZW", "tif", dict(compression="lzw", predictor="horizontal")),
    ("AVIF", "avif", dict(Q=60, effort=2)),
]


def main(folder):
    pictures, _ = photographs()
    # One with as much detail as most of them have.
    photograph = next(islice(pictures, 2, None)).copy_memory()
    decode, encode = [], []
    for name, across in [("0.5 MP", 0.5), ("2 MP", 1.0)]:
        picture = photograph if across == 1 else photograph.resize(across)
        picture = picture.cast("uchar").copy_memory()
        for kind, suffix, options in WAYS:
            path = folder / f"{name.replace(' ', '-')}.{suffix}"
            wide = picture.colourspace("rgb16") if suffix == "16.png" else picture
            wide.write_to_file(str(path), keep="none", **options)
            decode.append([kind, str(path), picture.width, picture.height])
        if shutil.which("cjxl"):
            path = folder / f"{name.replace(' ', '-')}.jxl"
            source = str(folder / f"{name.replace(' ', '-')}.png")
            subprocess.run(["cjxl", "--quiet", source, str(path)], check=True, capture_output=True)
            decode.append(["JPEG XL", str(path), picture.width, picture.height])
    for width in (200, 800, WIDTH):
        picture = photograph.resize(width / WIDTH).cast("uchar")
        path = folder / f"{width}.rgb"
        path.write_bytes(picture.write_to_memory())
        encode.append([picture.width, picture.height, str(path)])
    assert photograph.height == HEIGHT
    json.dump({"decode": decode, "encode": encode}, sys.stdout)


main(Path(sys.argv[1]))
