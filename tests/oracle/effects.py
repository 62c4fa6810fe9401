"""Makes effects with libvips.

usage: effects.py SOURCE

Reads a JSON array of {"operation", "numbers", "result"} from standard input, and writes what each
operation makes of the source, an opaque RGB file, to `result` as PNG. Blurs are in linear light.
"""

import json
import sys

import pyvips


def matrix(image, numbers):
    rows = pyvips.Image.new_from_array([numbers[0:3], numbers[3:6], numbers[6:9]])
    return image.recomb(rows)


def tint(image, numbers):
    colour = (pyvips.Image.black(1, 1) + numbers).copy(interpretation="srgb")
    _, a, b = colour.colourspace("lab").getpoint(0, 0)
    lightness = image.colourspace("lab")[0]
    lab = lightness.bandjoin([a, b]).copy(interpretation="lab")
    return lab.colourspace("srgb")


def blur(image, numbers):
    # The smallest weight that is kept, and whole numbers or floats in the mask.
    blurred = image.colourspace("scrgb").gaussblur(
        numbers[0], min_ampl=0.001, precision="float"
    )
    return blurred.colourspace("srgb")


OPERATIONS = {
    "matrix": matrix,
    "linear": lambda image, n: image.linear(n[0], n[1]),
    # libvips takes the number's reciprocal as the exponent.
    "gamma": lambda image, n: image.gamma(exponent=n[0]),
    "invert": lambda image, n: image.invert(),
    "blur": blur,
    "tint": tint,
    "sharpen": lambda image, n: image.sharpen(sigma=n[0], m1=n[1], m2=n[2]).colourspace("srgb"),
}


def rounded(image):
    """8 bits, rounded where libvips left fractions, which a cast would cut."""
    if image.format in ("float", "double"):
        image = image.rint()
    return image.cast("uchar").copy(interpretation="srgb")


def main(source, tasks):
    image = pyvips.Image.new_from_file(source).colourspace("srgb").copy_memory()
    for task in tasks:
        made = OPERATIONS[task["operation"]](image, task["numbers"])
        rounded(made).write_to_file(task["result"], compression=1)


if __name__ == "__main__":
    main(sys.argv[1], json.load(sys.stdin))
