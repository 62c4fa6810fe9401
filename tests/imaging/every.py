"""Every input format, drawn, and every output format, judged; by decoders that nobody here wrote.

    every.py make FOLDER    writes sources and prints their names
    every.py shapes FOLDER  the same for pictures of one pixel, one column, one row
    every.py judge          reads a JSON list of {name, source, made, moving} from standard input and
                            prints for each what was found

Outputs are half as large as their sources. The reference is the source, read by Pillow, pillow-heif,
djxl or libvips, and reduced by libvips in linear light and float, by Lanczos3. Nothing is judged
good here: the test says how far apart pictures may be.
"""

import io
import json
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pillow_heif
import pyvips
from PIL import Image, ImageOps, ImageSequence

WIDE, HIGH = 96, 64
pillow_heif.register_heif_opener()


def scene(at=0.0):
    """Soft colours, an edge and a disc that moves; no two channels are alike."""
    x, y = np.meshgrid((np.arange(WIDE) + 0.5) / WIDE, (np.arange(HIGH) + 0.5) / HIGH)
    wave = 30 * np.sin(6 * x + 4 * at) * np.cos(5 * y)
    picture = np.stack([60 + 150 * x + wave, 190 - 120 * y - wave, 70 + 80 * (1 - x) * y + wave], axis=2)
    picture[(x - 0.3 - 0.4 * at) ** 2 * 2 + (y - 0.5) ** 2 < 0.04] = (230, 120, 20)
    picture[(y > 0.8) & (x > 0.6)] = (20, 60, 200)
    return np.clip(picture, 0, 255).round().astype(np.uint8)


def holed(rgb):
    """What is not seen is green, which must not be seen at its edges either."""
    y, x = np.mgrid[0:HIGH, 0:WIDE]
    seen = (x // 24 + y // 16) % 2 == 0
    return np.dstack([np.where(seen[..., None], rgb, (0, 255, 0)), seen * 255]).astype(np.uint8)


RGB, MOVED, LAST = scene(), scene(0.5), scene(1.0)
RGBA = holed(RGB)
TIMES = [100, 200, 150]


def vips(samples, kind="srgb"):
    return pyvips.Image.new_from_array(samples).copy(interpretation=kind)


def checks(name):
    y, x = np.mgrid[0:HIGH, 0:WIDE]
    on = {"checks": (x + y) % 2, "columns": x % 2, "rows": y % 2}[name]
    return np.repeat((on * 255).astype(np.uint8)[..., None], 3, axis=2)


def edge():
    """Opaque red beside green that is not seen; the edge lies within a pixel of the half."""
    picture = np.zeros((HIGH, WIDE, 4), np.uint8)
    picture[:, :, 1] = 255
    picture[:, : WIDE // 2 + 1] = (255, 0, 0, 255)
    return picture


def make(folder):
    folder.mkdir(parents=True, exist_ok=True)
    colours, alpha = Image.fromarray(RGB), Image.fromarray(RGBA)
    moved = [Image.fromarray(MOVED), Image.fromarray(LAST)]
    moving = dict(save_all=True, append_images=moved, duration=TIMES, loop=0)
    put = {}

    def pil(name, image, **options):
        image.save(folder / name, **options)
        put[name] = {}

    def by_vips(name, samples, kind="srgb", **options):
        vips(samples, kind).write_to_file(str(folder / name), **options)
        put[name] = {}

    deep = RGB.astype(np.uint16) * 257
    cmyk = np.dstack([255 - RGB, np.full((HIGH, WIDE), 20, np.uint8)])
    inks = Image.frombytes("CMYK", (WIDE, HIGH), cmyk.tobytes())
    exif = Image.Exif()
    exif[0x0112] = 6
    pil("baseline.jpg", colours, quality=95, subsampling=0)
    pil("progressive.jpg", colours, quality=95, progressive=True)
    pil("grey.jpg", colours.convert("L"), quality=95)
    pil("cmyk.jpg", inks, quality=95)
    pil("turned.jpg", colours, quality=95, subsampling=0, exif=exif)
    pil("plain.png", colours)
    pil("alpha.png", alpha)
    pil("palette.png", colours.quantize(64))
    by_vips("deep.png", deep, "rgb16")
    by_vips("interlaced.png", RGB, interlace=True)
    pil("animated.png", colours, **moving)
    pil("plain.gif", colours.quantize(128))
    pil("alpha.gif", alpha)
    pil("animated.gif", colours, **moving)
    pil("lossy.webp", colours, quality=95)
    pil("lossless.webp", alpha, lossless=True)
    pil("animated.webp", colours, lossless=True, **moving)
    pil("plain.bmp", colours)
    pil("palette.bmp", colours.quantize(64))
    by_vips("strips.tif", RGB, compression="lzw", predictor="horizontal")
    by_vips("tiles.tif", RGB, compression="deflate", tile=True, tile_width=32, tile_height=16)
    by_vips("big.tif", RGBA, bigtiff=True, compression="packbits")
    by_vips("deep.tif", deep, "rgb16", compression="deflate")
    by_vips("cmyk.tif", cmyk, "cmyk")
    by_vips("grey.tif", np.asarray(colours.convert("L")), "b-w")
    pil("plain.avif", colours, quality=95, subsampling="4:4:4")
    pil("alpha.avif", alpha, quality=95)
    pil("animated.avif", colours, quality=95, **moving)
    pil("plain.heic", colours, quality=95)
    for name, image, options in [("plain.jxl", colours, []), ("lossy.jxl", colours, ["-d", "0.5"]), ("alpha.jxl", alpha, [])]:
        with tempfile.NamedTemporaryFile(suffix=".png") as file:
            image.save(file.name)
            command = ["cjxl", file.name, str(folder / name), *(options or ["-d", "0"])]
            subprocess.run(command, check=True, capture_output=True)
        put[name] = {}
    embedded = io.BytesIO()
    colours.save(embedded, "PNG")
    (folder / "drawn.svg").write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDE}" height="{HIGH}">'
        '<defs><linearGradient id="g"><stop stop-color="#204080"/><stop offset="1" stop-color="#e0a020"/>'
        f'</linearGradient></defs><rect width="{WIDE}" height="{HIGH}" fill="url(#g)"/>'
        '<circle cx="30" cy="30" r="20" fill="#c03020"/><path d="M60 8h28v40z" fill="#20a060"/></svg>'
    )
    put["drawn.svg"] = {}
    # Not sources of the table: what a mutant is made of, and what tells light from numbers.
    pil("swapped.png", Image.fromarray(np.ascontiguousarray(RGB[..., ::-1])))
    for name in ("checks", "columns", "rows"):
        pil(f"{name}.png", Image.fromarray(checks(name)))
    pil("edge.png", Image.fromarray(edge()))
    pil("halo.png", Image.fromarray(np.where(edge()[..., 3:] > 0, (128, 128, 128, 255), (0, 255, 0, 0)).astype(np.uint8)))
    return sorted(put)


