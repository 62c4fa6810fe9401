//! Broken keyrings.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use domain::{
    Keyring, Sha256, StoreError, Tenant,
    ports::{ApiKey, Owner, Role},
};
use jiff::Timestamp;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Fault {
    OpensForEverybody,
    MakesEverybodyOperator,
    OpensForRevokedKeys,
    ForgetsRevokedKeys,
    TakesDoubleKeys,
    RevokesWhatIsNotThere,
}

/// Each fault, and the checks that are meant to find it.
pub(super) const FAULTS: &[(Fault, &[&str])] = &[
    (Fault::OpensForEverybody, &["keyring::key_opens_its_tenant"]),
    (Fault::MakesEverybodyOperator, &["keyring::key_opens_its_tenant"]),
    (Fault::OpensForRevokedKeys, &["keyring::revoked_opens_nothing"]),
    (Fault::ForgetsRevokedKeys, &["keyring::keys_are_listed"]),
    (Fault::TakesDoubleKeys, &["keyring::names_and_secrets_are_unique"]),
    (Fault::RevokesWhatIsNotThere, &["keyring::unknown_key_is_missing"]),
];

pub(super) struct BrokenKeyring {
    inner: Arc<dyn Keyring>,
    fault: Fault,
    added: Mutex<HashMap<Sha256, Owner>>,
}

impl BrokenKeyring {
    pub(super) fn new(inner: Arc<dyn Keyring>, fault: Fault) -> Self {
        Self { inner, fault, added: Mutex::default() }
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Keyring for BrokenKeyring {
    async fn add(&self, key: &ApiKey, secret: Sha256) -> Result<(), StoreError> {
        self.added.lock().unwrap().insert(secret, key.owner());
        match self.inner.add(key, secret).await {
            Err(StoreError::Conflict(_)) if self.fault == Fault::TakesDoubleKeys => Ok(()),
            answer => answer,
        }
    }

    async fn keys(&self) -> Result<Vec<ApiKey>, StoreError> {
        let mut keys = self.inner.keys().await?;
        if self.fault == Fault::ForgetsRevokedKeys {
            keys.retain(|key| key.revoked_at.is_none());
        }
        Ok(keys)
    }

    async fn revoke(&self, id: &str, now: Timestamp) -> Result<(), StoreError> {
        match self.inner.revoke(id, now).await {
            Err(StoreError::Missing(_)) if self.fault == Fault::RevokesWhatIsNotThere => Ok(()),
            answer => answer,
        }
    }

    async fn owner(&self, secret: Sha256) -> Result<Option<Owner>, StoreError> {
        let owner = self.inner.owner(secret).await?;
        Ok(match self.fault {
            Fault::OpensForEverybody => {
                owner.or_else(|| Some(Owner { tenant: Tenant::local(), role: Role::Tenant }))
            }
            Fault::MakesEverybodyOperator => {
                owner.map(|owner| Owner { role: Role::Operator, ..owner })
            }
            Fault::OpensForRevokedKeys => self.added.lock().unwrap().get(&secret).cloned(),
            _ => owner,
        })
    }
}
