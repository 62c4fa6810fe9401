"""Draws sources and makes, with libvips alone, what Darkroom should make of them.

    make.py FOLDER

Writes sources, references and FOLDER/cases.json: for each case the source, the presets, and the
reference with its tolerances in CIEDE2000. Everything is resized in linear light, in float, by
Lanczos3, because that is what is right and what Darkroom says it does.
"""

import json
import math
import sys
import zlib
from pathlib import Path

import icc
import numpy as np
import pyvips

OUT = Path(sys.argv[1])
WIDE, HIGH = 240, 160


def drawn():
    """Soft shapes, hard edges and a little grain: each thing that a resize can spoil."""
    x, y = np.meshgrid(np.arange(WIDE) / WIDE, np.arange(HIGH) / HIGH)
    rng = np.random.default_rng(7)
    wave = np.sin(x * 9) * np.cos(y * 7) * 40
    picture = np.stack([220 * x + wave, 190 * y + 30 - wave, 120 + 90 * (x - y) + wave], axis=2)
    picture[30:70, 150:210] = (230, 40, 30)
    picture[90:130, 30:60] = (250, 240, 60)
    picture[90:130, 70:72] = (10, 10, 10)
    picture += rng.normal(0, 3, picture.shape)
    return np.clip(picture, 0, 255)


def image(samples, kind="srgb"):
    return pyvips.Image.new_from_array(samples.astype(np.uint8)).copy(interpretation=kind)


def light(rgb):
    """Float light, alpha last and colours multiplied by it."""
    alpha = rgb[3].cast("float") / 255 if rgb.bands == 4 else None
    colour = rgb[:3] if rgb.bands >= 3 else rgb[0].bandjoin([rgb[0], rgb[0]])
    linear = colour.copy(interpretation="srgb").colourspace("scrgb")
    return linear if alpha is None else (linear * alpha).bandjoin(alpha)


def shown(linear):
    """8-bit sRGB of float light."""
    if linear.bands == 3:
        return linear.copy(interpretation="scrgb").colourspace("srgb").cast("uchar")
    alpha = linear[3]
    safe = (alpha > 1e-6).ifthenelse(alpha, 1)
    colour = (linear[:3] / safe).copy(interpretation="scrgb").colourspace("srgb")
    seen = (alpha * 255 + 0.5).floor().cast("uchar")
    return colour.cast("uchar").bandjoin(seen)


def resized(linear, width, height):
    return linear.resize(width / linear.width, vscale=height / linear.height, kernel="lanczos3", gap=0)


def turned(linear, degrees, background):
    """Turned around its middle onto a canvas that holds it all."""
    angle = math.radians(degrees)
    sine, cosine = math.sin(angle), math.cos(angle)
    wide, high = linear.width, linear.height
    columns = math.ceil(abs(wide * cosine) + abs(high * sine) - 1e-6)
    rows = math.ceil(abs(wide * sine) + abs(high * cosine) - 1e-6)
    return linear.affine(
        [cosine, -sine, sine, cosine],
        interpolate=pyvips.Interpolate.new("bicubic"),
        idx=-(wide - 1) / 2,
        idy=-(high - 1) / 2,
        odx=(columns - 1) / 2,
        ody=(rows - 1) / 2,
        oarea=[0, 0, columns, rows],
        extend="background",
        background=background,
    )


CASES = []


def case(name, source, preset, reference, mean=1.0, most=6.0, fmt="png"):
    path = OUT / f"{name}.reference.png"
    reference.pngsave(str(path))
    presets = f'[variants.a]\nformats = ["{fmt}"]\n{preset}\n'
    CASES.append(
        dict(name=name, source=source, presets=presets, reference=path.name, mean=mean, most=most)
    )


def linear_colour(text):
    rgb = [int(text[i : i + 2], 16) for i in (1, 3, 5)]
    pixel = image(np.array([[rgb]]))
    return list(light(pixel)(0, 0))


