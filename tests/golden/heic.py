"""What libheif makes of HEIC, for phones' photographs.

    heic.py FOLDER

Reads a JSON list of [name, path] and writes each picture, upright, as FOLDER/NAME.png with its profile.
"""

import json
import sys
from pathlib import Path

import pillow_heif

for name, path in json.load(sys.stdin):
    picture = pillow_heif.open_heif(path).to_pillow().convert("RGB")
    profile = picture.info.get("icc_profile")
    picture.save(Path(sys.argv[1]) / f"{name}.png", compress_level=1, icc_profile=profile, exif=b"")
