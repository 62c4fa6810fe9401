"""Looks at what `darkroom process` made with libvips, and makes what it should look like.

Reads one JSON object from standard input:
  boxes       {variant: [width, height]}, each meant to fit inside and never to be enlarged
  files       the sources
  made        the folder given to --out
  references  a folder for PNG pairs
and prints a JSON array with an object for each variant of each source. Nothing is judged here: the
numbers are for the test that calls this, which says what each must be.

The reference is the source, turned by libvips, in linear light and floating point, reduced by
Lanczos3 from the full size without any shrink-on-load or box filter in front (gap = 0), alpha
premultiplied, laid on white, as 8 bits of sRGB.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pyvips

# The eight ways to lay a square, the right one first.
TURNS = [
    lambda p: p,
    lambda p: np.rot90(p, 1),
    lambda p: np.rot90(p, 2),
    lambda p: np.rot90(p, 3),
    np.fliplr,
    np.flipud,
    lambda p: np.swapaxes(p, 0, 1),
    lambda p: np.rot90(np.swapaxes(p, 0, 1), 2),
]


def upright(path):
    """The source as it is meant to be seen, in memory."""
    image = pyvips.Image.new_from_file(str(path)).autorot()
    if image.interpretation in ("b-w", "grey16"):
        image = image.colourspace("srgb")
    return image.copy_memory()


def reference(image, width, height):
    linear = image.colourspace("scrgb")
    if (image.width, image.height) != (width, height):
        alpha = linear.hasalpha()
        if alpha:
            linear = linear.premultiply()
        linear = linear.resize(
            width / image.width, vscale=height / image.height, kernel="lanczos3", gap=0
        )
        if alpha:
            linear = linear.unpremultiply()
    return on_white(linear)


def on_white(image):
    """Without alpha, laid on white in linear light, as 8 bits of sRGB."""
    linear = image.colourspace("scrgb")
    if linear.hasalpha():
        linear = linear.flatten(background=[1.0, 1.0, 1.0])
    return linear.colourspace("srgb").extract_band(0, n=3).cast("uchar")


def within(width, height, box):
    """Inside the box, aspect kept, never enlarged, not rounded."""
    scale = min(box[0] / width, box[1] / height, 1.0)
    return [max(1.0, width * scale), max(1.0, height * scale)]


def square(image):
    """32×32 pixels of it, for telling turns apart whatever its aspect."""
    small = image.resize(32 / image.width, vscale=32 / image.height, kernel="lanczos3")
    return small.numpy().astype(np.float64)[:32, :32]


def difference(one, other):
    return float(np.mean((one - other) ** 2))


def judge(task):
    boxes = task["boxes"]
    references = Path(task["references"])
    for path in map(Path, task["files"]):
        source = upright(path)
        for made in sorted((Path(task["made"]) / path.stem).iterdir()):
            ours = pyvips.Image.new_from_file(str(made)).copy_memory()
            wanted = reference(source, ours.width, ours.height)
            shown = on_white(ours)
            pair = [str(references / f"{path.stem}.{made.name}.{of}.png") for of in ("ours", "ref")]
            shown.write_to_file(pair[0], compression=1)
            wanted.write_to_file(pair[1], compression=1)
            target = square(wanted)
            errors = [difference(turn(square(shown)), target) for turn in TURNS]
            yield {
                "file": str(path),
                "name": made.stem,
                "format": made.suffix[1:],
                "loader": ours.get("vips-loader"),
                "size": [ours.width, ours.height],
                "wanted": within(source.width, source.height, boxes[made.stem]),
                "source": [source.width, source.height],
                "orientation": ours.get("orientation") if ours.get_typeof("orientation") else 1,
                "error_as_it_is": errors[0],
                "least_error_turned": min(errors[1:]),
                "least_between_turns": min(difference(turn(target), target) for turn in TURNS[1:]),
                "ours": pair[0],
                "reference": pair[1],
            }


if __name__ == "__main__":
    json.dump(list(judge(json.load(sys.stdin))), sys.stdout)
