//! What creating an image writes besides: whose it is, and which request it came of.

use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use domain::{
    Catalog as _, Image, StoreError, Tenant,
    ports::{Creation, Idempotency},
};
use jiff::{SignedDuration, Timestamp};

use super::CloudCatalog;
use crate::{
    answer::{answer, code},
    table::{Item, PK, TTL, json, json_of, number, pause, text, text_of},
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
        self.table
            .client
            .update_item()
            .table_name(&self.table.name)
            .key(PK, text("tenants"))
            .update_expression("ADD #all :one")
            .expression_attribute_names("#all", "all")
            .expression_attribute_values(":one", AttributeValue::Ss(vec![tenant.to_string()]))
            .send()
            .await
            .map_err(|error| answer(&"tenants", &error))?;
        known().insert(tenant.clone());
        Ok(())
    }

    /// What came of the request under this key before.
    pub(super) async fn repeated(
        &self,
        pk: &str,
        idempotency: &Idempotency,
    ) -> Result<Option<Creation>, StoreError> {
        let Some(request) = self.table.get(pk).await? else { return Ok(None) };
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
        if let Some(before) = self.repeated(&request, idempotency).await? {
            return Ok(before);
        }
        let until = image.created_at.checked_add(REMEMBERED).unwrap_or(Timestamp::MAX);
        let remembered = Item::from([
            (PK.to_owned(), text(&request)),
            ("digest".to_owned(), text(idempotency.request.to_string())),
            ("image".to_owned(), json(&image.id)?),
            (TTL.to_owned(), number(&until.as_second())),
        ]);
        let put = |item: Item| {
            let put = Put::builder()
                .table_name(&self.table.name)
                .set_item(Some(item))
                .condition_expression("attribute_not_exists(#pk)")
                .expression_attribute_names("#pk", PK)
                .build();
            let put = put.map_err(|error| StoreError::Broken(error.to_string()));
            Ok::<_, StoreError>(TransactWriteItem::builder().put(put?).build())
        };
        let written = self
            .table
            .client
            .transact_write_items()
            .transact_items(put(remembered)?)
            .transact_items(put(item)?)
            .send()
            .await;
        match written {
            Ok(_) => Ok(Creation::Created),
            Err(error) if code(&error) == Some("TransactionCanceledException") => {
                if let Some(before) = self.repeated(&request, idempotency).await? {
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
            Err(error) => Err(answer(&image.id, &error)),
        }
    }
}
