//! The fields that clients search by. What somebody left blank, zero or impossible is not known, and
//! what is not known is none.
//!
//! Where blocks disagree, the Metadata Working Group's guidelines decide (*Guidelines for Handling
//! Image Metadata*, version 2.0, 2010, chapters 3 and 5): EXIF comes before the other two; between
//! IPTC and XMP, XMP counts, unless the digest that Photoshop keeps beside the IPTC says that
//! somebody changed the IPTC since. The container's own texts, which the guidelines do not know, are
//! asked last.

mod exif;
mod iptc;
mod text;
mod xmp;

use domain::record::{Camera, Exposure, Metadata};
use md5::{Digest as _, Md5};

use crate::{directories::Directories, iptc::DataSets, xmp::Properties};

/// Longest texts, in bytes as JSON has them. Together they keep a record under 4 KB; all of the text
/// stands in the raw metadata.
mod longest {
    pub(super) const NAME: usize = 100;
    pub(super) const LINE: usize = 200;
    pub(super) const PARAGRAPH: usize = 600;
    pub(super) const KEYWORD: usize = 60;
    pub(super) const KEYWORDS: usize = 10;
}

/// Whether the XMP knows what the IPTC says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Digest {
    /// Nobody said otherwise.
    InStep,
    /// The IPTC was changed after the XMP was last written.
    Stale,
}

impl Digest {
    /// By what Photoshop keeps, and the block as it is. Sixteen zeros are nobody's digest.
    pub(crate) fn of(iptc: Option<&[u8]>, kept: Option<[u8; 16]>) -> Self {
        match (iptc, kept) {
            (Some(iptc), Some(kept)) if kept != [0; 16] && kept[..] != Md5::digest(iptc)[..] => {
                Self::Stale
            }
            _ => Self::InStep,
        }
    }
}

/// Everything that the blocks of a file say, each field from the first that has it.
pub(crate) fn normalised(
    exif: Option<&Directories>,
    xmp: &Properties,
    iptc: &DataSets,
    digest: Digest,
    texts: &[(String, String)],
) -> Metadata {
    let exif = exif.map(exif::said).unwrap_or_default();
    let xmp = xmp::said(xmp);
    let iptc = iptc::said(iptc);
    let text = text::said(texts);
    let (first, second) = match digest {
        Digest::InStep => (&xmp.fields, &iptc),
        Digest::Stale => (&iptc, &xmp.fields),
    };
    // EXIF before the pair, and the pair before Windows' own tags.
    let exif_first = [&exif, first, second, &text];
    let exif_last = [first, second, &exif, &text];
    let camera = |part: fn(&Camera) -> &Option<String>| {
        first_of([&exif, &xmp.fields], |said| said.camera.as_ref().and_then(|c| part(c).clone()))
    };
    let setting = |part: fn(&Exposure) -> Option<f64>| {
        first_of([&exif, &xmp.fields], |said| said.exposure.as_ref().and_then(part))
    };
    Metadata {
        taken_at: first_of([&exif, first, second], |said| said.taken_at.clone())
            .or(xmp.exif_taken_at)
            .or_else(|| text.taken_at.clone()),
        camera: known(Camera { make: camera(|c| &c.make), model: camera(|c| &c.model) }),
        lens: first_of([&exif, &xmp.fields], |said| said.lens.clone()),
        exposure: known(Exposure {
            time_s: setting(|e| e.time_s),
            f_number: setting(|e| e.f_number),
            iso: first_of([&exif, &xmp.fields], |said| said.exposure.as_ref()?.iso),
            focal_length_mm: setting(|e| e.focal_length_mm),
        }),
        // The guidelines know one place of it.
        orientation: exif.orientation,
        gps: exif.gps.or(xmp.fields.gps),
        title: first_of(exif_last, |said| said.title.clone()),
        description: first_of(exif_first, |said| said.description.clone()),
        keywords: first_of(exif_last, |said| known(said.keywords.clone())).unwrap_or_default(),
        creator: first_of(exif_first, |said| said.creator.clone()),
        copyright: first_of(exif_first, |said| said.copyright.clone()),
        // The guidelines know XMP's only; Windows writes its own too.
        rating: xmp.fields.rating.or(exif.rating),
    }
}

fn first_of<const N: usize, T>(
    all: [&Metadata; N],
    part: impl Fn(&Metadata) -> Option<T>,
) -> Option<T> {
    all.into_iter().find_map(part)
}

/// What has something in it.
fn known<T: Default + PartialEq>(value: T) -> Option<T> {
    (value != T::default()).then_some(value)
}

/// Whole words in the order of the file, as many as a record has room for.
fn keywords<'a>(all: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let clean = |word| crate::text::clean(word, longest::KEYWORD);
    all.into_iter().filter_map(clean).take(longest::KEYWORDS).collect()
}

/// Several people in one line, as the guidelines write them.
fn people<'a>(all: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let all: Vec<&str> = all.into_iter().map(str::trim).filter(|name| !name.is_empty()).collect();
    crate::text::clean(&all.join("; "), longest::LINE)
}
