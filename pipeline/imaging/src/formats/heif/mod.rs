//! Pictures in boxes: what AVIF (AV1 Image File Format 1.1) and HEIC (ISO/IEC 23008-12) share.

mod boxes;

use boxes::{Box4, Bytes, Item, Meta, next};

use super::{Channels, Format, Header, HeaderError, Whole, coded, short};
use crate::colour::Colour;
use crate::fault::Fault;
use crate::geometry::Orientation;
use crate::limits::Limits;
use crate::rows::{Depth, Layout};

const ENDS: &str = "The file ends before the box that says what is in it.";

/// Tiles of a grid.
const TILES: usize = 1_024;

/// What a file says of its primary picture.
pub(crate) struct Heif<'a> {
    file: &'a [u8],
    meta: Meta,
    pub(crate) primary: Coded,
    /// The picture that says how opaque the primary is.
    pub(crate) alpha: Option<Coded>,
    /// Colours were multiplied by alpha.
    pub(crate) premultiplied: bool,
    pub(crate) clap: Option<Clap>,
    pub(crate) orientation: Orientation,
    profile: Option<std::ops::Range<usize>>,
    pub(crate) nclx: Option<Nclx>,
}

/// A coded picture, or a grid of them.
#[derive(Clone)]
pub(crate) struct Coded {
    pub(crate) codec: Format,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) depth: u8,
    pub(crate) mono: bool,
    /// Columns of tiles; 1 where there is no grid.
    pub(crate) columns: u32,
    /// Items that hold the tiles, by rows.
    tiles: Vec<u32>,
}

impl Coded {
    pub(crate) fn tile_count(&self) -> usize {
        self.tiles.len()
    }
}

/// The part that is shown (ISO/IEC 14496-12, 12.1.4), before turning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Clap {
    pub(crate) left: u32,
    pub(crate) top: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// Code points of H.273.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Nclx {
    pub(crate) primaries: u8,
    pub(crate) transfer: u8,
    pub(crate) matrix: u8,
    pub(crate) full: bool,
}

/// Reads the boxes in front of the pixels, or behind them.
pub(crate) fn header(head: &[u8], whole: Whole) -> Result<Header, HeaderError> {
    let heif = Heif::parse(head, whole)?;
    let (width, height) = heif.shown();
    let channels = match (heif.primary.codec, heif.primary.mono, heif.alpha.is_some()) {
        (Format::Avif, true, false) => Channels::Grey,
        (Format::Avif, true, true) => Channels::GreyAlpha,
        (_, _, false) => Channels::Rgb,
        (_, _, true) => Channels::Rgba,
    };
    Ok(Header {
        format: heif.primary.codec,
        width,
        height,
        orientation: heif.orientation,
        frames: 1,
        channels,
        depth: heif.primary.depth,
        progressive: true,
    })
}

impl<'a> Heif<'a> {
    /// The boxes of a whole file, and how its rows will lie: what is coded fits the limits, it shows
    /// what the header says, and alpha is as large as what it belongs to.
    pub(crate) fn open(
        file: &'a [u8],
        header: &Header,
        limits: &Limits,
    ) -> Result<(Heif<'a>, Layout), Fault> {
        let name = header.format.name().to_uppercase();
        let heif = Heif::parse(file, Whole::Yes).map_err(|error| match error {
            HeaderError::Fault(fault) => fault,
            HeaderError::NeedMore => {
                Fault::truncated(format!("The {name} ends before its header does."))
            }
        })?;
        // The coded size may be more than is shown.
        let Coded { width, height, .. } = heif.primary;
        let coded = Header { width, height, ..header.clone() };
        limits.check(&coded)?;
        limits.check_memory(&coded, coded.decoder_memory())?;
        if heif.shown() != (header.width, header.height) {
            return Err(Fault::damaged(format!("The {name} is another than its header says.")));
        }
        if heif.alpha.as_ref().is_some_and(|alpha| (alpha.width, alpha.height) != (width, height)) {
            return Err(Fault::unsupported(format!(
                "The {name} has alpha of another size, which is not read."
            )));
        }
        let layout = Layout {
            width: header.width,
            height: header.height,
            channels: header.channels,
            depth: if header.depth > 8 { Depth::Sixteen } else { Depth::Eight },
            orientation: header.orientation,
        };
        Ok((heif, layout))
    }

