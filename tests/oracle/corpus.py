"""What independent decoders make of files: `corpus.py ROOT`, a JSON list of names on standard
input, an object by name on standard output.

For each name: which decoders read the whole picture without a complaint, its upright size, and the
averages of up to 32 × 32 cells in the file's own encoding, as RGBA (colour multiplied by alpha) or
CMYK, so that a picture that is read wrongly cannot pass for one that is read."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile

# All before the first fork: a child that had to import them would take longer than its picture.
import numpy as np
import pyvips
from PIL import Image, ImageOps

try:
    import pillow_heif
except ImportError:  # there is none for Python before 3.10
    pillow_heif = None

CELLS = 32
SECONDS = 30
MOST_PIXELS = 120_000_000
# Larger ones are read to their end, but not compared: their cells would take gigabytes.
COMPARED = 30_000_000


def edges(side):
    cells = min(CELLS, side)
    return [-(-cell * side // cells) for cell in range(cells)]


def cells(samples, premultiplied=False):
    """Averages of (height, width, bands) in 0-255, alpha last where there are 2 or 4 bands."""
    height, width, bands = samples.shape
    samples = samples.astype(np.float64)
    if bands <= 2:
        samples = np.concatenate([samples[:, :, :1]] * 3 + [samples[:, :, 1:]], axis=2)
    if samples.shape[2] == 3:
        samples = np.concatenate([samples, np.full((height, width, 1), 255.0)], axis=2)
    if not premultiplied:
        samples[:, :, :3] *= samples[:, :, 3:] / 255
    return average(samples)


def average(samples):
    height, width, _ = samples.shape
    rows, columns = edges(height), edges(width)
    sums = np.add.reduceat(np.add.reduceat(samples, rows, axis=0), columns, axis=1)
    counts = np.outer(np.diff(rows + [height]), np.diff(columns + [width]))
    return (sums / counts[:, :, None]).round(2).ravel().tolist()


def vips(path):
    with open(path, "rb") as file:
        tiff = file.read(2) in (b"II", b"MM")
    # libtiff complains of tags that decide nothing.
    image = pyvips.Image.new_from_file(path, fail_on="truncated" if tiff else "error")
    if image.width * image.height > MOST_PIXELS:
        raise ValueError("too large to try")
    image = image.autorot()
    if image.width * image.height > COMPARED:
        image.avg()
        return {"size": [image.width, image.height]}
    samples = image.numpy().reshape(image.height, image.width, image.bands)
    if image.format == "ushort":
        samples = samples / 257
    elif image.format != "uchar":
        return {"size": [image.width, image.height]}
    if image.interpretation == "cmyk":
        return {"size": [image.width, image.height], "cmyk": average(samples[:, :, :4].astype(float))}
    if image.interpretation == "b-w" and image.bands > 2:
        samples = samples[:, :, :2]
    return {"size": [image.width, image.height], "rgba": cells(samples[:, :, :4])}


def pillow(path):
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    with Image.open(path) as image:
        image.load()
        image = ImageOps.exif_transpose(image)
        size = list(image.size)
        if size[0] * size[1] > COMPARED:
            return {"size": size}
        if image.mode == "La":
            image = image.convert("LA")
        if image.mode == "CMYK":
            # Pillow inverts what Adobe wrote, so that 0 is no ink.
            return {"size": size, "cmyk": average(np.asarray(image).astype(float))}
        if image.mode in ("I", "F") or image.mode.startswith("I;16"):
            samples = np.asarray(image).astype(float)
            top = 65535 if samples.max() > 255 or image.mode.startswith("I;16") else 255
            if image.mode == "F":
                return {"size": size}
            return {"size": size, "rgba": cells((samples * 255 / top)[:, :, None])}
        return {"size": size, "rgba": cells(np.asarray(image.convert("RGBA")))}


def heif(path):
    if pillow_heif is None:
        raise ValueError("pillow-heif is not installed")
    image = pillow_heif.open_heif(path)
    picture = image.to_pillow()
    return {"size": list(picture.size), "rgba": cells(np.asarray(picture.convert("RGBA")))}


def djxl(path):
    if not shutil.which("djxl"):
        raise ValueError("djxl is not installed")
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "out.png")
        plain = subprocess.run(["djxl", "--bits_per_sample=8", path, out], capture_output=True)
        if plain.returncode != 0:
            # It cannot narrow alpha, and writes alpha of 9 to 15 bits unscaled.
            subprocess.run(["djxl", path, out], check=True, capture_output=True)
        with Image.open(out) as image:
            # It has turned the picture, and copies EXIF as it found it.
            size = {"size": list(image.size)}
            if plain.returncode != 0:
                return size
            return {**size, "rgba": cells(np.asarray(image.convert("RGBA")))}


DECODERS = {"vips": vips, "pillow": pillow, "heif": heif, "djxl": djxl}


def fits(decoder, head):
    """Decoders that share a library are asked once: libvips reads AVIF and HEIC by libheif too."""
    boxes = head[4:8] == b"ftyp"
    jxl = head[:2] == b"\xff\x0a" or head[4:8] == b"JXL "
    return {"heif": boxes, "djxl": jxl}.get(decoder, True)


def alone(decoder, path):
    """In a process of its own, within a time and memory."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
        signal.alarm(SECONDS)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        try:
            answer = {"ok": True, **DECODERS[decoder](path)}
        except BaseException as error:  # whatever a decoder throws is its answer
            answer = {"ok": False, "why": f"{type(error).__name__}: {error}"[:120]}
        with os.fdopen(write, "w") as pipe:
            json.dump(answer, pipe)
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    return json.loads(text) if text else {"ok": False, "why": "killed"}


def main():
    root = sys.argv[1]
    answers = {}
    for name in json.load(sys.stdin):
        path = os.path.join(root, name)
        with open(path, "rb") as file:
            head = file.read(16)
        asked = [decoder for decoder in DECODERS if fits(decoder, head)]
        answers[name] = {decoder: alone(decoder, path) for decoder in asked}
    json.dump(answers, sys.stdout)


main()
