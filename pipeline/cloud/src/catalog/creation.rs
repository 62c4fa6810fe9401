//! What creating an image writes besides: whose it is, and which request it came of.

use domain::{
    Catalog as _, Image, StoreError, Tenant,
    ports::{Creation, Idempotency},
};
use jiff::{SignedDuration, Timestamp};

use super::{CloudCatalog, search::TENANTS};
use crate::{
    answer::answer,
    table::{DUE, DUE_KIND, Item, PK, TTL, json, json_of, number, pause, text, text_of},
};

/// How long a request under an `Idempotency-Key` is remembered.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(24);

impl CloudCatalog {
    /// Writes down an owner that this process has not seen before.
    pub(super) async fn know(&self, tenant: &Tenant) -> Result<(), StoreError> {
        let known = || self.known.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if known().contains(tenant) {
            return Ok(());
        }
        let item = Item::from([
            (PK.to_owned(), text(format!("tenant#{tenant}"))),
            (DUE_KIND.to_owned(), text(TENANTS)),
            (DUE.to_owned(), text(tenant.to_string())),
        ]);
        self.table.create(vec![item]).await?;
        known().insert(tenant.clone());
        Ok(())
    }

    /// What came of the request under this key before.
    pub(super) async fn repeated(
        &self,
        pk: &str,
        idempotency: &Idempotency,
        now: Timestamp,
    ) -> Result<Option<Creation>, StoreError> {
        let Some(request) = self.table.get(pk).await? else { return Ok(None) };
        let expires = request.get(TTL).and_then(|expires| expires.as_n().ok());
        if expires.is_some_and(|end| end.parse().is_ok_and(|end: i64| end <= now.as_second())) {
            // DynamoDB takes its time with what may go.
            self.forget(pk, &request).await?;
            return Ok(None);
        }
        if text_of(&request, "digest")? != idempotency.request.to_string() {
            return Ok(Some(Creation::Reused));
        }
        let image = self.image(json_of(&request, "image")?).await?;
        Ok(Some(Creation::Repeated(Box::new(image))))
    }

    /// Image and request together, or neither.
    pub(super) async fn create_once(
        &self,
        item: Item,
        image: &Image,
        idempotency: &Idempotency,
    ) -> Result<Creation, StoreError> {
        let request = format!("request#{}#{}", image.tenant, idempotency.key);
        if let Some(before) = self.repeated(&request, idempotency, image.created_at).await? {
            return Ok(before);
        }
        let until = image.created_at.checked_add(REMEMBERED).unwrap_or(Timestamp::MAX);
        let remembered = Item::from([
            (PK.to_owned(), text(&request)),
            ("digest".to_owned(), text(idempotency.request.to_string())),
            ("image".to_owned(), json(&image.id)?),
            (TTL.to_owned(), number(&until.as_second())),
        ]);
        if self.table.create(vec![remembered, item]).await? {
            return Ok(Creation::Created);
        }
        if let Some(before) = self.repeated(&request, idempotency, image.created_at).await? {
            return Ok(before);
        }
        match self.image(image.id).await {
            Ok(before) => Ok(Creation::Repeated(Box::new(before))),
            // Neither stood in the way: two writers met.
            Err(StoreError::Missing(_)) => Err(StoreError::Busy {
                retry_after: pause(0),
                reason: "another writer was at it".to_owned(),
            }),
            Err(error) => Err(error),
        }
    }

    async fn forget(&self, pk: &str, request: &Item) -> Result<(), StoreError> {
        let delete = self.table.client.delete_item().table_name(&self.table.name).key(PK, text(pk));
        let deleted = delete
            .condition_expression("#expires = :expires")
            .expression_attribute_names("#expires", TTL)
            .set_expression_attribute_values(
                request.get(TTL).map(|end| Item::from([(":expires".to_owned(), end.clone())])),
            )
            .send()
            .await;
        match deleted.map_err(|error| answer(&pk, &error)) {
            // Somebody else was faster.
            Ok(_) | Err(StoreError::Conflict(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
