//! Sizes and orientation, in whole pixels. Everything here is exact integer arithmetic, total over
//! all inputs, and never returns a zero side.

use serde::{Deserialize, Serialize};

use crate::decimal::Decimal;

/// How a picture is brought into a box. No fit enlarges unless it is told to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fit {
    /// As large as fits into the box, aspect kept.
    Inside,
    /// The same as [`Fit::Inside`]: CSS's word for it.
    Contain,
    /// Exactly the box, aspect given up; a side that the source does not have stays as it is.
    Fill,
    /// Exactly the box's aspect, filled from a part of the picture. A box larger than the picture
    /// is first reduced, aspect kept, to the largest that the picture covers.
    Cover,
    /// As [`Fit::Inside`], and what the box has left is filled up: the result is exactly the box.
    Pad,
}

impl Fit {
    /// All fits, by their names in presets.
    pub const ALL: &[(&str, Fit)] = &[
        ("inside", Fit::Inside),
        ("contain", Fit::Contain),
        ("fill", Fit::Fill),
        ("cover", Fit::Cover),
        ("pad", Fit::Pad),
    ];

    /// The size of the picture in the result, for an upright source of `source` pixels and a box of
    /// `within`. Every side is between 1 and that of source and box.
    pub fn size(self, source: Size, within: Size) -> Size {
        match self {
            Fit::Inside | Fit::Contain | Fit::Pad => source.inside(within),
            Fit::Fill => {
                Size::new(source.width.min(within.width), source.height.min(within.height))
            }
            Fit::Cover => within.inside(source),
        }
    }

    /// The same where a picture smaller than the box becomes larger. A side of the box that is
    /// open (`u32::MAX`) follows from the other.
    pub fn enlarged(self, source: Size, within: Size) -> Size {
        match self {
            Fit::Inside | Fit::Contain | Fit::Pad => source.filling(within),
            Fit::Fill | Fit::Cover => within,
        }
    }
}

/// A width and a height in pixels, never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Size {
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl Size {
    /// A size; a zero side becomes one pixel.
    pub fn new(width: u32, height: u32) -> Size {
        Size { width: width.max(1), height: height.max(1) }
    }

    /// Width times height.
    pub fn pixels(self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    /// The largest size of the same aspect within the box, at most this size. The shorter side is
    /// rounded to nearest, so the aspect is kept within half a pixel.
    #[must_use]
    pub fn inside(self, within: Size) -> Size {
        if self.width <= within.width && self.height <= within.height {
            return self;
        }
        self.filling(within)
    }

    /// The largest size of the same aspect within the box, also where that is larger than this
    /// size.
    #[must_use]
    pub fn filling(self, within: Size) -> Size {
        let (width, height) = (u64::from(self.width), u64::from(self.height));
        let (most_wide, most_high) = (u64::from(within.width), u64::from(within.height));
        if most_wide * height <= most_high * width {
            Size::new(within.width, narrow(rounded(height * most_wide, width).min(most_high)))
        } else {
            Size::new(narrow(rounded(width * most_high, height).min(most_wide)), within.height)
        }
    }

    /// The smallest size that holds this one turned by an angle in degrees.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the diagonal of two 32-bit sides is below 2³³, and floats are cut when cast"
    )]
    pub fn rotated(self, degrees: f64) -> Size {
        let (sine, cosine) = libm::sincos(degrees.to_radians());
        let (width, height) = (f64::from(self.width), f64::from(self.height));
        // A quarter's sine is not quite 0 or 1 in floats; no picture needs a column for that.
        let side = |length: f64| (length - 1e-6).ceil() as u32;
        Size::new(
            side((width * cosine).abs() + (height * sine).abs()),
            side((width * sine).abs() + (height * cosine).abs()),
        )
    }

    /// Whether both sides are at least `times` those of `other`.
    pub fn covers(self, other: Size, times: u32) -> bool {
        u64::from(self.width) >= u64::from(other.width) * u64::from(times)
            && u64::from(self.height) >= u64::from(other.height) * u64::from(times)
    }

    /// Width and height exchanged when `orientation` lies on its side.
    #[must_use]
    pub fn turned(self, orientation: Orientation) -> Size {
        if orientation.swaps_sides() { Size::new(self.height, self.width) } else { self }
    }
}

