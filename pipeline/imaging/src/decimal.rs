//! Numbers that are compared, ordered and hashed, as plans need them, and written as people write
//! them: with a decimal point.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A number in millionths, within ±2,147,483,647.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal(i64);

impl Decimal {
    /// The most, either way.
    const MOST: i64 = 2_147_483_647_000_000;

    /// A number of millionths, cut to the range.
    pub const fn millionths(count: i64) -> Decimal {
        if count > Self::MOST {
            Decimal(Self::MOST)
        } else if count < -Self::MOST {
            Decimal(-Self::MOST)
        } else {
            Decimal(count)
        }
    }

    /// A whole number.
    pub const fn whole(number: i32) -> Decimal {
        Self::millionths(number as i64 * 1_000_000)
    }

    /// The nearest number of millionths; `None` for what is out of range or no number.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "checked to be within the range, which a float holds exactly"
    )]
    pub fn from_f64(number: f64) -> Option<Decimal> {
        let millionths = (number * 1e6).round();
        (millionths.abs() <= Self::MOST as f64).then_some(Decimal(millionths as i64))
    }

    /// The number, if it is a whole one.
    pub const fn whole_number(self) -> Option<i64> {
        if self.0 % 1_000_000 == 0 { Some(self.0 / 1_000_000) } else { None }
    }

    /// The number.
    #[expect(clippy::cast_precision_loss, reason = "the range is within 2⁵³")]
    pub fn get(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.get())
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.get())
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
        let number = f64::deserialize(deserializer)?;
        Decimal::from_f64(number)
            .ok_or_else(|| serde::de::Error::custom(format!("{number} is out of range")))
    }
}
