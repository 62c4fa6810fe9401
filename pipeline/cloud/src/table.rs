//! The one table: how its items are named, and reading and writing them.
//!
//! | item | `pk` | holds |
//! | --- | --- | --- |
//! | an image | `image#{id}` | `catalog/item.rs` |
//! | a repeatable request | `request#{tenant}#{key}` | the image that came of it, for a day |
//! | a dead letter | `letter#{id}` | the message and why it was given up |
//! | an API key | `key#{digest of the secret}` | whose it is |
//! | its name | `key-name#{id}` | the digest |
//! | whose images there are | `tenant#{name}` | the name |
//!
//! The indexes hold keys only, and an item is in one only while it has both of its attributes:
//!
//! | index | partition | sorted by | who |
//! | --- | --- | --- | --- |
//! | `by_tenant` | `tenant` | `created` | every image |
//! | `by_status` | `tenant_status` | `created` | every image |
//! | `by_due` | `due_kind` | `due` | images that the sweeper may have to look after, letters, API keys, owners |
//! | `by_hash` | `tenant_hash` | `created` | images whose bytes were read |

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    operation::query::builders::QueryFluentBuilder,
    types::{AttributeValue, KeysAndAttributes, Put, TransactWriteItem},
};
use domain::StoreError;
use jiff::Timestamp;

use crate::answer::answer;

/// What DynamoDB gives and takes.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// The partition key.
pub(crate) const PK: &str = "pk";
/// The partition and the order of what stands in `by_due`.
pub(crate) const DUE_KIND: &str = "due_kind";
pub(crate) const DUE: &str = "due";
/// When an item may go, in seconds since 1970: the table's TTL.
pub(crate) const TTL: &str = "expires";
/// What a write must find unchanged.
pub(crate) const REV: &str = "rev";

/// The global secondary indexes: name, partition and sort attribute.
pub const INDEXES: [(&str, &str, &str); 4] = [
    ("by_tenant", "tenant", "created"),
    ("by_status", "tenant_status", "created"),
    ("by_due", DUE_KIND, DUE),
    ("by_hash", "tenant_hash", "created"),
];

/// Items that one request reads.
const BATCH: usize = 100;
/// Times that what a batch left out is asked for again.
const PATIENCE: u32 = 8;

/// The table, and the client that reaches it.
#[derive(Clone, Debug)]
pub struct Table {
    pub(crate) client: Client,
    pub(crate) name: String,
}

impl Table {
    /// The table of this name.
    pub fn new(client: Client, name: impl Into<String>) -> Self {
        Self { client, name: name.into() }
    }

    /// An item as it is at this moment.
    pub(crate) async fn get(&self, pk: &str) -> Result<Option<Item>, StoreError> {
        let request = self.client.get_item().table_name(&self.name).consistent_read(true);
        let found = request.key(PK, text(pk)).send().await;
        found.map(|found| found.item).map_err(|error| answer(&pk, &error))
    }

    /// Items as they are at this moment, in any order.
    pub(crate) async fn get_all(&self, pks: &[String]) -> Result<Vec<Item>, StoreError> {
        let mut found = Vec::new();
        for pks in pks.chunks(BATCH) {
            let keys = pks.iter().map(|pk| Item::from([(PK.to_owned(), text(pk))])).collect();
            let mut left = Some(
                KeysAndAttributes::builder()
                    .set_keys(Some(keys))
                    .consistent_read(true)
                    .build()
                    .map_err(|error| StoreError::Broken(error.to_string()))?,
            );
            let mut tries = 0;
            while let Some(wanted) = left.take() {
                if tries == PATIENCE {
                    let reason = "DynamoDB leaves items of a batch out".to_owned();
                    return Err(StoreError::Busy { retry_after: pause(tries), reason });
                }
                if tries > 0 {
                    tokio::time::sleep(pause(tries)).await;
                }
                let request = self.client.batch_get_item().request_items(&self.name, wanted);
                let read = request.send().await.map_err(|error| answer(&"items", &error))?;
                found.extend(read.responses.unwrap_or_default().into_values().flatten());
                let rest = read.unprocessed_keys.unwrap_or_default().into_values().next();
                left = rest.filter(|rest| !rest.keys.is_empty());
                tries += 1;
            }
        }
        Ok(found)
    }

