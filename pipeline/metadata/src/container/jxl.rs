//! JPEG XL in its container (ISO/IEC 18181-2:2024, clause 9): boxes `Exif`, `xml ` and, compressed
//! by Brotli, `brob`. A bare codestream has no place for metadata.

use brotli_decompressor::{
    BrotliDecompressStream, BrotliResult, BrotliState, reader::StandardAlloc,
};
use bytes::Bytes;
use domain::StoreError;

use super::{
    Blocks, File, LONGEST_BLOCK, be32,
    boxes::{self, BoxAt},
};

pub(super) async fn read(file: &mut File<'_>) -> Result<Blocks, StoreError> {
    let mut blocks = Blocks::default();
    for BoxAt { kind, body, length } in boxes::top(file).await? {
        if length > LONGEST_BLOCK || !matches!(&kind, b"Exif" | b"xml " | b"brob") {
            continue;
        }
        let Some(content) = file.at(body, length).await? else { continue };
        if &kind != b"brob" {
            take(&mut blocks, kind, content).await?;
        } else if let Some((&kind, compressed)) = content.split_first_chunk()
            && matches!(&kind, b"Exif" | b"xml ")
        {
            match decompressed(compressed) {
                Some(content) => take(&mut blocks, kind, content.into()).await?,
                None => blocks.fault("a compressed box is broken or too long"),
            }
        }
    }
    Ok(blocks)
}

async fn take(blocks: &mut Blocks, kind: [u8; 4], content: Bytes) -> Result<(), StoreError> {
    if &kind == b"xml " {
        blocks.take_xmp(content);
    } else if let Some(tiff) = be32(&content, 0)
        // In front of the TIFF structure stands how far away it begins.
        && let Some(begin) = usize::try_from(tiff).ok().and_then(|offset| offset.checked_add(4))
        && begin <= content.len()
    {
        blocks.take_exif(&content.slice(begin..)).await?;
    }
    Ok(())
}

/// All of a Brotli stream (RFC 7932) that becomes a block of allowed length. Without the extension
/// for large windows, by which a stream of ten bytes asks for a gigabyte.
fn decompressed(stream: &[u8]) -> Option<Vec<u8>> {
    let allocate = StandardAlloc::default;
    let mut state = BrotliState::new_strict(allocate(), allocate(), allocate());
    let mut output = vec![0; 16 << 10];
    let (mut left, mut read, mut written, mut total) = (stream.len(), 0, 0, 0);
    loop {
        let mut room = output.len() - written;
        let result = BrotliDecompressStream(
            &mut left,
            &mut read,
            stream,
            &mut room,
            &mut written,
            &mut output,
            &mut total,
            &mut state,
        );
        match result {
            BrotliResult::ResultSuccess => {
                output.truncate(written);
                return Some(output);
            }
            BrotliResult::NeedsMoreOutput if (output.len() as u64) < LONGEST_BLOCK => {
                output.resize(output.len() * 2, 0);
            }
            _ => return None,
        }
    }
}