def fits(scene):
    linear = light(scene)
    small = lambda *size: shown(resized(linear, *size))
    box = lambda w, h: f"width = {w}\nheight = {h}"
    case("inside", "scene.png", box(100, 100), small(100, 67))
    case("contain", "scene.png", 'fit = "contain"\n' + box(100, 100), small(100, 67))
    case("one-side", "scene.png", "height = 64", small(96, 64))
    case("fill", "scene.png", 'fit = "fill"\n' + box(60, 90), small(60, 90))
    half = resized(linear, 120, 80)
    cut = lambda left: shown(half.crop(left, 0, 80, 80))
    cover = 'fit = "cover"\n' + box(80, 80)
    case("cover", "scene.png", cover, cut(20))
    case("cover-west", "scene.png", cover + '\ngravity = "west"', cut(0))
    case("cover-north-east", "scene.png", cover + '\ngravity = "north-east"', cut(40))
    case("cover-point", "scene.png", cover + "\ngravity = { x = 0.4, y = 0.5 }", cut(8))
    paper = linear_colour("#336699")
    padded = lambda at: shown(half.embed(0, at, 120, 120, extend="background", background=paper))
    pad = 'fit = "pad"\nbackground = "#336699"\n' + box(120, 120)
    case("pad", "scene.png", pad, padded(20))
    case("pad-south", "scene.png", pad + '\ngravity = "south"', padded(40))
    case("never-larger", "scene.png", box(480, 480), scene, most=1.0)
    # libvips enlarges by cubic convolution, which rings less beside hard edges than Lanczos does.
    case("enlarge", "scene.png", "enlarge = true\n" + box(480, 480), small(480, 320), most=40.0)
    crop = "crop = { x = 0.25, y = 0.25, width = 0.5, height = 0.5 }\n"
    part = linear.crop(60, 40, 120, 80)
    case("crop", "scene.png", crop + box(60, 60), shown(resized(part, 60, 40)))
    case("crop-only", "scene.png", crop + box(120, 120), scene.crop(60, 40, 120, 80), most=1.0)
    case("flip", "scene.png", "flip = true\n" + box(120, 120), shown(half.flip("vertical")))
    case("flop", "scene.png", "flop = true\n" + box(120, 120), shown(half.flip("horizontal")))
    case("rotate-90", "scene.png", "rotate = 90\n" + box(120, 120), shown(half.rot90()))
    case("rotate-180", "scene.png", "rotate = -180\n" + box(120, 120), shown(half.rot180()))
    case("rotate-270", "scene.png", "rotate = 270\n" + box(120, 120), shown(half.rot270()))
    for degrees in (30, -17.5):
        whole = turned(linear, degrees, paper)
        name = f"rotate-{degrees}".replace("--", "-minus-").replace(".", "-")
        preset = f'rotate = {degrees}\nbackground = "#336699"\n' + box(300, 300)
        # Along the edges of the picture the two round the background in differently.
        case(name, "scene.png", preset, shown(whole), most=25.0)
    framed = scene.embed(17, 23, WIDE + 40, HIGH + 40, extend="background", background=[255] * 3)
    framed.pngsave(str(OUT / "framed.png"))
    case("trim", "framed.png", "trim = 0.02\n" + box(120, 120), small(120, 80))


def depths(samples):
    wide = pyvips.Image.new_from_array((samples * 257).astype(np.uint16)).copy(interpretation="rgb16")
    wide.pngsave(str(OUT / "sixteen.png"))
    linear = wide.colourspace("scrgb")
    case("sixteen-bits", "sixteen.png", "width = 100", shown(resized(linear, 100, 67)))
    grey = image(samples.mean(axis=2), "b-w")
    grey.pngsave(str(OUT / "grey.png"))
    case("grey", "grey.png", "width = 100", shown(resized(light(grey), 100, 67))[0])


