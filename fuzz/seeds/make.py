"""Makes the profiles beside this file: lcms writes what lcms has, and one of four inks with a table is
put together by hand, since no small one is free. Run by hand: `.venv/bin/python fuzz/seeds/make.py`."""

import pathlib
import struct

from PIL import ImageCms

HERE = pathlib.Path(__file__).parent


def inks():
    """CMYK by a table of two steps an ink (ICC.1:2001-04, 6.5.7: `mft1`), to Lab."""
    points = []
    for index in range(16):
        c, m, y, k = (index >> shift & 1 for shift in (3, 2, 1, 0))
        light = 255 * (1 - k) * (3 - c - m - y) // 3
        points += [light, 128 + 40 * (m - c), 128 + 40 * (y - (c + m) // 2)]
    table = b"mft1" + bytes(4) + bytes([4, 3, 2, 0])
    table += b"".join(struct.pack(">i", 65536 * (i % 4 == 0)) for i in range(9))
    table += bytes(range(256)) * 4 + bytes(points) + bytes(range(256)) * 3
    white = b"XYZ " + bytes(4) + struct.pack(">iii", 63190, 65536, 54061)
    tags, body, at = b"", b"", 128 + 4 + 12 * 2
    for name, data in ((b"A2B0", table), (b"wtpt", white)):
        data += bytes(-len(data) % 4)
        tags += name + struct.pack(">II", at + len(body), len(data))
        body += data
    head = struct.pack(">I4sI4s4s4s", at + len(body), b"none", 0x02100000, b"prtr", b"CMYK", b"Lab ")
    head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28)
    head += struct.pack(">iii", 63190, 65536, 54061) + bytes(48)
    return head + struct.pack(">I", 2) + tags + body


for name in ("sRGB", "LAB", "XYZ"):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile(name))
    (HERE / f"{name.lower()}.icc").write_bytes(profile.tobytes())
(HERE / "inks.icc").write_bytes(inks())
ImageCms.ImageCmsProfile(str(HERE / "inks.icc"))
