"""Draws the scenes that are processed where no photographs are at hand.

usage: draw.py FOLDER

Pillow and numpy draw and store them, so that no code of ours has a part in what they are. Each
scene is without any symmetry: turned or mirrored it is another picture.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

# What a picture that is seen upright is stored as, by EXIF orientation (tag 0x0112 of EXIF 2.32):
# the turn that undoes what the tag asks for. numpy's rot90 turns anticlockwise.
STORED = {
    1: lambda p: p,
    2: np.fliplr,
    3: lambda p: np.rot90(p, 2),
    4: np.flipud,
    5: lambda p: np.swapaxes(p, 0, 1),
    6: lambda p: np.rot90(p, 1),
    7: lambda p: np.rot90(np.swapaxes(p, 0, 1), 2),
    8: lambda p: np.rot90(p, -1),
}


def scene(width, height, seed):
    """Sky, ground, sun and foliage, with noise of several sizes: edges, gradients and texture."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    u, v = x / width, y / height
    picture = np.stack([90 + 90 * v, 140 + 60 * v, 235 - 40 * u], axis=-1)
    ground = v > 0.6 + 0.06 * np.sin(9 * u) - 0.15 * u
    picture[ground] = np.stack([70 + 60 * u, 110 - 30 * v, 40 + 20 * u], axis=-1)[ground]
    sun = (u - 0.2) ** 2 * (width / height) ** 2 + (v - 0.22) ** 2 < 0.012
    picture[sun] = [255, 236, 150]
    house = (abs(u - 0.72) < 0.09) & (abs(v - 0.58) < 0.13)
    picture[house] = [170, 60, 50]
    for size in (4, 16, 64):
        rough = random.normal(0, 14, (height // size + 2, width // size + 2))
        grown = np.kron(rough, np.ones((size, size)))[:height, :width]
        picture += (grown * (0.35 + 0.65 * ground))[..., None]
    return np.clip(picture, 0, 255).astype(np.uint8)


def save_jpeg(pixels, path, orientation=None):
    exif = Image.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
    Image.fromarray(np.ascontiguousarray(pixels)).save(path, quality=92, exif=exif)


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    upright = scene(1203, 801, seed=1)
    for orientation, turn in STORED.items():
        save_jpeg(turn(upright), folder / f"turned-{orientation}.jpg", orientation)
    save_jpeg(scene(120, 90, seed=2), folder / "small.jpg")
    save_jpeg(scene(2400, 60, seed=3), folder / "panorama.jpg")
    save_jpeg(scene(901, 1600, seed=4).mean(axis=-1).astype(np.uint8), folder / "grey.jpg")

    photo = scene(1000, 700, seed=5)
    Image.fromarray(photo).save(folder / "photo.png")
    across = np.linspace(0, 255, 1000).astype(np.uint8)
    alpha = np.broadcast_to(across, (700, 1000))
    Image.fromarray(np.dstack([photo, alpha])).save(folder / "faded.png")
    Image.fromarray(photo).quantize(64).save(folder / "palette.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
