//! Dead letters as items: a queue of SQS can neither be listed nor searched.

use async_trait::async_trait;
use domain::{DeadLetters, Message, Problem, StoreError, ports::DeadLetter, query::Page};
use jiff::Timestamp;

use crate::{
    answer::answer,
    catalog::{Span, keys},
    table::{DUE, DUE_KIND, Item, PK, Table, json, json_of, sort_key, text, text_of},
};

/// The partition of the index.
const KIND: &str = "letter";

/// [`DeadLetters`] in the table.
#[derive(Clone, Debug)]
pub struct CloudLetters {
    table: Table,
}

impl CloudLetters {
    /// Letters in this table.
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    /// Puts a letter there; one of the same work gives way.
    pub(crate) async fn put(
        &self,
        message: &Message,
        reason: &Problem,
        buried_at: Timestamp,
    ) -> Result<(), StoreError> {
        let id = DeadLetter::name(message);
        let item = Item::from([
            (PK.to_owned(), text(pk(&id))),
            ("message".to_owned(), json(message)?),
            ("reason".to_owned(), json(reason)?),
            ("buried_at".to_owned(), text(buried_at.to_string())),
            (DUE_KIND.to_owned(), text(KIND)),
            (DUE.to_owned(), text(sort_key(buried_at, &id))),
        ]);
        let put = self.table.client.put_item().table_name(&self.table.name).set_item(Some(item));
        put.send().await.map(drop).map_err(|error| answer(&id, &error))
    }
}

fn pk(id: &str) -> String {
    format!("letter#{id}")
}

fn parse(item: &Item) -> Result<DeadLetter, StoreError> {
    let id = text_of(item, PK)?.trim_start_matches("letter#").to_owned();
    let buried_at = text_of(item, "buried_at")?;
    let buried_at = buried_at.parse().map_err(|_| StoreError::Broken(buried_at.to_owned()))?;
    let (message, reason) = (json_of(item, "message")?, json_of(item, "reason")?);
    Ok(DeadLetter { id, message, reason, buried_at })
}

#[async_trait]
impl DeadLetters for CloudLetters {
    async fn letters(
        &self,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<DeadLetter>, StoreError> {
        let limit = limit.max(1);
        let mut span = Span::of_kind(KIND);
        if let Some(cursor) = cursor {
            (span.from, span.but) = (cursor.to_owned(), Some(cursor));
        }
        let mut found = keys(&self.table, &span, limit + 1).await?;
        let next = (found.len() > limit).then(|| found[limit - 1].0.clone());
        found.truncate(limit);
        let pks: Vec<_> = found
            .iter()
            .map(|(_, item)| text_of(item, PK).map(str::to_owned))
            .collect::<Result<_, _>>()?;
        let items = self.table.get_all(&pks).await?;
        let mut items: Vec<_> = items.iter().map(parse).collect::<Result<_, _>>()?;
        items.sort_by_key(|letter| sort_key(letter.buried_at, &letter.id));
        Ok(Page { items, next })
    }

    async fn letter(&self, id: &str) -> Result<DeadLetter, StoreError> {
        let missing = || StoreError::Missing(format!("dead letter {id}"));
        parse(&self.table.get(&pk(id)).await?.ok_or_else(missing)?)
    }

    async fn discard(&self, id: &str, buried_at: Timestamp) -> Result<(), StoreError> {
        let discarded = self
            .table
            .client
            .delete_item()
            .table_name(&self.table.name)
            .key(PK, text(pk(id)))
            .condition_expression("#at = :at")
            .expression_attribute_names("#at", "buried_at")
            .expression_attribute_values(":at", text(buried_at.to_string()))
            .send()
            .await;
        match discarded.map_err(|error| answer(&id, &error)) {
            // None there, or a newer one.
            Ok(_) | Err(StoreError::Conflict(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
