//! One tag of EXIF, the orientation, which decides geometry. All other tags are the business of
//! the metadata stage.

use crate::geometry::Orientation;

/// Tag 0x0112 in the first directory of a TIFF structure (EXIF 2.32, 4.6.2), where `tiff` begins
/// with `II*\0` or `MM\0*`. It is to be a SHORT; what some programs write, BYTE or LONG, is taken as
/// the metadata stage takes it, because the record and the pixels have to agree. Anything odd is
/// `None`; reads at most one directory.
pub(crate) fn orientation(tiff: &[u8]) -> Option<Orientation> {
    const TAG: u16 = 0x0112;
    const ENTRY: usize = 12;
    let order = match tiff.get(..4)? {
        b"II*\0" => Order::Little,
        b"MM\0*" => Order::Big,
        _ => return None,
    };
    let directory = usize::try_from(order.u32(tiff, 4)?).ok()?;
    let entries = usize::from(order.u16(tiff, directory)?);
    (0..entries)
        .map(|index| directory.checked_add(2 + index * ENTRY))
        .map_while(|at| Some((order.u16(tiff, at?)?, at?)))
        .find(|&(tag, _)| tag == TAG)
        .and_then(|(_, at)| Orientation::from_exif(order.integer(tiff, at)?))
}

enum Order {
    Little,
    Big,
}

impl Order {
    /// The first integer of an entry: in its last four bytes, or where they point when there are
    /// more integers than fit.
    fn integer(&self, tiff: &[u8], entry: usize) -> Option<u16> {
        const BYTE: u16 = 1;
        const SHORT: u16 = 3;
        const LONG: u16 = 4;
        let kind = self.u16(tiff, entry + 2)?;
        let size = match kind {
            BYTE => 1,
            SHORT => 2,
            LONG => 4,
            _ => return None,
        };
        let at = match u64::from(self.u32(tiff, entry + 4)?) * size {
            0 => return None,
            1..=4 => entry + 8,
            _ => usize::try_from(self.u32(tiff, entry + 8)?).ok()?,
        };
        match kind {
            BYTE => tiff.get(at).copied().map(u16::from),
            SHORT => self.u16(tiff, at),
            _ => u16::try_from(self.u32(tiff, at)?).ok(),
        }
    }

    fn u16(&self, bytes: &[u8], at: usize) -> Option<u16> {
        let two = bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(match self {
            Order::Little => u16::from_le_bytes(two),
            Order::Big => u16::from_be_bytes(two),
        })
    }

    fn u32(&self, bytes: &[u8], at: usize) -> Option<u32> {
        let four = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(match self {
            Order::Little => u32::from_le_bytes(four),
            Order::Big => u32::from_be_bytes(four),
        })
    }
}
