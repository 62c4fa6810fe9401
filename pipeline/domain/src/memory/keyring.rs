//! API keys in a list.

use std::sync::Mutex;

use async_trait::async_trait;
use jiff::Timestamp;

use super::lock;
use crate::{
    Keyring, Sha256, StoreError,
    ports::{ApiKey, Owner},
};

/// [`Keyring`] in memory.
#[derive(Default)]
pub struct MemoryKeyring(Mutex<Vec<(ApiKey, Sha256)>>);

impl MemoryKeyring {
    /// A ring without keys.
    pub fn new() -> Self {
        Self::default()
    }
}

#[async_trait]
impl Keyring for MemoryKeyring {
    async fn add(&self, key: &ApiKey, secret: Sha256) -> Result<(), StoreError> {
        let mut keys = lock(&self.0);
        if keys.iter().any(|(other, digest)| other.id == key.id || *digest == secret) {
            return Err(StoreError::Conflict(format!("key {}", key.id)));
        }
        keys.push((key.clone(), secret));
        Ok(())
    }

    async fn keys(&self) -> Result<Vec<ApiKey>, StoreError> {
        let mut keys: Vec<_> = lock(&self.0).iter().map(|(key, _)| key.clone()).collect();
        keys.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        Ok(keys)
    }

    async fn revoke(&self, id: &str, now: Timestamp) -> Result<(), StoreError> {
        let mut keys = lock(&self.0);
        let (key, _) = keys
            .iter_mut()
            .find(|(key, _)| key.id == id)
            .ok_or_else(|| StoreError::Missing(format!("key {id}")))?;
        key.revoked_at.get_or_insert(now);
        Ok(())
    }

    async fn owner(&self, secret: Sha256) -> Result<Option<Owner>, StoreError> {
        let keys = lock(&self.0);
        let found = keys.iter().find(|(key, digest)| *digest == secret && key.revoked_at.is_none());
        Ok(found.map(|(key, _)| key.owner()))
    }
}
