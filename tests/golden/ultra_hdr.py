"""Draws an Ultra HDR photograph and looks at variants of one, with libvips' libultrahdr.

usage: ultra_hdr.py FOLDER

Writes `bright.jpg` into the folder where it is not there yet. Reads [{"ours", "source", "turned"}] from
standard input, `turned` saying that ours was turned clockwise, and prints for each whether ours has a
gain map, how far its numbers are from the source's, the brightest light (1 is white), and how far its
light is from that of the source, reduced: on average, relative to the light.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pyvips

NUMBERS = [
    "max-content-boost",
    "min-content-boost",
    "gamma",
    "offset-sdr",
    "offset-hdr",
    "hdr-capacity-min",
    "hdr-capacity-max",
]


def draw(path):
    y, x = np.mgrid[0:160, 0:240] / 240
    sky = 0.2 + 0.5 * y
    sun = 6.0 * np.exp(-((x - 0.3) ** 2 + (y - 0.2) ** 2) * 60)
    light = np.stack([sky + sun, sky * 0.9 + sun * 0.8, sky * 0.7 + sun * 0.4], axis=-1)
    image = pyvips.Image.new_from_array(light.astype(np.float32)).copy(interpretation="scrgb")
    image.uhdrsave(str(path), Q=95, gainmap_scale_factor=2)


def numbers(image):
    return np.array([np.ravel(image.get(f"gainmap-{name}")).tolist()[:1] for name in NUMBERS])


def light(image):
    if "gainmap-data" in image.get_fields():
        return image.uhdr2scRGB()
    return image.colourspace("scrgb")


def look(task):
    ours = pyvips.Image.new_from_file(task["ours"])
    source = pyvips.Image.new_from_file(task["source"])
    mapped = "gainmap-data" in ours.get_fields()
    wanted = light(source)
    if task["turned"]:
        wanted = wanted.rot90()
    across, down = ours.width / wanted.width, ours.height / wanted.height
    wanted = wanted.resize(across, vscale=down, kernel="lanczos3", gap=0).numpy()
    made = light(ours).numpy()
    same = made.shape == wanted.shape
    relative = np.abs(made - wanted) / (np.abs(wanted) + 0.05) if same else np.array([9.0])
    return {
        "mapped": mapped,
        "numbers": float(np.abs(numbers(ours) - numbers(source)).max()) if mapped else None,
        "brightest": float(made.max()),
        "light": float(relative.mean()),
    }


def main(folder, tasks):
    if not (folder / "bright.jpg").exists():
        draw(folder / "bright.jpg")
    json.dump([look(task) for task in tasks], sys.stdout)


main(Path(sys.argv[1]), json.load(sys.stdin))
