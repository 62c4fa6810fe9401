//! What IPTC-IIM says.

use domain::record::Metadata;

use super::{keywords, longest, people};
use crate::{
    iptc::{DataSets, set},
    moment,
    text::clean,
};

pub(super) fn said(sets: &DataSets) -> Metadata {
    let taken_at = || moment::of_iptc(sets.text(set::DATE_CREATED)?, sets.text(set::TIME_CREATED)?);
    Metadata {
        taken_at: taken_at(),
        title: sets.text(set::OBJECT_NAME).and_then(|text| clean(text, longest::LINE)),
        description: sets.text(set::CAPTION).and_then(|text| clean(text, longest::PARAGRAPH)),
        keywords: keywords(sets.texts(set::KEYWORDS)),
        creator: people(sets.texts(set::BY_LINE)),
        copyright: sets.text(set::COPYRIGHT_NOTICE).and_then(|text| clean(text, longest::LINE)),
        ..Metadata::default()
    }
}