def alphas():
    """A disc with a soft edge; what is not seen is of a loud colour, which must not be seen."""
    x, y = np.meshgrid(np.arange(WIDE), np.arange(HIGH))
    away = np.hypot(x - 120, y - 80)
    alpha = np.clip((60 - away) * 85 + 128, 0, 255)
    colour = np.where((alpha > 0)[..., None], [200, 60, 40], [0, 255, 0])
    disc = image(np.dstack([colour, alpha]))
    disc.pngsave(str(OUT / "disc.png"))
    small = shown(resized(light(disc), 60, 40))
    case("alpha-edge", "disc.png", "width = 60", small)
    laid = resized(light(disc), 60, 40)
    white = laid[:3] + (1 - laid[3])
    case("alpha-on-white", "disc.png", "width = 60\nquality = 100", shown(white), fmt="jpeg", most=10.0)


def patterns():
    x, y = np.meshgrid(np.arange(WIDE), np.arange(HIGH))
    checks = np.where((x + y) % 2 == 0, 255, 0)
    image(checks, "b-w").pngsave(str(OUT / "checks.png"))
    even = pyvips.Image.black(60, 40) + 188
    case("checks", "checks.png", "width = 60", even.cast("uchar"), mean=0.3, most=1.5)


def orientations(scene):
    """What is stored is turned so that each number's turning shows the scene."""
    stored = {
        1: scene,
        2: scene.flip("horizontal"),
        3: scene.rot180(),
        4: scene.flip("vertical"),
        5: scene.rot90().flip("horizontal"),
        6: scene.rot270(),
        7: scene.rot270().flip("horizontal"),
        8: scene.rot90(),
    }
    reference = shown(resized(light(scene), 60, 40))
    for number, picture in stored.items():
        picture = picture.copy()
        picture.set_type(pyvips.GValue.gint_type, "orientation", number)
        for suffix, options in [
            ("jpg", dict(Q=97, subsample_mode="off")),
            ("png", {}),
            ("webp", dict(lossless=True)),
            ("tif", {}),
        ]:
            name = f"turned-{number}.{suffix}"
            picture.write_to_file(str(OUT / name), **options)
            case(f"turned-{number}-{suffix}", name, "width = 60\nheight = 60", reference)


def profiles(scene, samples):
    """Colours that were converted from sRGB have to come back."""
    adobe = kept("adobe-rgb", icc.adobe_rgb())
    for name, profile, suffix, options in [
        ("p3", "p3", "png", {}),
        ("p3-webp", "p3", "webp", dict(lossless=True)),
        ("cmyk", "cmyk", "jpg", dict(Q=97)),
        ("cmyk-tiff", "cmyk", "tif", {}),
        ("adobe-rgb", adobe, "jpg", dict(Q=97, subsample_mode="off")),
    ]:
        converted = scene.icc_transform(profile, input_profile="srgb", intent="relative")
        converted.write_to_file(str(OUT / f"{name}.{suffix}"), profile=profile, **options)
        coloured(name, f"{name}.{suffix}")
    # Numbers as they are, in colours that only their profile tells; dark ones, where a gamma of 2.2 is
    # far from sRGB's curve.
    grey = image(samples.mean(axis=2) / 4, "b-w")
    grey.pngsave(str(OUT / "grey-gamma.png"), profile=kept("grey-gamma", icc.grey()))
    coloured("grey-gamma", "grey-gamma.png")
    scene.pngsave(str(OUT / "table.png"), profile=kept("table", icc.table()))
    coloured("table", "table.png")


def kept(name, profile):
    path = OUT / f"{name}.icc"
    path.write_bytes(profile)
    return str(path)


def coloured(name, source):
    """What lcms makes of a file's own profile. Gamut and JPEG's loss are in the reference as well: it is
    made from the same file."""
    stored = pyvips.Image.new_from_file(str(OUT / source))
    back = stored.icc_transform("srgb", embedded=True, intent="relative")
    case(name, source, "width = 60", shown(resized(light(back), 60, 40)), most=8.0)


# ITU-R BT.2087: light with the primaries of BT.709 in those of BT.2020.
WIDE_GAMUT = np.array(
    [[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]]
)
WHITE, PEAK = 203.0, 1000.0


