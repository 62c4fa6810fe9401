//! API keys as items, by the digests of their secrets: one read opens the door.

use async_trait::async_trait;
use domain::{
    Keyring, Sha256, StoreError,
    ports::{ApiKey, Owner},
};
use jiff::Timestamp;

use crate::{
    answer::answer,
    catalog::{Span, keys},
    table::{DUE, DUE_KIND, Item, PK, Table, json, json_of, sort_key, text, text_of},
};

/// The partition of the index.
const KIND: &str = "key";

/// [`Keyring`] in the table.
#[derive(Clone, Debug)]
pub struct CloudKeyring {
    table: Table,
}

impl CloudKeyring {
    /// Keys in this table.
    pub fn new(table: Table) -> Self {
        Self { table }
    }
}

fn pk(secret: &str) -> String {
    format!("key#{secret}")
}

fn name(id: &str) -> String {
    format!("key-name#{id}")
}

#[async_trait]
impl Keyring for CloudKeyring {
    async fn add(&self, key: &ApiKey, secret: Sha256) -> Result<(), StoreError> {
        let secret = secret.to_string();
        let owner = Item::from([
            (PK.to_owned(), text(pk(&secret))),
            ("key".to_owned(), json(key)?),
            (DUE_KIND.to_owned(), text(KIND)),
            (DUE.to_owned(), text(sort_key(key.created_at, &key.id))),
        ]);
        let named = Item::from([
            (PK.to_owned(), text(name(&key.id))),
            ("secret".to_owned(), text(&secret)),
        ]);
        if self.table.create(vec![owner, named]).await? {
            return Ok(());
        }
        Err(StoreError::Conflict(format!("key {}", key.id)))
    }

    async fn keys(&self) -> Result<Vec<ApiKey>, StoreError> {
        let found = keys(&self.table, &Span::of_kind(KIND), usize::MAX / 2).await?;
        let pks: Vec<_> = found
            .iter()
            .map(|(_, item)| text_of(item, PK).map(str::to_owned))
            .collect::<Result<_, _>>()?;
        let items = self.table.get_all(&pks).await?;
        let mut found: Vec<ApiKey> =
            items.iter().map(|item| json_of(item, "key")).collect::<Result<_, _>>()?;
        found.sort_by_key(|key| sort_key(key.created_at, &key.id));
        Ok(found)
    }

    async fn revoke(&self, id: &str, now: Timestamp) -> Result<(), StoreError> {
        let missing = || StoreError::Missing(format!("key {id}"));
        let named = self.table.get(&name(id)).await?.ok_or_else(missing)?;
        let secret = text_of(&named, "secret")?;
        let item = self.table.get(&pk(secret)).await?.ok_or_else(missing)?;
        let mut key: ApiKey = json_of(&item, "key")?;
        if key.revoked_at.is_some() {
            return Ok(());
        }
        key.revoked_at = Some(now);
        let before = text_of(&item, "key")?.to_owned();
        let written = self
            .table
            .client
            .update_item()
            .table_name(&self.table.name)
            .key(PK, text(pk(secret)))
            .update_expression("SET #key = :key")
            .condition_expression("#key = :before")
            .expression_attribute_names("#key", "key")
            .expression_attribute_values(":key", json(&key)?)
            .expression_attribute_values(":before", text(before))
            .send()
            .await;
        match written.map_err(|error| answer(&id, &error)) {
            // Somebody else revoked it just now: nothing else ever changes a key.
            Ok(_) | Err(StoreError::Conflict(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn owner(&self, secret: Sha256) -> Result<Option<Owner>, StoreError> {
        let Some(item) = self.table.get(&pk(&secret.to_string())).await? else { return Ok(None) };
        let key: ApiKey = json_of(&item, "key")?;
        Ok(key.revoked_at.is_none().then(|| key.owner()))
    }
}
