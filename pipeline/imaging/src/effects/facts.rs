//! What is known of each effect beside its code: names, ranges, defaults, definition. The parser
//! takes its bounds from here, and documentation and JSON Schema are made of it, so that nothing is
//! written twice.

/// One effect, as presets know it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Facts {
    /// The key in presets.
    pub name: &'static str,
    /// What it does, in one sentence.
    pub summary: &'static str,
    /// How exactly, after which source, and in which light.
    pub definition: &'static str,
    /// What can be set.
    pub parameters: &'static [Parameter],
}

/// One key of an effect.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parameter {
    /// The key.
    pub name: &'static str,
    /// What it sets.
    pub summary: &'static str,
    /// What may be written.
    pub kind: Kind,
    /// What holds where it is left out.
    pub default: Default,
}

/// The values that a parameter takes. Every bound is inclusive.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// A number, kept to the millionth.
    Number {
        /// The lower bound.
        least: f64,
        /// The upper bound.
        most: f64,
    },
    /// A whole number.
    Whole {
        /// The lower bound.
        least: u32,
        /// The upper bound.
        most: u32,
    },
    /// So many numbers in a list.
    Numbers {
        /// How many.
        count: usize,
        /// The lower bound of each.
        least: f64,
        /// The upper bound of each.
        most: f64,
    },
    /// A colour of sRGB: `#rrggbb` or `#rrggbbaa`.
    Color,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A compass point or `{ x = 0.3, y = 0.5 }`, in shares of the room there is.
    Place,
    /// Text of so many characters at most, all of which the embedded font has.
    Text {
        /// The most characters.
        most: usize,
    },
    /// The name of a picture: PNG, JPEG or WebP.
    Image,
}

/// What holds where a parameter is left out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Default {
    /// It may not be left out.
    Required,
    /// Nothing: what it would set is not done.
    Absent,
    /// This number.
    Number(f64),
    /// This word, colour or compass point.
    Word(&'static str),
}

impl Facts {
    /// Whether the bare name is enough.
    pub fn has_defaults(&self) -> bool {
        self.parameters.iter().all(|parameter| parameter.default != Default::Required)
    }
}

impl Kind {
    /// What is allowed, in words.
    pub fn allowed(&self) -> String {
        match self {
            Kind::Number { least, most } => format!("a number, {least} to {most}"),
            Kind::Whole { least, most } => format!("a whole number, {least} to {most}"),
            Kind::Numbers { count, least, most } => {
                format!("a list of {count} numbers, each {least} to {most}")
            }
            Kind::Color => "a colour, \"#rrggbb\" or \"#rrggbbaa\"".to_owned(),
            Kind::Choice(words) => {
                let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
                quoted.join(", ")
            }
            Kind::Place => {
                let names: Vec<&str> =
                    crate::geometry::Point::COMPASS.iter().map(|(name, _)| *name).collect();
                format!("{}, or {{ x = …, y = … }} with shares 0 to 1", names.join(", "))
            }
            Kind::Text { most } => format!("1 to {most} characters of Latin, Greek or Cyrillic"),
            Kind::Image => "the name of a PNG, JPEG or WebP file".to_owned(),
        }
    }
}

/// A share of the whole, 0–1.
pub(super) const SHARE: Kind = Kind::Number { least: 0.0, most: 1.0 };