def pq(light):
    """SMPTE ST 2084: the value of cd/m²."""
    root = np.power(np.maximum(light, 0) / 10_000, 2610 / 16384)
    return np.power((3424 / 4096 + 2413 / 128 * root) / (1 + 2392 / 128 * root), 2523 / 32)


def from_pq(value):
    root = np.power(value, 32 / 2523)
    above = np.maximum(root - 3424 / 4096, 0)
    return 10_000 * np.power(above / (2413 / 128 - 2392 / 128 * root), 16384 / 2610)


def hlg(scene):
    """ITU-R BT.2100, table 5: the value of a scene's light, 0 to 1."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    curve = a * np.log(np.maximum(12 * scene - b, 1e-9)) + c
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), curve)


def rolled_off(light):
    """ITU-R BT.2390, 5.4.1: up to PEAK brought below WHITE, which is 1."""
    whole, most = pq(PEAK), pq(WHITE) / pq(PEAK)
    knee = 1.5 * most - 0.5
    value = np.minimum(pq(light) / whole, 1)
    t = np.maximum(value - knee, 0) / (1 - knee)
    bent = (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee)
    bent += (-2 * t**3 + 3 * t**2) * most
    return from_pq(np.where(value < knee, value, bent) * whole) / WHITE


def bright(samples):
    """Coded in PQ and HLG (H.273 in PNG's cICP), as the recommendations have it, in float."""
    colours = light(image(samples)).numpy().astype(np.float64) @ WIDE_GAMUT.T
    luminance = (colours @ [0.2627, 0.6780, 0.0593])[..., None]
    kinds = {
        "pq": (16, pq(colours * 900), colours * 900),
        "hlg": (18, hlg(colours), colours * np.power(np.maximum(luminance, 1e-6), 0.2) * PEAK),
    }
    for name, (transfer, values, nits) in kinds.items():
        words = np.clip(values * 65535 + 0.5, 0, 65535).astype(np.uint16)
        file = pyvips.Image.new_from_array(words).copy(interpretation="rgb16").pngsave_buffer()
        # Length, type, primaries of BT.2020, transfer, no matrix, full range, checksum.
        body = b"cICP" + bytes([9, transfer, 0, 1])
        chunk = (4).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")
        (OUT / f"{name}.png").write_bytes(file[:33] + chunk + file[33:])
        brightest = np.maximum(nits.max(axis=2, keepdims=True), 1e-3)
        mapped = (nits * rolled_off(brightest) / brightest) @ np.linalg.inv(WIDE_GAMUT).T
        reference = shown(pyvips.Image.new_from_array(np.clip(mapped, 0, 1).astype(np.float32)))
        case(name, f"{name}.png", f"width = {WIDE}", reference, most=3.0)
    # Paper white is nearly white, and what is dark stays as it was.
    assert 0.75 < float(rolled_off(np.float64(WHITE))) < 0.85
    assert abs(float(rolled_off(np.float64(10.0))) * WHITE - 10) < 1e-6


def mutants(scene):
    """What a pipeline would make that averages sRGB's numbers as if they were light."""
    gamma = scene.cast("float").resize(60 / WIDE, vscale=40 / HIGH, kernel="lanczos3", gap=0)
    checks = pyvips.Image.new_from_file(str(OUT / "checks.png")).cast("float")
    gamma_checks = checks.resize(60 / WIDE, vscale=40 / HIGH, kernel="lanczos3", gap=0)
    (gamma + 0.5).floor().cast("uchar").pngsave(str(OUT / "gamma-scene.png"))
    (gamma_checks + 0.5).floor().cast("uchar").pngsave(str(OUT / "gamma-checks.png"))


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    samples = drawn()
    scene = image(samples)
    scene.pngsave(str(OUT / "scene.png"))
    fits(scene)
    depths(samples)
    alphas()
    patterns()
    orientations(scene)
    profiles(scene, samples)
    bright(samples)
    mutants(scene)
    (OUT / "cases.json").write_text(json.dumps(CASES, indent=1))


main()
