"""ICC profiles put together by the specification (ICC.1:2001-04, version 2), of published numbers, so
that they are the same wherever the tests run."""

import struct

import numpy as np

# XYZ of the connection space's white, D50, and of daylight, D65.
WHITE = np.array([0.9642, 1.0, 0.8249])
DAYLIGHT = np.array([0.95047, 1.0, 1.08883])
# Cone responses by Bradford.
CONES = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
SRGB = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
# Adobe RGB (1998) Color Image Encoding, 4.3.1: primaries under D65, and the gamma, 563/256.
ADOBE = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06))
GAMMA = 563


def primaries(corners):
    """Light of red, green and blue to XYZ under D50; the corners are x and y under D65."""
    columns = np.array([[x / y, 1, (1 - x - y) / y] for x, y in corners]).T
    matrix = columns * np.linalg.solve(columns, DAYLIGHT)
    adapted = np.diag((CONES @ WHITE) / (CONES @ DAYLIGHT))
    return np.linalg.inv(CONES) @ adapted @ CONES @ matrix


def fixed(values):
    """s15Fixed16 numbers."""
    return b"".join(struct.pack(">i", round(float(value) * 65536)) for value in values)


def place(values):
    """XYZType."""
    return b"XYZ " + bytes(4) + fixed(values)


def curve(gamma):
    """curveType of one u8Fixed8 number, a gamma."""
    return b"curv" + bytes(4) + struct.pack(">IH", 1, gamma)


def words(values):
    return np.clip(np.asarray(values) + 0.5, 0, 65535).astype(">u2").tobytes()


def profile(space, connection, tags):
    """The header, the table of tags and what they hold; for a display, relative to D50."""
    name = b"a test of Darkroom\0"
    described = b"desc" + bytes(4) + struct.pack(">I", len(name)) + name + bytes(78)
    tags = {b"desc": described, b"cprt": b"text" + bytes(4) + b"none\0", b"wtpt": place(WHITE), **tags}
    table, body, at = b"", b"", 128 + 4 + 12 * len(tags)
    for tag, data in tags.items():
        table += tag + struct.pack(">II", at + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    head = struct.pack(">I4sI4s4s4s", at + len(body), b"none", 0x02400000, b"mntr", space, connection)
    head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + fixed(WHITE) + bytes(48)
    return head + struct.pack(">I", len(tags)) + table + body


def adobe_rgb():
    """A matrix and one gamma."""
    colours = zip((b"rXYZ", b"gXYZ", b"bXYZ"), primaries(ADOBE).T)
    tags = {tag: place(xyz) for tag, xyz in colours}
    return profile(b"RGB ", b"XYZ ", {**tags, **{c: curve(GAMMA) for c in (b"rTRC", b"gTRC", b"bTRC")}})


def grey():
    """One gamma, another than sRGB's curve."""
    return profile(b"GRAY", b"XYZ ", {b"kTRC": curve(GAMMA)})


def table():
    """Red, green and blue by a table to Lab (6.5.8: `mft2`), with curves in front. They stand for green,
    blue and red of sRGB's primaries, so that a picture whose profile is ignored has other colours."""
    steps, inputs = 17, np.linspace(0, 1, 256)
    red, green, blue = np.meshgrid(*[np.linspace(0, 1, steps)] * 3, indexing="ij")
    light = np.stack([blue, red, green], axis=-1) ** 2
    xyz = light @ primaries(SRGB).T / WHITE
    root = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    x, y, z = np.moveaxis(root, -1, 0)
    lab = [(116 * y - 16) * 652.8, (500 * (x - y) + 128) * 256, (200 * (y - z) + 128) * 256]
    data = b"mft2" + bytes(4) + bytes([3, 3, steps, 0]) + fixed(np.eye(3).ravel())
    data += struct.pack(">HH", len(inputs), 2) + words(65535 * inputs**1.1) * 3
    data += words(np.stack(lab, axis=-1).ravel()) + words([0, 65535]) * 3
    return profile(b"RGB ", b"Lab ", {b"A2B0": data})
