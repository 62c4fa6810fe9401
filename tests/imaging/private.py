"""Writes pictures that say where they were taken: `private.py FOLDER`. exiftool puts in what cameras
and programs put in; what it cannot write is put in by Pillow and by hand. Prints for each file what it
holds, as a JSON object."""

import json
import shutil
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pyvips
from PIL import Image, TiffImagePlugin

FIXTURES = Path(__file__).parent / "fixtures"
MARKER = "wHeReIwAs-7731"
LATITUDE, LONGITUDE, SCALE = 473769013, 85417937, 10000000

XMP = [f"-XMP-exif:GPSLatitude={LATITUDE / SCALE}", f"-XMP-exif:GPSLongitude={LONGITUDE / SCALE}",
       f"-XMP-dc:Description={MARKER}"]
# Of every container, what exiftool writes; the EXIF block is made below.
BY_EXIFTOOL = ["progressive.jpg", "cmyk.jpg", "plain.png", "animated.png", "lossy.webp", "lossless.webp",
               "animated.webp", "plain.avif", "plain.heic", "plain.jxl"]


def directory(entries, at):
    """A TIFF directory at a place of the file, its values behind it."""
    head, tail, behind = struct.pack("<H", len(entries)), b"", at + 2 + 12 * len(entries) + 4
    for tag, kind, count, data in entries:
        value = data.ljust(4, b"\0")
        if len(data) > 4:
            value = struct.pack("<I", behind + len(tail))
            tail += data + bytes(len(data) % 2)
        head += struct.pack("<HHI", tag, kind, count) + value
    return head + bytes(4) + tail


def block():
    """EXIF with a position, texts, and notes as Canon's cameras write them."""
    marker = MARKER.encode() + b"\0"
    text = lambda tag: (tag, 2, len(marker), marker)
    degrees = lambda value: struct.pack("<6I", value, SCALE, 0, 1, 0, 1)
    comment = b"ASCII\0\0\0" + marker

    def exif(at):
        notes = directory([text(6), text(9)], at + 2 + 24 + 4)
        return directory([(0x927C, 7, len(notes), notes), (0x9286, 7, len(comment), comment)], at)

    def gps(at):
        return directory([(1, 2, 2, b"N\0"), (2, 5, 3, degrees(LATITUDE)), (3, 2, 2, b"E\0"),
                          (4, 5, 3, degrees(LONGITUDE))], at)

    def first(*places):
        pointers = [(tag, 4, 1, struct.pack("<I", place)) for tag, place in zip((0x8769, 0x8825), places)]
        return directory([text(0x10E), (0x10F, 2, 6, b"Canon\0"), text(0x13B), *pointers], 8)

    at = 8 + len(first(0, 0))
    behind = at + len(exif(at))
    return b"II*\0\x08\0\0\0" + first(at, behind) + exif(at) + gps(behind)


def exiftool(*arguments):
    subprocess.run(["exiftool", "-config", "", "-m", "-q", "-q", "-overwrite_original", *map(str, arguments)], check=True)


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def main(folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    exif, p3 = folder.parent / "block.tif", folder.parent / "p3.icc"
    exif.write_bytes(block())
    p3.write_bytes(bytes(pyvips.Operation.call("profile_load", "p3")))
    holds = {}
    for name in [*BY_EXIFTOOL, "none.tif", "plain.gif", "animated.gif"]:
        shutil.copy(FIXTURES / name, folder / name)
    everything = ["exif", "gps", "maker", "xmp", "bytes"]
    exiftool(f"-EXIF<={exif}", *XMP, *[folder / name for name in BY_EXIFTOOL])
    exiftool("-tagsfromfile", exif, "-all:all", "-makernotes", *XMP, folder / "none.tif")
    exiftool(*XMP, f"-Comment={MARKER}", folder / "plain.gif", folder / "animated.gif")
    holds |= {name: everything for name in [*BY_EXIFTOOL, "none.tif"]}
    holds |= {name: ["xmp", "gps", "bytes"] for name in ("plain.gif", "animated.gif")}
    # With a profile, so that `color = "keep"` has one to keep.
    for name in ("progressive.jpg", "plain.png", "lossy.webp", "none.tif"):
        wide = folder / f"p3-{name}"
        shutil.copy(folder / name, wide)
        exiftool(f"-ICC_Profile<={p3}", wide)
        holds[wide.name] = everything
    # IPTC, as newspapers have it.
    shutil.copy(FIXTURES / "progressive.jpg", folder / "iptc.jpg")
    exiftool(f"-IPTC:Caption-Abstract={MARKER}", f"-IPTC:City={MARKER}", folder / "iptc.jpg")
    holds["iptc.jpg"] = ["iptc", "bytes"]
    # ImageMagick's way of PNG: hexadecimal text, here compressed; and texts of its own.
    png = (FIXTURES / "plain.png").read_bytes()
    profile = b"Exif\0\0" + block()
    raw = f"\nexif\n{len(profile):8}\n{profile.hex()}\n".encode()
    text = chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(raw)) + chunk(b"tEXt", b"Comment\0" + MARKER.encode())
    (folder / "raw-profile.png").write_bytes(png[:33] + text + png[33:])
    holds["raw-profile.png"] = ["exif", "gps", "maker", "bytes"]
    # BigTIFF, which exiftool reads only.
    info = TiffImagePlugin.ImageFileDirectory_v2()
    packet = subprocess.run(["exiftool", "-config", "", "-b", "-XMP", folder / "plain.png"], check=True, capture_output=True)
    info.tagtype[700], info[700], info[270] = 7, packet.stdout, MARKER
    Image.open(FIXTURES / "plain.png").save(folder / "big.tif", big_tiff=True, tiffinfo=info)
    holds["big.tif"] = ["xmp", "gps", "bytes"]
    svg = (FIXTURES / "plain.svg").read_text()
    inside = f"<title>{MARKER}</title><desc>{LATITUDE / SCALE} {LONGITUDE / SCALE}</desc><metadata>{packet.stdout.decode()}</metadata>"
    at = svg.index(">", svg.index("<svg")) + 1
    (folder / "drawn.svg").write_text(svg[:at] + inside + svg[at:])
    holds["drawn.svg"] = ["xmp", "gps", "bytes"]
    # A bitmap holds nothing of the kind, but bytes can stand behind its pixels.
    (folder / "behind.bmp").write_bytes((FIXTURES / "alpha.bmp").read_bytes() + block())
    holds["behind.bmp"] = ["bytes"]
    json.dump(holds, sys.stdout)


main(Path(sys.argv[1]))
