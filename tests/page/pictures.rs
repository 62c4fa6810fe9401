//! What visitors of the page bring along.

use std::{fs, path::Path};

use crate::pipeline::draw::{self, Tag};

/// Draws all pictures that the scripts name.
pub(super) fn draw(folder: &Path) {
    fs::create_dir(folder).unwrap();
    let write = |name: &str, bytes: Vec<u8>| fs::write(folder.join(name), bytes).unwrap();
    write("landscape.jpg", draw::with_exif(&draw::jpeg(1500, 1000, 1), &camera()));
    write("portrait.jpg", draw::jpeg(600, 900, 2));
    write("second.jpg", draw::jpeg(400, 300, 3));
    write("third.jpg", draw::jpeg(400, 300, 4));
    write("clear.png", draw::png(300, 200));
    for seed in 0..12 {
        write(&format!("many-{seed}.jpg"), draw::jpeg(240, 180, 10 + seed));
    }
    write("notes.txt", b"These are notes, and no picture.\n".to_vec());
}

/// What a camera says: read by `detail.mjs`.
fn camera() -> Vec<u8> {
    draw::tiff(
        &[(0x010f, Tag::Text(b"Lumen\0")), (0x0110, Tag::Text(b"Lumen One\0"))],
        &[
            (0x829a, Tag::Fraction(vec![(1, 125)])),
            (0x829d, Tag::Fraction(vec![(19, 10)])),
            (0x8827, Tag::Short(vec![100])),
            (0x9003, Tag::Text(b"2026:06:21 05:12:30\0")),
            (0x9011, Tag::Text(b"+02:00\0")),
            (0x920a, Tag::Fraction(vec![(42, 10)])),
        ],
        &[
            (1, Tag::Text(b"N\0")),
            (2, Tag::Fraction(vec![(60, 1), (8, 1), (4814, 100)])),
            (3, Tag::Text(b"E\0")),
            (4, Tag::Fraction(vec![(24, 1), (54, 1), (2438, 100)])),
        ],
    )
}
