//! Reading an object of any size in bounded memory: its header first, then a digest of all of it.

use domain::{Key, Objects, Sha256, StoreError, image::Source};
use imaging::{Fault, Header, HeaderError, Limits, Whole};
use sha2::Digest as _;

/// Bytes of one read: the whole header of nearly every photograph, and of many the whole file.
pub(crate) const CHUNK: u64 = 8 << 20;

/// What was read.
pub(crate) enum Verdict {
    /// An image within the limits.
    Image(Source),
    /// Not one.
    Refused(Fault),
}

/// Reads the object once: what its header claims is checked before the rest is fetched.
pub(crate) async fn judge(
    objects: &dyn Objects,
    key: &Key,
    size: u64,
    limits: &Limits,
) -> Result<Verdict, StoreError> {
    if let Err(fault) = limits.check_bytes(size) {
        return Ok(Verdict::Refused(fault));
    }
    let mut head = chunk(objects, key, 0, size).await?;
    let parsed = loop {
        let whole = if head.len() as u64 == size { Whole::Yes } else { Whole::No };
        match Header::seek(&head, whole) {
            // Doubled each time, so that parsing again and again stays linear.
            Err(HeaderError::NeedMore) => {
                let wanted = (head.len() as u64).saturating_mul(2).min(size);
                while (head.len() as u64) < wanted {
                    head.extend_from_slice(&chunk(objects, key, head.len() as u64, wanted).await?);
                }
            }
            Err(HeaderError::Fault(fault)) => break Err(fault),
            Ok(header) => break limits.check(&header).map(|()| header),
        }
    };
    let header = match parsed {
        Ok(header) => header,
        Err(fault) => return Ok(Verdict::Refused(fault)),
    };
    let mut digest = sha2::Sha256::new_with_prefix(&head);
    let mut at = head.len() as u64;
    drop(head);
    while at < size {
        let bytes = chunk(objects, key, at, size).await?;
        at += bytes.len() as u64;
        digest.update(&bytes);
    }
    let sha256 = Sha256(digest.finalize().into());
    Ok(Verdict::Image(Source { header, bytes: size, sha256 }))
}

/// The next bytes before `end`, at least one.
pub(crate) async fn chunk(
    objects: &dyn Objects,
    key: &Key,
    from: u64,
    end: u64,
) -> Result<Vec<u8>, StoreError> {
    let bytes = objects.read_range(key, from..end.min(from + CHUNK)).await?;
    if bytes.is_empty() {
        let what = format!("{key} ends at byte {from}, where the store said that it has {end}");
        return Err(StoreError::Broken(what));
    }
    Ok(bytes.into())
}
