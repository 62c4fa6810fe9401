//! What a container's own texts say: PNG's keywords (PNG, third edition, 11.3.3.1) and SVG's title
//! and description. Comments are of anything, mostly of programs, so they stand in the raw metadata
//! only.

use domain::record::Metadata;

use super::longest;
use crate::{moment, text::clean};

pub(super) fn said(texts: &[(String, String)]) -> Metadata {
    let text = |keywords: &[&str], longest| {
        let mut of_them = texts.iter().filter(|(known, _)| keywords.contains(&known.as_str()));
        of_them.find_map(|(_, text)| clean(text, longest))
    };
    Metadata {
        taken_at: text(&["Creation Time"], longest::LINE).and_then(|text| moment::of_png(&text)),
        title: text(&["Title", "title"], longest::LINE),
        description: text(&["Description", "desc"], longest::PARAGRAPH),
        creator: text(&["Author"], longest::LINE),
        copyright: text(&["Copyright"], longest::LINE),
        ..Metadata::default()
    }
}