SHAPES = [(1, 1), (1, 20000), (20000, 1), (1, 16383), (16383, 1)]


def shapes(folder):
    """The least and the longest pictures, in each format that can say so; a ramp along each."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for wide, high in SHAPES:
        ramp = np.linspace(10, 245, wide * high).reshape(high, wide).astype(np.uint8)
        picture = Image.fromarray(np.dstack([ramp, ramp, 255 - ramp]))
        png = folder / f"{wide}x{high}.png"
        for suffix in ("png", "jpg", "gif", "bmp", "webp", "tif", "avif", "heic", "jxl", "svg"):
            path = folder / f"{wide}x{high}.{suffix}"
            if max(wide, high) == 16383 and suffix not in ("png", "webp"):
                continue  # the most that a WebP can say
            try:
                if suffix == "jxl":
                    subprocess.run(["cjxl", str(png), str(path), "-e", "1"], check=True, capture_output=True)
                elif suffix == "svg":
                    path.write_text(
                        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="{high}">'
                        f'<rect width="{wide}" height="{high}" fill="#6080a0"/></svg>'
                    )
                elif suffix in ("avif", "heic"):
                    picture.save(path, quality=60, **({"speed": 10} if suffix == "avif" else {}))
                else:
                    picture.save(path)
                made.append(path.name)
            except (OSError, ValueError, RuntimeError, subprocess.CalledProcessError):
                path.unlink(missing_ok=True)  # the format, or its only encoder, cannot hold it
    return made


def read(path):
    """All pictures of a file as straight RGBA in floats, 0-255, and how long each is shown."""
    if path.suffix == ".jxl":
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "out.png"
            subprocess.run(["djxl", str(path), str(out)], check=True, capture_output=True)
            return read(out)
    if path.suffix == ".svg" or path.name.startswith("deep."):
        image = pyvips.Image.new_from_file(str(path))
        if image.interpretation == "rgb16":
            image = image.cast("float") / 257
        return [rgba(image.numpy().astype(float))], [0]
    with Image.open(path) as image:
        if image.mode == "CMYK":
            inks = 255 - np.asarray(image).astype(float)
            return [rgba(inks[:, :, :3] * inks[:, :, 3:] / 255)], [0]
        image.load()
        pictures, times = [], []
        for frame in ImageSequence.Iterator(image):
            frame.load()
            times.append(frame.info.get("duration", 0))
            pictures.append(np.asarray(ImageOps.exif_transpose(frame).convert("RGBA")).astype(float))
        return pictures, times


def rgba(samples):
    if samples.ndim == 2:
        samples = samples[..., None]
    if samples.shape[2] == 1:
        samples = np.repeat(samples, 3, axis=2)
    if samples.shape[2] == 3:
        samples = np.dstack([samples, np.full(samples.shape[:2], 255.0)])
    return samples


def light(values):
    v = values / 255
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def shown(linear):
    linear = np.clip(linear, 0, 1)
    return 255 * np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)


def reduced(picture):
    """Half as large: premultiplied light, so that nothing which is not seen counts."""
    alpha = picture[:, :, 3:] / 255
    linear = np.dstack([light(picture[:, :, :3]) * alpha, alpha]).astype(np.float32)
    small = pyvips.Image.new_from_array(linear).resize(0.5, kernel="lanczos3", gap=0).numpy()
    # Beside what is not seen alpha overshoots with the colour, which must not become lighter by it.
    small[:, :, :3] /= np.maximum(small[:, :, 3:], 1)
    return np.clip(small, 0, 1)


def on(linear, paper):
    """Light on paper of this light, as people see it."""
    return shown(linear[:, :, :3] + paper * (1 - linear[:, :, 3:]))


def premultiplied(picture):
    alpha = picture[:, :, 3:] / 255
    return np.dstack([light(picture[:, :, :3]) * alpha, alpha])


def distance(ours, wanted, papers):
    return max(float(np.abs(on(ours, p) - on(wanted, p)).mean()) for p in papers)


CACHE = {}


def reference(path):
    if path not in CACHE:
        pictures, times = read(Path(path))
        CACHE[path] = [reduced(picture) for picture in pictures], times
    return CACHE[path]


def judged(task):
    made = Path(task["made"])
    wanted, times = reference(task["source"])
    ours, shown_for = read(made)
    with Image.open(made) as image:
        found = {"format": image.format, "mode": image.mode}
    count = len(wanted) if task["moving"] else 1
    small = [premultiplied(picture) for picture in ours]
    found |= {"name": task["name"], "size": list(ours[0].shape[1::-1]), "pictures": len(ours)}
    found |= {"wanted": count, "times": shown_for if count > 1 else [], "wanted_times": times if count > 1 else []}
    papers = [1.0] if made.suffix == ".jpeg" else [0.0, 1.0]
    same = all(a.shape == b.shape for a, b in zip(small, wanted))
    found["apart"] = max(distance(a, b, papers) for a, b in zip(small, wanted)) if same else 255.0
    # libvips is a second opinion; it reads neither our source nor Pillow's mind.
    again = pyvips.Image.new_from_file(str(made))
    again = rgba(again.numpy().astype(float)) if again.bands != 2 else rgba(again.colourspace("srgb").numpy().astype(float))
    found["opinions"] = distance(premultiplied(again), small[0], papers) if again.shape == ours[0].shape else 255.0
    # Of patterns and edges.
    middle = ours[0][8:-8, 8:-8, :3]
    found |= {"least": middle.min(), "most": middle.max()}
    seen = ours[0][ours[0][:, :, 3] >= 32]
    found |= {"red": seen[:, 0].min() if len(seen) else 0, "green": seen[:, 1].max() if len(seen) else 0}
    found |= {"lightest": seen[:, :3].max() if len(seen) else 0, "darkest": seen[:, :3].min() if len(seen) else 0}
    found["clear"] = int((ours[0][:, :, 3] < 32).sum())
    return found


if __name__ == "__main__":
    if sys.argv[1] in ("make", "shapes"):
        json.dump({"make": make, "shapes": shapes}[sys.argv[1]](Path(sys.argv[2])), sys.stdout)
    else:
        json.dump([judged(task) for task in json.load(sys.stdin)], sys.stdout, default=float)
