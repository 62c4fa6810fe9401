//! API keys.

use async_trait::async_trait;
use domain::{
    Keyring, Sha256, StoreError,
    ports::{ApiKey, Owner},
};
use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode, OptionalExtension, Params};

use super::{Database, Trouble, floor, statements};

#[async_trait]
impl Keyring for Database {
    async fn add(&self, key: &ApiKey, secret: Sha256) -> Result<(), StoreError> {
        let key = key.clone();
        self.writer
            .change(move |unit| {
                let row = (&key.id, secret.0, floor(key.created_at), serde_json::to_string(&key)?);
                match unit.connection.prepare_cached(statements::ADD_KEY)?.execute(row) {
                    Err(error)
                        if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) =>
                    {
                        Err(StoreError::Conflict(format!("key {}", key.id)).into())
                    }
                    added => Ok(added.map(|_| ())?),
                }
            })
            .await
    }

    async fn keys(&self) -> Result<Vec<ApiKey>, StoreError> {
        self.readers
            .read(|connection| {
                let mut statement = connection.prepare_cached(statements::KEYS)?;
                let mut found = statement.query([])?;
                let mut keys = Vec::new();
                while let Some(row) = found.next()? {
                    keys.push(serde_json::from_str(&row.get::<_, String>(0)?)?);
                }
                Ok(keys)
            })
            .await
    }

    async fn revoke(&self, id: &str, now: Timestamp) -> Result<(), StoreError> {
        let id = id.to_owned();
        self.writer
            .change(move |unit| {
                let mut key = find(unit.connection, statements::KEY, [&id])?
                    .ok_or_else(|| StoreError::Missing(format!("key {id}")))?;
                key.revoked_at.get_or_insert(now);
                let row = (&id, serde_json::to_string(&key)?);
                unit.connection.prepare_cached(statements::CHANGE_KEY)?.execute(row)?;
                Ok(())
            })
            .await
    }

    async fn owner(&self, secret: Sha256) -> Result<Option<Owner>, StoreError> {
        let found = self
            .readers
            .read(move |connection| find(connection, statements::KEY_OF_SECRET, [secret.0]))
            .await?;
        Ok(found.filter(|key| key.revoked_at.is_none()).map(|key| key.owner()))
    }
}

fn find(connection: &Connection, sql: &str, by: impl Params) -> Result<Option<ApiKey>, Trouble> {
    let mut statement = connection.prepare_cached(sql)?;
    let body: Option<String> = statement.query_row(by, |row| row.get(0)).optional()?;
    Ok(body.map(|body| serde_json::from_str(&body)).transpose()?)
}
