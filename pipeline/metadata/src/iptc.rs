//! IPTC-IIM data sets (IPTC-NAA Information Interchange Model 4.2, chapter 3).

/// Data sets of one file.
const MOST: usize = 1_000;

/// What each data set begins with.
const MARKER: u8 = 0x1c;

/// The record of editorial data, and of the envelope around it.
pub(crate) const APPLICATION: u8 = 2;
const ENVELOPE: u8 = 1;
const CODED_CHARACTER_SET: u8 = 90;

/// Names of the data sets that are normalised, by the model's own words.
pub(crate) mod set {
    pub(crate) const OBJECT_NAME: u8 = 5;
    pub(crate) const KEYWORDS: u8 = 25;
    pub(crate) const DATE_CREATED: u8 = 55;
    pub(crate) const TIME_CREATED: u8 = 60;
    pub(crate) const BY_LINE: u8 = 80;
    pub(crate) const COPYRIGHT_NOTICE: u8 = 116;
    pub(crate) const CAPTION: u8 = 120;
}

/// The data sets of a block, in its order.
#[derive(Default)]
pub(crate) struct DataSets {
    pub(crate) all: Vec<DataSet>,
    /// Data sets that were one too many, or the block's end that made no sense.
    pub(crate) fault: Option<&'static str>,
}

/// One.
pub(crate) struct DataSet {
    pub(crate) record: u8,
    pub(crate) number: u8,
    pub(crate) value: Value,
}

/// A text, or bytes that are none.
pub(crate) enum Value {
    Text(String),
    Bytes(Vec<u8>),
}

/// How a block's text is written (1:90). Unless it says so it is ASCII by the standard and UTF-8 by
/// use; what is neither is shown with replacement characters, since a charset would be a guess.
#[derive(Clone, Copy)]
enum Charset {
    Utf8,
    Latin1,
}

impl DataSets {
    /// Reads a block until it makes no sense.
    pub(crate) fn of(block: &[u8]) -> Self {
        let mut sets = Self::default();
        let mut charset = Charset::Utf8;
        let mut rest = block;
        while let Some((record, number, data, behind)) = next(rest) {
            rest = behind;
            if sets.all.len() >= MOST {
                sets.fault = Some("it has too many data sets");
                return sets;
            }
            if (record, number) == (ENVELOPE, CODED_CHARACTER_SET) {
                charset = Charset::of(data);
            }
            let value = charset.value(record, data);
            sets.all.push(DataSet { record, number, value });
        }
        // Blocks are padded with zeros.
        if rest.iter().any(|&byte| byte != 0) {
            sets.fault = Some("it ends in what is no data set");
        }
        sets
    }

    /// The texts of a data set that may be repeated.
    pub(crate) fn texts(&self, number: u8) -> impl Iterator<Item = &str> {
        self.all.iter().filter_map(move |set| match &set.value {
            Value::Text(text) if (set.record, set.number) == (APPLICATION, number) => {
                Some(text.as_str())
            }
            _ => None,
        })
    }

    /// The text of a data set.
    pub(crate) fn text(&self, number: u8) -> Option<&str> {
        self.texts(number).next()
    }
}

/// Record, data set, data, and what comes behind (3.1.1, 3.1.2).
fn next(bytes: &[u8]) -> Option<(u8, u8, &[u8], &[u8])> {
    let &[MARKER, record, number, high, low, ref rest @ ..] = bytes else { return None };
    let short = u16::from_be_bytes([high, low]);
    let (length, rest) = if short < 0x8000 {
        (usize::from(short), rest)
    } else {
        // As many bytes of length follow.
        let (length, rest) = rest.split_at_checked(usize::from(short & 0x7fff))?;
        if length.len() > 4 {
            return None;
        }
        (length.iter().fold(0, |sum, &byte| sum << 8 | usize::from(byte)), rest)
    };
    let (data, behind) = rest.split_at_checked(length)?;
    Some((record, number, data, behind))
}

impl Charset {
    /// By the escape sequence (ISO 2022) of 1:90.
    fn of(escape: &[u8]) -> Self {
        match escape {
            b"\x1b-A" | b"\x1b.A" | b"\x1b/A" => Self::Latin1,
            _ => Self::Utf8,
        }
    }

    /// The application record is text but for its version and a few that hold pictures and sounds.
    fn value(self, record: u8, data: &[u8]) -> Value {
        let padding = data.iter().rev().take_while(|&&byte| byte == 0).count();
        let text = data.get(..data.len() - padding).unwrap_or_default();
        if record != APPLICATION || text.contains(&0) {
            return Value::Bytes(data.to_vec());
        }
        Value::Text(match self {
            Self::Utf8 => String::from_utf8_lossy(text).into_owned(),
            Self::Latin1 => text.iter().map(|&byte| char::from(byte)).collect(),
        })
    }
}

/// The model's name of a data set, or its numbers.
pub(crate) fn name(set: &DataSet) -> String {
    let known = match (set.record, set.number) {
        (ENVELOPE, CODED_CHARACTER_SET) => "CodedCharacterSet",
        (APPLICATION, 0) => "RecordVersion",
        (APPLICATION, set::OBJECT_NAME) => "ObjectName",
        (APPLICATION, 15) => "Category",
        (APPLICATION, set::KEYWORDS) => "Keywords",
        (APPLICATION, 40) => "SpecialInstructions",
        (APPLICATION, set::DATE_CREATED) => "DateCreated",
        (APPLICATION, set::TIME_CREATED) => "TimeCreated",
        (APPLICATION, set::BY_LINE) => "By-line",
        (APPLICATION, 85) => "By-lineTitle",
        (APPLICATION, 90) => "City",
        (APPLICATION, 95) => "Province-State",
        (APPLICATION, 101) => "Country-PrimaryLocationName",
        (APPLICATION, 105) => "Headline",
        (APPLICATION, 110) => "Credit",
        (APPLICATION, 115) => "Source",
        (APPLICATION, set::COPYRIGHT_NOTICE) => "CopyrightNotice",
        (APPLICATION, set::CAPTION) => "Caption-Abstract",
        (record, number) => return format!("{record}:{number}"),
    };
    known.to_owned()
}