    /// Writes items of which none may be there: all of them, or false and none.
    pub(crate) async fn create(&self, items: Vec<Item>) -> Result<bool, StoreError> {
        let subject = items.first().map(|item| text_of(item, PK).map(str::to_owned)).transpose()?;
        let subject = subject.unwrap_or_default();
        let mut puts = Vec::new();
        for item in items {
            let put = Put::builder()
                .table_name(&self.name)
                .set_item(Some(item))
                .condition_expression("attribute_not_exists(#pk)")
                .expression_attribute_names("#pk", PK)
                .build();
            puts.push(put.map_err(|error| StoreError::Broken(error.to_string()))?);
        }
        let written = match <[Put; 1]>::try_from(puts) {
            Ok([put]) => {
                let alone =
                    self.client.put_item().table_name(put.table_name).set_item(Some(put.item));
                let alone = alone.set_condition_expression(put.condition_expression);
                let alone = alone.set_expression_attribute_names(put.expression_attribute_names);
                alone.send().await.map(drop).map_err(|error| answer(&subject, &error))
            }
            Err(puts) => {
                let puts =
                    puts.into_iter().map(|put| TransactWriteItem::builder().put(put).build());
                let all =
                    self.client.transact_write_items().set_transact_items(Some(puts.collect()));
                all.send().await.map(drop).map_err(|error| answer(&subject, &error))
            }
        };
        match written {
            Ok(()) => Ok(true),
            Err(StoreError::Conflict(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// A query of one partition of an index.
    pub(crate) fn index(&self, index: &str, partition: &str) -> QueryFluentBuilder {
        let attribute =
            INDEXES.iter().find(|(name, ..)| *name == index).map_or(PK, |found| found.1);
        self.client
            .query()
            .table_name(&self.name)
            .index_name(index)
            .expression_attribute_names("#p", attribute)
            .expression_attribute_values(":p", text(partition))
    }
}

/// The pause before another try: doubled each time, from 25 ms on.
pub(crate) fn pause(tries: u32) -> std::time::Duration {
    std::time::Duration::from_millis(25 << tries.min(6))
}

pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(crate) fn number(value: &impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// A text of an item; what is not there makes the item one that we did not write.
pub(crate) fn text_of<'a>(item: &'a Item, name: &str) -> Result<&'a str, StoreError> {
    let value = item.get(name).and_then(|value| value.as_s().ok());
    value.map(String::as_str).ok_or_else(|| lacks(name))
}

pub(crate) fn number_of(item: &Item, name: &str) -> Result<u64, StoreError> {
    let value = item.get(name).and_then(|value| value.as_n().ok());
    value.and_then(|value| value.parse().ok()).ok_or_else(|| lacks(name))
}

pub(crate) fn json_of<T: serde::de::DeserializeOwned>(
    item: &Item,
    name: &str,
) -> Result<T, StoreError> {
    let value = text_of(item, name)?;
    serde_json::from_str(value).map_err(|error| StoreError::Broken(format!("{name}: {error}")))
}

pub(crate) fn json<T: serde::Serialize>(value: &T) -> Result<AttributeValue, StoreError> {
    serde_json::to_string(value).map(text).map_err(|error| StoreError::Broken(error.to_string()))
}

fn lacks(name: &str) -> StoreError {
    StoreError::Broken(format!("an item lacks its {name}"))
}

/// Sorts as the moments do, and then as the names: nanoseconds since the first moment that there is,
/// in thirty digits.
pub(crate) fn sort_key(moment: Timestamp, name: impl std::fmt::Display) -> String {
    let nanos = moment.as_nanosecond() - Timestamp::MIN.as_nanosecond();
    format!("{nanos:030}~{name}")
}
