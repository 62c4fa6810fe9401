//! Values by their types (TIFF 6.0, section 2; EXIF 3.0, 4.6.2 for UTF-8; BigTIFF's wider integers).

use exif::{Rational, SRational, Value};

use super::Order;

/// Parts of one text: EXIF's copyright has two.
const MOST_PARTS: usize = 64;

/// Bytes of one item; zero of a type that is not known.
pub(super) fn size(kind: u16) -> u64 {
    match kind {
        1 | 2 | 6 | 7 | 129 => 1,
        3 | 8 => 2,
        4 | 9 | 11 | 13 => 4,
        5 | 10 | 12 | 16..=18 => 8,
        _ => 0,
    }
}

/// The value that these bytes are; none of a type that is not known, or which has no number for it.
pub(super) fn of(order: Order, kind: u16, bytes: &[u8]) -> Option<Value> {
    Some(match kind {
        1 => Value::Byte(bytes.to_vec()),
        2 | 129 => Value::Ascii(parts(bytes)),
        6 => Value::SByte(bytes.iter().map(|&byte| byte.cast_signed()).collect()),
        7 => Value::Undefined(bytes.to_vec(), 0),
        3 => Value::Short(all(bytes, |item| order.short(item))),
        8 => Value::SShort(all(bytes, |item| order.short(item).cast_signed())),
        4 | 13 => Value::Long(all(bytes, |item| order.long(item))),
        9 => Value::SLong(all(bytes, |item| order.long(item).cast_signed())),
        11 => Value::Float(all(bytes, |item| f32::from_bits(order.long(item)))),
        12 => Value::Double(all(bytes, |item| f64::from_bits(order.longer(item)))),
        5 => Value::Rational(all(bytes, |item: [u8; 8]| {
            let (num, denom) = order.pair(item);
            Rational { num, denom }
        })),
        10 => Value::SRational(all(bytes, |item: [u8; 8]| {
            let (num, denom) = order.pair(item);
            SRational { num: num.cast_signed(), denom: denom.cast_signed() }
        })),
        16 | 18 => {
            let wide = all(bytes, |item| u32::try_from(order.longer(item)).ok());
            Value::Long(wide.into_iter().collect::<Option<_>>()?)
        }
        17 => {
            let wide = all(bytes, |item| i32::try_from(order.longer(item).cast_signed()).ok());
            Value::SLong(wide.into_iter().collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

/// Texts that end with zeros; the last may miss its own.
fn parts(bytes: &[u8]) -> Vec<Vec<u8>> {
    let bytes = bytes.strip_suffix(&[0]).unwrap_or(bytes);
    bytes.splitn(MOST_PARTS, |&byte| byte == 0).map(<[u8]>::to_vec).collect()
}

fn all<const SIZE: usize, T>(bytes: &[u8], item: impl Fn([u8; SIZE]) -> T) -> Vec<T> {
    bytes.as_chunks().0.iter().map(|&bytes| item(bytes)).collect()
}

impl Order {
    fn short(self, bytes: [u8; 2]) -> u16 {
        match self {
            Self::Little => u16::from_le_bytes(bytes),
            Self::Big => u16::from_be_bytes(bytes),
        }
    }

    fn long(self, bytes: [u8; 4]) -> u32 {
        match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        }
    }

    fn longer(self, bytes: [u8; 8]) -> u64 {
        match self {
            Self::Little => u64::from_le_bytes(bytes),
            Self::Big => u64::from_be_bytes(bytes),
        }
    }

    /// Numerator and denominator.
    fn pair(self, bytes: [u8; 8]) -> (u32, u32) {
        match bytes.as_chunks::<4>().0 {
            &[first, second] => (self.long(first), self.long(second)),
            _ => (0, 0),
        }
    }
}
