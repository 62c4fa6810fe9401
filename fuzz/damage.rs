//! What happens to a seed on its way to a target. Places near the beginning and numbers at the
//! edges of their types are likelier than they would be by chance: that is where parsers decide.

use bolero::TypeGenerator;

/// A seed and what is done to it.
#[derive(Clone, Debug, TypeGenerator)]
pub struct Damage {
    seed: u16,
    changes: Changes,
    /// Whether the checksums of a PNG are made right again: else nothing behind them is reached.
    mended: bool,
}

#[derive(Clone, Debug, TypeGenerator)]
enum Changes {
    One(Change),
    Two(Change, Change),
    Many(Vec<Change>),
}

#[derive(Clone, Debug, TypeGenerator)]
enum Change {
    Byte(Place, u8),
    Bit(Place, u8),
    /// A number of up to eight bytes, in either order.
    Number(Place, Edge, u8, bool),
    /// A little more or less than it was.
    Nudge(Place, i8),
    Insert(Place, Vec<u8>),
    Remove(Place, u8),
    Repeat(Place, u8, u8),
    /// A piece of another seed, laid over or put in between.
    Splice(Place, u16, Place, u8, bool),
    Cut(Place),
}

#[derive(Clone, Debug, TypeGenerator)]
enum Place {
    Head(u8),
    Anywhere(u32),
    End(u8),
}

#[derive(Clone, Debug, TypeGenerator)]
enum Edge {
    Zero,
    One,
    HalfLess,
    Half,
    Most,
    Small(u8),
    Any(u64),
}

/// Inputs beyond this are cut: repeats of repeats would only take time.
const MOST: usize = 1 << 17;

impl Damage {
    /// The damaged seed.
    pub fn to(&self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = picked(seeds, self.seed).clone();
        match &self.changes {
            Changes::One(one) => one.to(&mut bytes, seeds),
            Changes::Two(one, two) => {
                one.to(&mut bytes, seeds);
                two.to(&mut bytes, seeds);
            }
            Changes::Many(all) => all.iter().take(16).for_each(|one| one.to(&mut bytes, seeds)),
        }
        bytes.truncate(MOST);
        if self.mended {
            mend(&mut bytes);
        }
        bytes
    }
}

fn picked(seeds: &[Vec<u8>], index: u16) -> &Vec<u8> {
    &seeds[usize::from(index) % seeds.len()]
}

impl Place {
    /// At most the length.
    fn of(&self, length: usize) -> usize {
        match self {
            Place::Head(at) => usize::from(*at).min(length),
            Place::Anywhere(at) => *at as usize % (length + 1),
            Place::End(before) => length.saturating_sub(usize::from(*before)),
        }
    }
}

impl Edge {
    fn number(&self, bits: u32) -> u64 {
        let most = u64::MAX >> (64 - bits);
        match self {
            Edge::Zero => 0,
            Edge::One => 1,
            Edge::HalfLess => most >> 1,
            Edge::Half => (most >> 1) + 1,
            Edge::Most => most,
            Edge::Small(value) => u64::from(*value) & most,
            Edge::Any(value) => value & most,
        }
    }
}

impl Change {
    fn to(&self, bytes: &mut Vec<u8>, seeds: &[Vec<u8>]) {
        let length = bytes.len();
        match self {
            Change::Byte(place, to) => change(bytes, place, |_| *to),
            Change::Bit(place, bit) => change(bytes, place, |byte| byte ^ (1 << (bit % 8))),
            Change::Nudge(place, by) => change(bytes, place, |byte| byte.wrapping_add_signed(*by)),
            Change::Number(place, edge, width, big) => {
                let width = 1 << (width % 4);
                let number = edge.number(width * 8).to_le_bytes();
                let mut number = number[..width as usize].to_vec();
                if *big {
                    number.reverse();
                }
                overwrite(bytes, place.of(length), &number);
            }
            Change::Insert(place, with) => {
                let at = place.of(length);
                bytes.splice(at..at, with.iter().copied());
            }
            Change::Remove(place, count) => {
                let at = place.of(length);
                bytes.drain(at..length.min(at + usize::from(*count)));
            }
            Change::Repeat(place, count, times) => {
                let at = place.of(length);
                let piece = bytes[at..length.min(at + usize::from(*count))].to_vec();
                let piece = piece.repeat(usize::from(*times).min(MOST / piece.len().max(1)));
                bytes.splice(at..at, piece);
            }
            Change::Splice(place, seed, from, count, between) => {
                let other = picked(seeds, *seed);
                let from = from.of(other.len());
                let piece = &other[from..other.len().min(from + usize::from(*count))];
                let at = place.of(length);
                if *between {
                    bytes.splice(at..at, piece.iter().copied());
                } else {
                    overwrite(bytes, at, piece);
                }
            }
            Change::Cut(place) => bytes.truncate(place.of(length)),
        }
    }
}

fn change(bytes: &mut [u8], place: &Place, to: impl Fn(u8) -> u8) {
    let at = place.of(bytes.len());
    if let Some(byte) = bytes.get_mut(at) {
        *byte = to(*byte);
    }
}

fn overwrite(bytes: &mut [u8], at: usize, with: &[u8]) {
    let room = bytes.len().saturating_sub(at).min(with.len());
    bytes[at..at + room].copy_from_slice(&with[..room]);
}

/// Writes the right checksum behind each chunk of a PNG.
fn mend(bytes: &mut [u8]) {
    let mut at = 8;
    if !bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        return;
    }
    while let Some(length) = bytes.get(at..at + 4) {
        let length = u32::from_be_bytes([length[0], length[1], length[2], length[3]]) as usize;
        let end = at + 8 + length;
        let Some(sum) = bytes.get(at + 4..end).map(crc32) else { return };
        overwrite(bytes, end, &sum.to_be_bytes());
        at = end + 4;
    }
}

/// The checksum of PNG (ISO 3309), bit by bit.
pub fn crc32(bytes: &[u8]) -> u32 {
    let sum = bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg())
        })
    });
    !sum
}

#[test]
fn checksums_are_those_of_the_standard() {
    assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    let whole = include_bytes!("../tests/imaging/fixtures/plain.png");
    let mut mended = whole.to_vec();
    mended[29] ^= 1;
    assert_ne!(mended, whole);
    mend(&mut mended);
    assert_eq!(mended, whole);
}