/// A point of a picture, in shares of its sides: 0, 0 is the top left, 1, 1 the bottom right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Point {
    /// From the left.
    pub x: Decimal,
    /// From the top.
    pub y: Decimal,
}

impl Point {
    /// The middle.
    pub const CENTRE: Point =
        Point { x: Decimal::millionths(500_000), y: Decimal::millionths(500_000) };

    /// The points of the compass and the centre, by their names in presets: north is the top.
    pub const COMPASS: [(&'static str, Point); 9] = {
        const fn at(x: i64, y: i64) -> Point {
            Point { x: Decimal::millionths(x * 500_000), y: Decimal::millionths(y * 500_000) }
        }
        [
            ("centre", at(1, 1)),
            ("north", at(1, 0)),
            ("north-east", at(2, 0)),
            ("east", at(2, 1)),
            ("south-east", at(2, 2)),
            ("south", at(1, 2)),
            ("south-west", at(0, 2)),
            ("west", at(0, 1)),
            ("north-west", at(0, 0)),
        ]
    };
}

/// A rectangle of a picture, in shares of its sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Area {
    /// From the left, 0–1.
    pub x: Decimal,
    /// From the top, 0–1.
    pub y: Decimal,
    /// Across, above 0.
    pub width: Decimal,
    /// Down, above 0.
    pub height: Decimal,
}

impl Area {
    /// The whole pixels of a picture of `size` that it covers best: the first column and row, and
    /// the size. Never outside the picture, never empty.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and the side"
    )]
    pub fn pixels(self, size: Size) -> (u32, u32, Size) {
        let span = |from: Decimal, length: Decimal, side: u32| {
            let place = |share: f64| (share.clamp(0.0, 1.0) * f64::from(side)).round() as u32;
            let first = place(from.get()).min(side - 1);
            let end = place(from.get() + length.get()).clamp(first + 1, side);
            (first, end - first)
        };
        let (left, width) = span(self.x, self.width, size.width);
        let (top, height) = span(self.y, self.height, size.height);
        (left, top, Size::new(width, height))
    }

    /// The size of [`pixels`](Area::pixels).
    pub(crate) fn of(self, size: Size) -> Size {
        self.pixels(size).2
    }
}

fn rounded(numerator: u64, denominator: u64) -> u64 {
    (numerator + denominator / 2) / denominator.max(1)
}

fn narrow(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// How the stored rows and columns have to be turned to be seen upright: tag 0x0112 of EXIF 2.32,
/// written as its number 1–8 in data.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(into = "u8", try_from = "u8")]
pub enum Orientation {
    /// 1: as stored.
    #[default]
    Upright,
    /// 2: left and right are exchanged.
    Mirrored,
    /// 3: upside down.
    Turned180,
    /// 4: top and bottom are exchanged.
    Flipped,
    /// 5: rows and columns are exchanged.
    Transposed,
    /// 6: has to be turned a quarter clockwise.
    Turned90,
    /// 7: rows and columns are exchanged along the other diagonal.
    Transversed,
    /// 8: has to be turned a quarter anticlockwise.
    Turned270,
}

impl Orientation {
    /// All eight, in the order of their numbers.
    pub const ALL: [Orientation; 8] = [
        Orientation::Upright,
        Orientation::Mirrored,
        Orientation::Turned180,
        Orientation::Flipped,
        Orientation::Transposed,
        Orientation::Turned90,
        Orientation::Transversed,
        Orientation::Turned270,
    ];

    /// The orientation of a number in EXIF; `None` outside 1–8.
    pub fn from_exif(number: u16) -> Option<Orientation> {
        let index = usize::from(number).checked_sub(1)?;
        Orientation::ALL.get(index).copied()
    }

    /// The number in EXIF, 1–8.
    pub fn exif(self) -> u8 {
        self as u8 + 1
    }

    /// Whether width and height are exchanged.
    pub fn swaps_sides(self) -> bool {
        matches!(
            self,
            Orientation::Transposed
                | Orientation::Turned90
                | Orientation::Transversed
                | Orientation::Turned270
        )
    }
}

impl From<Orientation> for u8 {
    fn from(orientation: Orientation) -> u8 {
        orientation.exif()
    }
}

impl TryFrom<u8> for Orientation {
    type Error = String;

    fn try_from(number: u8) -> Result<Orientation, String> {
        Orientation::from_exif(u16::from(number))
            .ok_or_else(|| format!("an orientation is 1 to 8, not {number}"))
    }
}
