"""Packs functions for Lambda: `zip.py FOLDER NAME…` makes FOLDER/NAME.zip, with FOLDER/NAME as its bootstrap.

The same binary gives the same bytes: the one entry has a fixed date, and nothing of this machine is in it.
"""

import sys
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

folder, names = Path(sys.argv[1]), sys.argv[2:]
for name in names:
    entry = ZipInfo("bootstrap", date_time=(2020, 1, 1, 0, 0, 0))
    entry.compress_type = ZIP_DEFLATED
    entry.create_system = 3  # Unix, so that what follows is read as a mode
    entry.external_attr = 0o100755 << 16
    code = (folder / name).read_bytes()
    archive = folder / f"{name}.zip"
    with ZipFile(archive, "w") as packed:
        packed.writestr(entry, code, compresslevel=9)
    print(f"{archive}: {archive.stat().st_size} bytes, of {len(code)}")