    pub(crate) fn parse(head: &'a [u8], whole: Whole) -> Result<Heif<'a>, HeaderError> {
        let mut bytes = Bytes::new(head, 0);
        let meta = loop {
            let Some(Box4 { kind, body, whole: all }) = next(&mut bytes) else {
                return Err(short(whole, ENDS));
            };
            if &kind == b"meta" {
                if !all {
                    return Err(short(whole, ENDS));
                }
                break Meta::parse(body)
                    .ok_or_else(|| damaged("boxes that contradict themselves"))?;
            }
            if !all {
                return Err(short(whole, ENDS));
            }
        };
        Ok(Heif::new(head, meta)?)
    }

    fn new(file: &'a [u8], meta: Meta) -> Result<Heif<'a>, Fault> {
        let item = meta.item(meta.primary).ok_or_else(|| damaged("no primary picture"))?;
        let primary = picture(file, &meta, item)?;
        let (mut clap, mut angle, mut mirror) = (None, 0_u8, None);
        let (mut profile, mut nclx) = (None, None);
        for (kind, mut body) in meta.properties(file, item) {
            match &kind {
                b"clap" => clap = Clap::parse(body, primary.width, primary.height),
                // Anticlockwise quarter turns. One that follows the mirror turns the other way
                // in front of it.
                b"irot" => {
                    let turn = body.u8().unwrap_or_default() & 3;
                    angle = if mirror.is_some() { angle + 4 - turn } else { angle + turn } % 4;
                }
                b"imir" => mirror = Some(body.u8().unwrap_or_default() & 1),
                b"colr" => match body.take(4) {
                    Some(b"nclx") => nclx = nclx.or_else(|| Nclx::parse(body)),
                    Some(b"prof" | b"rICC") => {
                        profile = Some(body.at..body.at + body.rest().len());
                    }
                    _ => {}
                },
                _ => {}
            }
        }
        let auxiliary = opacity(file, &meta, meta.primary);
        // Without its alpha a picture would be wrong, so a broken one breaks the picture. A grid may
        // also have one for each tile.
        let alpha = match auxiliary {
            Some(item) => Some(picture(file, &meta, item)?),
            None => primary
                .tiles
                .iter()
                .filter(|tile| **tile != meta.primary)
                .map(|tile| opacity(file, &meta, *tile).map(|item| item.id))
                .collect::<Option<Vec<u32>>>()
                .filter(|tiles| !tiles.is_empty())
                .map(|tiles| Coded { tiles, ..primary.clone() }),
        };
        let premultiplied =
            auxiliary.is_some_and(|item| meta.targets(*b"prem", meta.primary).contains(&item.id));
        let orientation = orientation(angle, mirror);
        Ok(Heif { file, meta, primary, alpha, premultiplied, clap, orientation, profile, nclx })
    }

    /// Width and height of what is shown, before turning.
    pub(crate) fn shown(&self) -> (u32, u32) {
        match self.clap {
            Some(clap) => (clap.width, clap.height),
            None => (self.primary.width, self.primary.height),
        }
    }

    /// The coded bytes of the tiles of a picture, one by one.
    pub(crate) fn tiles(&self, coded: &Coded) -> impl Iterator<Item = Result<Vec<u8>, Fault>> {
        coded.tiles.iter().map(|tile| {
            let item = self.meta.item(*tile).ok_or_else(|| damaged("a grid without its tiles"))?;
            self.meta.data(self.file, item)
        })
    }

    /// Whether an ICC profile says what colours mean.
    #[cfg(feature = "heic")]
    pub(crate) fn has_profile(&self) -> bool {
        self.profile.is_some()
    }

    /// What the stream itself says of its colours, where its boxes do not (H.265, E.2.1).
    #[cfg(feature = "heic")]
    pub(crate) fn stream(&self) -> Option<Nclx> {
        use scuffle_h265::{HEVCDecoderConfigurationRecord, NALUnitType, SpsNALUnit};

        let tile = self.meta.item(*self.primary.tiles.first()?)?;
        let (_, body) = self.meta.properties(self.file, tile).find(|(kind, _)| kind == b"hvcC")?;
        let record = HEVCDecoderConfigurationRecord::demux(body.rest()).ok()?;
        let sets = record.arrays.iter().find(|a| a.nal_unit_type == NALUnitType::SpsNut)?;
        let sequence = SpsNALUnit::parse(sets.nalus.first()?.as_ref()).ok()?;
        let signal = sequence.rbsp.vui_parameters?.video_signal_type;
        Some(Nclx {
            primaries: signal.colour_primaries,
            transfer: signal.transfer_characteristics,
            matrix: signal.matrix_coeffs,
            full: signal.video_full_range_flag,
        })
    }

    /// A profile in front of code points; what says neither is as `coded` says.
    pub(crate) fn colour(&self, primaries: u8, transfer: u8) -> Colour {
        match self.profile.clone().and_then(|range| self.file.get(range)) {
            Some(profile) if !profile.is_empty() => Colour::Profile(profile.into()),
            _ => match self.nclx {
                Some(nclx) => coded(nclx.primaries, nclx.transfer),
                None => coded(primaries, transfer),
            },
        }
    }
}

fn damaged(what: &str) -> Fault {
    Fault::damaged(format!("The file has {what}."))
}

/// A coded item, or a grid of such.
fn picture(file: &[u8], meta: &Meta, item: &Item) -> Result<Coded, Fault> {
    let (columns, tiles) = match &item.kind {
        b"grid" => {
            let tiles = meta.targets(*b"dimg", item.id).to_vec();
            let data = meta.data(file, item)?;
            let &[_, _, rows, columns, ..] = data.as_slice() else {
                return Err(damaged("a grid that is too short"));
            };
            let (rows, columns) = (u32::from(rows) + 1, u32::from(columns) + 1);
            if tiles.len() != (rows * columns) as usize || tiles.len() > TILES {
                return Err(damaged(&format!(
                    "a grid of {rows}×{columns} with {} tiles",
                    tiles.len()
                )));
            }
            (columns, tiles)
        }
        _ => (1, vec![item.id]),
    };
    let first =
        tiles.first().and_then(|tile| meta.item(*tile)).ok_or_else(|| damaged("no tiles"))?;
    let codec = match &first.kind {
        b"av01" => Format::Avif,
        b"hvc1" | b"hev1" => Format::Heic,
        other => {
            let kind = String::from_utf8_lossy(other).into_owned();
            return Err(Fault::unsupported(format!(
                "The file holds a picture of the kind {kind:?}, which is not read."
            )));
        }
    };
    let mut size = None;
    for (kind, mut body) in meta.properties(file, item) {
        if &kind == b"ispe" {
            body.u32();
            size = body.u32().zip(body.u32());
        }
    }
    let (width, height) = size
        .filter(|(width, height)| *width > 0 && *height > 0)
        .ok_or_else(|| damaged("a picture without a size"))?;
    let (mut depth, mut mono) = (8, false);
    for (kind, body) in meta.properties(file, first) {
        match (&kind, body.rest()) {
            // AV1-ISOBMFF 2.3.3.
            (b"av1C", &[_, _, flags, ..]) => {
                mono = flags & 0x10 != 0;
                depth = match flags >> 5 & 3 {
                    0 | 1 => 8,
                    2 => 10,
                    _ => 12,
                };
            }
            // ISO/IEC 14496-15, 8.3.3.1: bit_depth_luma_minus8.
            (b"hvcC", body) => depth = 8 + (body.get(17).copied().unwrap_or_default() & 7),
            _ => {}
        }
    }
    Ok(Coded { codec, width, height, depth, mono, columns, tiles })
}

/// The item that says how opaque another is.
fn opacity<'a>(file: &[u8], meta: &'a Meta, of: u32) -> Option<&'a Item> {
    meta.references
        .iter()
        .filter(|reference| &reference.kind == b"auxl" && reference.to.contains(&of))
        .filter_map(|reference| meta.item(reference.from))
        .find(|item| {
            meta.properties(file, item).any(|(kind, body)| &kind == b"auxC" && is_alpha(body))
        })
}

