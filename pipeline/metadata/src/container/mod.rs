//! Finding what a file says of itself, without reading its pixels: a file for each container.
//!
//! Every reader is total: whatever the bytes are, it answers with what was found until they made no
//! sense, after a bounded number of bounded reads ([`file`]) and in memory for a bounded number of
//! blocks of bounded length.

mod boxes;
mod file;
mod gif;
mod heif;
mod jpeg;
mod jxl;
mod photoshop;
mod png;
mod svg;
mod tiff;
mod webp;

use bytes::Bytes;
use domain::StoreError;

pub(crate) use self::file::File;
use crate::directories::{self, Directories};

/// The longest block that is taken, in bytes. JPEG cannot hold more than 64 KiB in one; others
/// could.
const LONGEST_BLOCK: u64 = 1 << 20;

/// The longest extended XMP, in bytes, over all segments: an edit's history, or a depth map.
const LONGEST_EXTENSION: usize = 4 << 20;

/// Texts of one file, and the bytes of one. Each has a keyword, so a file has a dozen.
const MOST_TEXTS: usize = 64;
const LONGEST_TEXT: usize = 64 << 10;

/// What stands in front of the TIFF structure in a JPEG, and by mistake in other containers.
const EXIF: &[u8] = b"Exif\0\0";

/// What was found in a file, apart from its pixels.
#[derive(Default)]
pub(crate) struct Blocks {
    /// The directories of its EXIF block, or of the TIFF file itself.
    pub(crate) exif: Option<Directories>,
    /// Its XMP packet, as serialised.
    pub(crate) xmp: Option<Bytes>,
    /// Parts of a second packet (JPEG only), in the order of the file.
    pub(crate) extension: Vec<Portion>,
    /// IPTC-IIM data sets.
    pub(crate) iptc: Option<Bytes>,
    /// MD5 of the IPTC block, as whoever last kept it in step with the XMP wrote it.
    pub(crate) iptc_digest: Option<[u8; 16]>,
    /// Texts of the container's own, with their keywords, in the order of the file.
    pub(crate) text: Vec<(String, String)>,
    /// What could not be read, and why.
    pub(crate) faults: Vec<String>,
}

/// A part of extended XMP (Adobe XMP specification, part 3, 1.1.3.1).
pub(crate) struct Portion {
    /// Which packet it is of: 32 hexadecimal digits.
    pub(crate) guid: [u8; 32],
    /// Bytes of the whole packet.
    pub(crate) full: u32,
    /// Where in the packet it stands.
    pub(crate) offset: u32,
    /// The bytes.
    pub(crate) bytes: Bytes,
}

/// What the first bytes say that a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Container {
    Jpeg,
    Png,
    WebP,
    Tiff,
    /// ISO base media: HEIF, HEIC, AVIF.
    Heif,
    Jxl,
    Gif,
    /// Also compressed, as `.svgz`.
    Svg,
}

impl Container {
    /// By the signature that each format's standard gives it.
    fn of(head: &[u8]) -> Option<Self> {
        Some(match head {
            [0xff, 0xd8, 0xff, ..] => Self::Jpeg,
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Self::Png,
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Self::WebP,
            [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Self::Tiff,
            [0, 0, 0, 12, b'J', b'X', b'L', b' ', ..] => Self::Jxl,
            [_, _, _, _, b'f', b't', b'y', b'p', ..] => Self::Heif,
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Self::Gif,
            [0x1f, 0x8b, 8, ..] => Self::Svg,
            _ if svg::is_svg(head) => Self::Svg,
            _ => return None,
        })
    }
}

/// Everything that a file says of itself. The container is told by its first bytes; nothing is
/// found in one that is not known.
pub(crate) async fn read(file: &mut File<'_>) -> Result<Blocks, StoreError> {
    let head = file.up_to(0, svg::HEAD).await?;
    let mut blocks = match Container::of(&head) {
        Some(Container::Jpeg) => jpeg::read(file).await,
        Some(Container::Png) => png::read(file).await,
        Some(Container::WebP) => webp::read(file).await,
        Some(Container::Tiff) => tiff::read(file).await,
        Some(Container::Heif) => heif::read(file).await,
        Some(Container::Jxl) => jxl::read(file).await,
        Some(Container::Gif) => gif::read(file).await,
        Some(Container::Svg) => svg::read(file).await,
        None => Ok(Blocks::default()),
    }?;
    if file.is_spent() {
        blocks.faults.push("the file is too long or too scattered to be read to its end".into());
    }
    Ok(blocks)
}

impl Blocks {
    /// Takes an EXIF block, with or without the prefix that only JPEG should have; the first counts.
    async fn take_exif(&mut self, block: &Bytes) -> Result<(), StoreError> {
        if self.exif.is_none() {
            let tiff =
                block.strip_prefix(EXIF).map_or_else(|| block.clone(), |t| block.slice_ref(t));
            self.exif = Some(directories::read(&mut File::within(tiff)).await?);
        }
        Ok(())
    }

    /// Takes an XMP packet; the first counts.
    fn take_xmp(&mut self, packet: Bytes) {
        self.xmp.get_or_insert(packet);
    }

    /// Takes what a Photoshop block holds.
    fn take_photoshop(&mut self, block: &Bytes) {
        let found = photoshop::resources(block);
        if let Some(iptc) = found.iptc {
            self.iptc.get_or_insert(iptc);
        }
        self.iptc_digest = self.iptc_digest.or(found.iptc_digest);
    }

    /// Takes a text of the container's own; what is too long is cut.
    fn take_text(&mut self, keyword: &str, text: &str) {
        if self.text.len() < MOST_TEXTS && !text.is_empty() {
            let cut = text.floor_char_boundary(LONGEST_TEXT);
            self.text.push((keyword.to_owned(), text[..cut].to_owned()));
        }
    }

    fn fault(&mut self, what: &str) {
        self.faults.push(what.to_owned());
    }
}

/// The big-endian number at a place of a slice.
fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|&bytes| u16::from_be_bytes(bytes))
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|&bytes| u32::from_be_bytes(bytes))
}

/// Latin-1, which every byte is.
fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| char::from(byte)).collect()
}
