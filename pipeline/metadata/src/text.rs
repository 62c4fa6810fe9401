//! Text as cameras write it: of any charset, padded, and sometimes endless.

use exif::Value;

/// The text of a value: its first part that has any. EXIF says ASCII; what is not UTF-8 is shown
/// with replacement characters, since the charset is not written down and would be a guess.
pub(crate) fn of(value: &Value, longest: usize) -> Option<String> {
    let parts: &[Vec<u8>] = match value {
        Value::Ascii(parts) => parts,
        _ => return None,
    };
    parts.iter().find_map(|part| clean(&String::from_utf8_lossy(part), longest))
}

/// All parts of a text: EXIF's copyright has two, the photographer's and the editor's.
pub(crate) fn all_of(value: &Value, longest: usize) -> Option<String> {
    let Value::Ascii(parts) = value else { return None };
    let texts: Vec<_> =
        parts.iter().filter_map(|part| clean(&String::from_utf8_lossy(part), longest)).collect();
    clean(&texts.join("; "), longest)
}

/// The text of Windows' own tags: UTF-16, little-endian, in bytes.
pub(crate) fn wide(value: &Value, longest: usize) -> Option<String> {
    let (Value::Byte(bytes) | Value::Undefined(bytes, _)) = value else { return None };
    let (pairs, _) = bytes.as_chunks::<2>();
    let units: Vec<u16> =
        pairs.iter().map(|&pair| u16::from_le_bytes(pair)).take_while(|&unit| unit != 0).collect();
    clean(&String::from_utf16_lossy(&units), longest)
}

/// Without padding and control characters, and at most so many bytes as JSON has them, an ellipsis
/// at the end of what was cut; none where nothing is left.
pub(crate) fn clean(text: &str, longest: usize) -> Option<String> {
    const ELLIPSIS: &str = "…";
    let is_blank = |c: char| c.is_whitespace() || c.is_control() || c == '\u{feff}';
    let text = text.trim_matches(is_blank);
    let mut kept = String::new();
    let mut written = 0;
    // Where an ellipsis still fits behind.
    let mut cut = 0;
    for char in text.chars().filter(|&char| char == '\n' || !char.is_control()) {
        written += match char {
            '"' | '\\' | '\n' => 2,
            other => other.len_utf8(),
        };
        if written > longest {
            kept.truncate(cut);
            return Some(format!("{}{ELLIPSIS}", kept.trim_end()));
        }
        kept.push(char);
        if written + ELLIPSIS.len() <= longest {
            cut = kept.len();
        }
    }
    (!kept.is_empty()).then_some(kept)
}