fn is_alpha(mut body: Bytes<'_>) -> bool {
    body.u32();
    [
        b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha".as_slice(),
        b"urn:mpeg:hevc:2015:auxid:1",
        b"urn:mpeg:avc:2015:auxid:1",
    ]
    .iter()
    .any(|urn| body.rest().starts_with(urn))
}

/// Turned anticlockwise by quarters, then mirrored: axis 0 exchanges top and bottom, 1 left and
/// right (ISO/IEC 23008-12, 6.5.10 and 6.5.12).
fn orientation(angle: u8, mirror: Option<u8>) -> Orientation {
    let number = match (angle, mirror) {
        (0, None) => 1,
        (0, Some(1)) | (2, Some(0)) => 2,
        (2, None) => 3,
        (0 | 2, Some(_)) => 4,
        (1, Some(0)) | (3, Some(1)) => 5,
        (3, None) => 6,
        (1 | 3, Some(_)) => 7,
        _ => 8,
    };
    Orientation::from_exif(number).unwrap_or_default()
}

impl Clap {
    /// `None` for what does not lie within the picture on whole pixels, which readers ignore.
    fn parse(mut body: Bytes<'_>, width: u32, height: u32) -> Option<Clap> {
        let mut fraction =
            || Some((i64::from(body.u32()?.cast_signed()), i64::from(body.u32()?.cast_signed())));
        let (w, h, x, y) = (fraction()?, fraction()?, fraction()?, fraction()?);
        let whole = |(n, d): (i64, i64)| (d > 0 && n > 0 && n % d == 0).then(|| n / d);
        let (w, h) = (whole(w)?, whole(h)?);
        // The middle lies (side − 1) ÷ 2 + offset from the edge.
        let edge = |side: u32, part: i64, (n, d): (i64, i64)| {
            let doubled =
                (i64::from(side) - part).checked_mul(d)?.checked_add(n.checked_mul(2)?)?;
            let from = (d > 0 && doubled % (2 * d) == 0).then(|| doubled / (2 * d))?;
            (from >= 0 && from + part <= i64::from(side)).then(|| u32::try_from(from).ok())?
        };
        Some(Clap {
            left: edge(width, w, x)?,
            top: edge(height, h, y)?,
            width: u32::try_from(w).ok()?,
            height: u32::try_from(h).ok()?,
        })
    }
}

impl Nclx {
    fn parse(mut body: Bytes<'_>) -> Option<Nclx> {
        let mut point = || Some(u8::try_from(body.u16()?).unwrap_or(2));
        let (primaries, transfer, matrix) = (point()?, point()?, point()?);
        Some(Nclx { primaries, transfer, matrix, full: body.u8()? & 0x80 != 0 })
    }
}
