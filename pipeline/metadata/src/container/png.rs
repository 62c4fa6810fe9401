//! PNG, also animated: chunks (PNG, third edition, 11.3).

use bytes::Bytes;
use domain::StoreError;
use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;

use super::{Blocks, File, LONGEST_BLOCK, latin1};

/// Length, type and checksum.
const FRAME: u64 = 12;

/// Longest keyword of a text, in bytes (11.3.3.2).
const LONGEST_KEYWORD: usize = 79;

/// `XMP` in an `iTXt` chunk (Adobe XMP specification, part 3, 1.1.5).
const XMP: &str = "XML:com.adobe.xmp";

/// ImageMagick's way to put other formats' blocks into text chunks, from before there was `eXIf`;
/// libvips, sharp and exiftool read and write it too.
const RAW_PROFILE: &str = "Raw profile type ";

/// What a JPEG has in front of its XMP, also where its APP1 segment was kept as a raw profile.
const XMP_OF_JPEG: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";

/// Bytes that all compressed texts of a file may become.
const MOST_INFLATED: usize = 4 << 20;

pub(super) async fn read(file: &mut File<'_>) -> Result<Blocks, StoreError> {
    let mut blocks = Blocks::default();
    let mut room = MOST_INFLATED;
    let mut at = 8;
    // Metadata may stand behind the picture.
    while let Some(head) = file.at(at, 8).await? {
        let &[a, b, c, d, ref kind @ ..] = &head[..] else { break };
        let length = u64::from(u32::from_be_bytes([a, b, c, d]));
        match kind {
            b"IEND" => break,
            b"eXIf" | b"tEXt" | b"zTXt" | b"iTXt" if length <= LONGEST_BLOCK => {
                let Some(chunk) = file.at(at + 8, length).await? else { break };
                match kind {
                    b"eXIf" => blocks.take_exif(&chunk).await?,
                    _ => text(&mut blocks, kind, &chunk, &mut room).await?,
                }
            }
            _ => {}
        }
        at += FRAME + length;
    }
    Ok(blocks)
}

/// One text chunk: a keyword, and a text that is one, or is somebody's block in disguise.
async fn text(
    blocks: &mut Blocks,
    kind: &[u8],
    chunk: &Bytes,
    room: &mut usize,
) -> Result<(), StoreError> {
    let Some((keyword, rest)) = cut(chunk, LONGEST_KEYWORD) else { return Ok(()) };
    let keyword = latin1(keyword);
    let Some(stored) = stored(kind, rest) else { return Ok(()) };
    let bytes = match stored {
        Stored::Plain(text) => chunk.slice_ref(text),
        Stored::Compressed(text) => {
            let Ok(text) = decompress_to_vec_zlib_with_limit(text, *room) else {
                // Whoever sends one bomb sends another: each costs half of what the last did.
                *room /= 2;
                blocks.fault("a compressed text is broken or too long");
                return Ok(());
            };
            *room -= text.len().min(*room);
            text.into()
        }
    };
    if keyword == XMP {
        blocks.take_xmp(bytes);
    } else if let Some(profile) = keyword.strip_prefix(RAW_PROFILE) {
        raw_profile(blocks, profile, &bytes).await?;
    } else if kind == b"iTXt" {
        blocks.take_text(&keyword, &String::from_utf8_lossy(&bytes));
    } else {
        blocks.take_text(&keyword, &latin1(&bytes));
    }
    Ok(())
}

enum Stored<'a> {
    Plain(&'a [u8]),
    Compressed(&'a [u8]),
}

/// What follows the keyword (11.3.3.2 to 11.3.3.4). Deflate is the only method there is.
fn stored<'a>(kind: &[u8], rest: &'a [u8]) -> Option<Stored<'a>> {
    match kind {
        b"tEXt" => Some(Stored::Plain(rest)),
        b"zTXt" => rest.strip_prefix(&[0]).map(Stored::Compressed),
        _ => {
            let (&flag, rest) = rest.split_first()?;
            let (_language, rest) = cut(rest.get(1..)?, rest.len())?;
            let (_translated, text) = cut(rest, rest.len())?;
            match flag {
                0 => Some(Stored::Plain(text)),
                _ => Some(Stored::Compressed(text)),
            }
        }
    }
}

/// In front of a zero, which is not further away than so, and behind it.
fn cut(bytes: &[u8], longest: usize) -> Option<(&[u8], &[u8])> {
    let zero = bytes.iter().take(longest + 1).position(|&byte| byte == 0)?;
    Some((bytes.get(..zero)?, bytes.get(zero + 1..)?))
}

/// A line with a name, one with a number of bytes, and so many in hexadecimal digits.
async fn raw_profile(blocks: &mut Blocks, profile: &str, text: &[u8]) -> Result<(), StoreError> {
    let mut lines = text.trim_ascii_start().splitn(3, |&byte| byte == b'\n');
    let (Some(_name), Some(length), Some(digits)) = (lines.next(), lines.next(), lines.next())
    else {
        return Ok(());
    };
    let length = str::from_utf8(length).ok().and_then(|text| text.trim().parse::<usize>().ok());
    let digits: Vec<u8> = digits.iter().copied().filter(u8::is_ascii_hexdigit).collect();
    let Some(block) =
        hex::decode(&digits).ok().filter(|block| length.is_some_and(|n| n <= block.len()))
    else {
        blocks.fault("a raw profile is no hexadecimal of the length that it gives");
        return Ok(());
    };
    let block = Bytes::from(block).slice(..length.unwrap_or_default());
    match profile.trim_end() {
        "exif" | "APP1" | "app1" => match block.strip_prefix(XMP_OF_JPEG) {
            Some(packet) => blocks.take_xmp(block.slice_ref(packet)),
            None => blocks.take_exif(&block).await?,
        },
        "xmp" => blocks.take_xmp(block),
        // Photoshop's resources, or the data sets bare.
        "iptc" if block.starts_with(b"8BIM") => blocks.take_photoshop(&block),
        "iptc" => {
            blocks.iptc.get_or_insert(block);
        }
        _ => {}
    }
    Ok(())
}
