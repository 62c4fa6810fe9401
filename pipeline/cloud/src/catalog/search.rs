//! Finding images by the indexes, which hold keys only and may lag behind: what an index names is
//! read, and what does not fit any more is left out.

use std::{cmp::Reverse, collections::HashSet};

use domain::{
    Image, ImageId, Status, StoreError,
    query::{Filter, Page},
};
use jiff::Timestamp;

use super::item::{Entry, due_kind, id_of, pk};
use crate::{
    answer::answer,
    table::{DUE, Item, Table, sort_key, text, text_of},
};

/// Before and behind every moment, and before every name.
const FIRST: &str = "0";
const LEAST: &str = "-";
const LAST: &str = "~";

/// Which part of an index, and in which direction.
pub(crate) struct Span<'a> {
    pub(crate) index: &'a str,
    pub(crate) partition: &'a str,
    /// The attribute that the index is sorted by.
    pub(crate) by: &'a str,
    /// From here on, this one included.
    pub(crate) from: String,
    /// To here, this one included.
    pub(crate) to: String,
    /// Left out: whoever asked has it already.
    pub(crate) but: Option<&'a str>,
    pub(crate) forward: bool,
}

impl<'a> Span<'a> {
    /// All that stands in `by_due` of a kind.
    pub(crate) fn of_kind(partition: &'a str) -> Self {
        let (from, to) = (LEAST.to_owned(), LAST.to_owned());
        Self { index: "by_due", partition, by: DUE, from, to, but: None, forward: true }
    }
}

/// Up to so many keys, with what they are sorted by.
pub(crate) async fn keys(
    table: &Table,
    span: &Span<'_>,
    limit: usize,
) -> Result<Vec<(String, Item)>, StoreError> {
    let mut found = Vec::new();
    let mut behind = None;
    while found.len() < limit {
        // One more than is wanted, for the one that is left out.
        let most = i32::try_from(limit - found.len() + 1).unwrap_or(i32::MAX);
        let read = table
            .index(span.index, span.partition)
            .key_condition_expression("#p = :p AND #by BETWEEN :from AND :to")
            .expression_attribute_names("#by", span.by)
            .expression_attribute_values(":from", text(&span.from))
            .expression_attribute_values(":to", text(&span.to))
            .scan_index_forward(span.forward)
            .limit(most)
            .set_exclusive_start_key(behind)
            .send()
            .await
            .map_err(|error| answer(&span.index, &error))?;
        for item in read.items.unwrap_or_default() {
            let key = text_of(&item, span.by)?.to_owned();
            if span.but != Some(key.as_str()) {
                found.push((key, item));
            }
        }
        behind = read.last_evaluated_key.filter(|key| !key.is_empty());
        if behind.is_none() {
            break;
        }
    }
    found.truncate(limit);
    Ok(found)
}

/// [`domain::Catalog::search`].
pub(super) async fn images(
    table: &Table,
    filter: &Filter,
    cursor: Option<&str>,
    limit: usize,
) -> Result<Page<Image>, StoreError> {
    let limit = limit.max(1);
    let from = filter.after.map_or_else(|| FIRST.to_owned(), |after| sort_key(after, ""));
    let before = filter.before.map_or_else(|| LAST.to_owned(), |before| sort_key(before, ""));
    let to = cursor.filter(|cursor| **cursor < *before).map_or(before, str::to_owned);
    if from > to {
        return Ok(Page { items: Vec::new(), next: None });
    }
    let tenants = match &filter.tenant {
        Some(tenant) => vec![tenant.to_string()],
        None => tenants(table).await?,
    };
    let mut found = Vec::new();
    for tenant in tenants {
        let (index, partition) = match filter.status {
            Some(status) => ("by_status", format!("{tenant}#{}", status.as_str())),
            None => ("by_tenant", tenant),
        };
        let span = Span {
            index,
            partition: &partition,
            by: "created",
            from: from.clone(),
            to: to.clone(),
            but: cursor,
            forward: false,
        };
        found.extend(keys(table, &span, limit + 1).await?);
    }
    found.sort_by(|(a, _), (b, _)| b.cmp(a));
    let next = (found.len() > limit).then(|| found[limit - 1].0.clone());
    found.truncate(limit);
    let mut images = read(table, &found).await?;
    images.retain(|image| filter.fits(image));
    images.sort_by_key(|image| Reverse(sort_key(image.created_at, image.id)));
    Ok(Page { items: images, next })
}

/// [`domain::Catalog::due`].
pub(super) async fn due(
    table: &Table,
    status: Status,
    before: Timestamp,
    cursor: Option<&str>,
    limit: usize,
) -> Result<Page<ImageId>, StoreError> {
    let limit = limit.max(1);
    let kind = due_kind(status);
    let from = cursor.unwrap_or(FIRST).to_owned();
    let span = Span { from, to: sort_key(before, ""), but: cursor, ..Span::of_kind(&kind) };
    if span.from > span.to {
        return Ok(Page { items: Vec::new(), next: None });
    }
    let mut found = keys(table, &span, limit + 1).await?;
    let next = (found.len() > limit).then(|| found[limit - 1].0.clone());
    found.truncate(limit);
    let mut items: Vec<_> = read(table, &found)
        .await?
        .into_iter()
        .filter(|image| image.status == status)
        .filter_map(|image| Some((image.due_at().filter(|due| *due < before)?, image.id)))
        .collect();
    items.sort();
    Ok(Page { items: items.into_iter().map(|(_, id)| id).collect(), next })
}

/// The images of these keys, as they are now.
async fn read(table: &Table, keys: &[(String, Item)]) -> Result<Vec<Image>, StoreError> {
    let pks: HashSet<_> =
        keys.iter().map(|(_, item)| id_of(item).map(pk)).collect::<Result<_, _>>()?;
    let pks: Vec<_> = pks.into_iter().collect();
    let items = table.get_all(&pks).await?;
    items.iter().map(|item| Entry::parse(item).map(|entry| entry.image)).collect()
}

/// The partition of `by_due` that lists whose images there are.
pub(super) const TENANTS: &str = "tenant";

/// Every owner of an image.
async fn tenants(table: &Table) -> Result<Vec<String>, StoreError> {
    let found = keys(table, &Span::of_kind(TENANTS), usize::MAX / 2).await?;
    Ok(found.into_iter().map(|(name, _)| name).collect())
}
