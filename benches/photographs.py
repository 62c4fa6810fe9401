"""Makes the photographs that the benchmark uploads: 1632×1224, two megapixels, JPEG at quality 92.

usage: photographs.py FOLDER COUNT

They are windows of the photographs of DARKROOM_CORPUS (folders bench and camera), each at another
place, so that no two are alike; without a corpus they are drawn by tests/oracle/draw.py, which is
easier on encoders: the table says which it was.
"""

import os
import sys
from pathlib import Path

import pyvips

WIDTH, HEIGHT = 1632, 1224


def windows(corpus):
    """Photographs that are large enough, upright, without end: at each round further to the right."""
    sources = []
    for path in sorted([*(corpus / "bench").glob("*.jpg"), *(corpus / "camera").glob("*.jpg")]):
        image = pyvips.Image.new_from_file(str(path), access="random").autorot()
        if image.width >= WIDTH and image.height >= HEIGHT:
            sources.append(image.copy_memory())
    if not sources:
        raise SystemExit(f"no photograph in {corpus} has {WIDTH}×{HEIGHT} pixels")
    place = 0
    while True:
        for image in sources:
            across, down = image.width - WIDTH, image.height - HEIGHT
            yield image.crop(place * 331 % (across + 1), place * 211 % (down + 1), WIDTH, HEIGHT)
        place += 1


def drawn():
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "oracle"))
    from draw import scene

    seed = 0
    while True:
        yield pyvips.Image.new_from_array(scene(WIDTH, HEIGHT, seed))
        seed += 1


def photographs():
    """Pictures without end, and of what kind they are."""
    corpus = os.environ.get("DARKROOM_CORPUS")
    if corpus:
        return windows(Path(corpus)), "windows of the corpus's photographs"
    return drawn(), "drawn scenes"


def main(folder, count):
    pictures, kind = photographs()
    total = 0
    for number, picture in zip(range(count), pictures):
        path = folder / f"{number:03}.jpg"
        picture.jpegsave(str(path), Q=92, keep="none")
        total += path.stat().st_size
    print(f"{count} {kind}, {WIDTH}×{HEIGHT}, JPEG quality 92, {total // count // 1000} kB each")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
