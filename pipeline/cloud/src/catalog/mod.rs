//! Images in DynamoDB.
//!
//! A change reads the item, takes the image's own decision, and writes it if nobody else wrote
//! meanwhile. What happens most, a piece that ended, needs no reading: one `UpdateItem` adds it under
//! the conditions in which the decision would, and what comes back is the newest state either way.

mod creation;
mod item;
mod search;

pub(crate) use self::search::{Span, keys};

use std::{
    collections::{BTreeSet, HashSet},
    hash::{BuildHasher as _, RandomState},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use aws_sdk_dynamodb::{
    operation::{put_item::PutItemError, update_item::UpdateItemError},
    types::{ReturnValue, ReturnValuesOnConditionCheckFailure},
};
use domain::{
    Catalog, Image, ImageId, PieceId, Problem, Revision, StageName, Status, StoreError, Tenant,
    image::{Acceptance, Asking, Expectation, Flip, Outcome, Progress, Purpose, Source, Start},
    ports::{Creation, Idempotency},
    query::{Filter, Page},
};
use jiff::Timestamp;

use self::item::{ENDED, EXPECTED, Entry, INVOLVED, STATUS, TOUCHED, VERSION, WRITE, is_plain, pk};
use crate::{
    answer::answer,
    table::{Item, PK, REV, Table, json, number, pause, text},
};

/// Times that a change is tried again after somebody else was faster.
const PATIENCE: u32 = 12;

/// [`Catalog`] in one table.
#[derive(Debug)]
pub struct CloudCatalog {
    table: Table,
    /// Owners that are known to stand in the list of all.
    known: Mutex<HashSet<Tenant>>,
    /// Names for writes that nobody else has.
    names: RandomState,
    writes: AtomicU64,
}

impl CloudCatalog {
    /// Images in this table.
    pub fn new(table: Table) -> Self {
        Self {
            table,
            known: Mutex::default(),
            names: RandomState::new(),
            writes: AtomicU64::new(0),
        }
    }

    /// Applies a decision to the newest state of one image.
    async fn change<T>(
        &self,
        id: ImageId,
        decide: impl Fn(&mut Image) -> T + Send + Sync,
    ) -> Result<T, StoreError> {
        let found = self.table.get(&pk(id)).await?.ok_or_else(|| missing(id))?;
        self.change_from(found, decide).await
    }

    async fn change_from<T>(
        &self,
        mut found: Item,
        decide: impl Fn(&mut Image) -> T + Send + Sync,
    ) -> Result<T, StoreError> {
        for tries in 0..PATIENCE {
            let entry = Entry::parse(&found)?;
            let mut next = entry.image.clone();
            let answer = decide(&mut next);
            if next == entry.image {
                return Ok(answer);
            }
            match self.replace(&entry, &next).await? {
                None => return Ok(answer),
                Some(newer) => found = newer,
            }
            tokio::time::sleep(pause(tries) / 2).await;
        }
        let reason = "others change the image all the time".to_owned();
        Err(StoreError::Busy { retry_after: pause(PATIENCE), reason })
    }

    /// Writes the next state. Where somebody else wrote meanwhile: what they wrote.
    async fn replace(&self, entry: &Entry, next: &Image) -> Result<Option<Item>, StoreError> {
        let number_of_write = self.writes.fetch_add(1, Ordering::Relaxed);
        let write = text(format!("{:016x}", self.names.hash_one(number_of_write)));
        let mut item = entry.follow(next)?;
        item.insert(WRITE.to_owned(), write.clone());
        let written = self
            .table
            .client
            .put_item()
            .table_name(&self.table.name)
            .set_item(Some(item))
            .condition_expression("#rev = :rev")
            .expression_attribute_names("#rev", REV)
            .expression_attribute_values(":rev", number(&entry.rev))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match written {
            Ok(_) => Ok(None),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(failed)) => {
                    let newer = failed.item().cloned().ok_or_else(|| missing(next.id))?;
                    // Where the answer to a write is lost, the SDK writes again and meets itself. Taken for
                    // somebody else, it would be left to them to send what was written down.
                    let is_own = newer.get(WRITE).is_some_and(|written| *written == write);
                    Ok(Some(newer).filter(|_| !is_own))
                }
                _ => Err(answer(&next.id, &error)),
            },
        }
    }

    /// Adds outcomes by one request. An error is the newest state where that is not all there is to it.
    async fn add(
        &self,
        id: ImageId,
        outcomes: &[(PieceId, Outcome)],
        now: Timestamp,
    ) -> Result<Result<Item, Item>, StoreError> {
        let mut update = self
            .table
            .client
            .update_item()
            .table_name(&self.table.name)
            .key(PK, text(pk(id)))
            .expression_attribute_names("#status", STATUS)
            .expression_attribute_names("#touched", TOUCHED)
            .expression_attribute_names("#expected", EXPECTED)
            .expression_attribute_names("#ended", ENDED)
            .expression_attribute_names("#involved", INVOLVED)
            .expression_attribute_names("#rev", REV)
            .expression_attribute_names("#version", VERSION)
            .expression_attribute_values(":processing", text(Status::Processing.as_str()))
            .expression_attribute_values(":now", text(now.to_string()))
            .expression_attribute_values(":one", number(&1));
        let mut sets = vec!["#touched = :now".to_owned()];
        let mut conditions =
            vec!["#status = :processing".to_owned(), "attribute_not_exists(#involved)".to_owned()];
        for (n, (piece, outcome)) in outcomes.iter().enumerate() {
            update = update
                .expression_attribute_names(format!("#p{n}"), piece.to_string())
                .expression_attribute_values(format!(":p{n}"), text(piece.to_string()))
                .expression_attribute_values(format!(":o{n}"), json(outcome)?);
            sets.push(format!("#ended.#p{n} = :o{n}"));
            conditions.push(format!("contains(#expected, :p{n})"));
            conditions.push(format!("attribute_not_exists(#ended.#p{n})"));
        }
        let added = update
            .update_expression(format!("SET {} ADD #rev :one, #version :one", sets.join(", ")))
            .condition_expression(conditions.join(" AND "))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match added {
            Ok(added) => added.attributes.map(Ok).ok_or_else(|| missing(id)),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    failed.item().cloned().map(Err).ok_or_else(|| missing(id))
                }
                _ => Err(answer(&id, &error)),
            },
        }
    }
}

fn missing(id: ImageId) -> StoreError {
    StoreError::Missing(format!("image {id}"))
}

#[async_trait]
impl Catalog for CloudCatalog {
    async fn create(
        &self,
        image: &Image,
        idempotency: Option<&Idempotency>,
    ) -> Result<Creation, StoreError> {
        self.know(&image.tenant).await?;
        let item = Entry::new(image.clone()).follow(image)?;
        if let Some(idempotency) = idempotency {
            return self.create_once(item, image, idempotency).await;
        }
        if self.table.create(vec![item]).await? {
            return Ok(Creation::Created);
        }
        Ok(Creation::Repeated(Box::new(self.image(image.id).await?)))
    }

    async fn image(&self, id: ImageId) -> Result<Image, StoreError> {
        let found = self.table.get(&pk(id)).await?.ok_or_else(|| missing(id))?;
        Ok(Entry::parse(&found)?.image)
    }

    async fn accept(
        &self,
        id: ImageId,
        source: &Source,
        now: Timestamp,
    ) -> Result<Acceptance, StoreError> {
        self.change(id, |image| image.accept(source, now)).await
    }

    async fn reject(
        &self,
        id: ImageId,
        problem: &Problem,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.change(id, |image| image.reject(problem, now)).await
    }

    async fn expire(&self, id: ImageId, now: Timestamp) -> Result<bool, StoreError> {
        self.change(id, |image| image.expire(now)).await
    }

    async fn expect(
        &self,
        id: ImageId,
        pieces: &BTreeSet<PieceId>,
        purpose: Purpose,
        horizon: Timestamp,
        now: Timestamp,
    ) -> Result<Expectation, StoreError> {
        self.change(id, |image| image.expect(pieces, purpose, horizon, now)).await
    }

    async fn record(
        &self,
        id: ImageId,
        outcomes: &[(PieceId, Outcome)],
        now: Timestamp,
    ) -> Result<Progress, StoreError> {
        if !is_plain(outcomes) {
            return self.change(id, |image| image.record(outcomes, now)).await;
        }
        match self.add(id, outcomes, now).await? {
            // They are there, so the decision changes nothing and says how far the image is.
            Ok(newest) => Ok(Entry::parse(&newest)?.image.record(outcomes, now)),
            Err(newest) => self.change_from(newest, |image| image.record(outcomes, now)).await,
        }
    }

    async fn give_up(
        &self,
        id: ImageId,
        pieces: &BTreeSet<PieceId>,
        reason: &Problem,
        at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Progress, StoreError> {
        self.change(id, |image| image.give_up(pieces, reason, at, now)).await
    }

    async fn count(
        &self,
        id: ImageId,
        stage: StageName,
        start: &Start,
        now: Timestamp,
    ) -> Result<Option<u32>, StoreError> {
        self.change(id, |image| image.count(stage, start, now)).await
    }

    async fn flip(
        &self,
        id: ImageId,
        revision: &Revision,
        now: Timestamp,
    ) -> Result<Flip, StoreError> {
        self.change(id, |image| image.flip(revision, now)).await
    }

    async fn reopen(
        &self,
        id: ImageId,
        pieces: &BTreeSet<PieceId>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.change(id, |image| image.reopen(pieces, now)).await
    }

    async fn ask(
        &self,
        id: ImageId,
        files: &BTreeSet<String>,
        presets: &Revision,
        horizon: Timestamp,
        now: Timestamp,
    ) -> Result<Asking, StoreError> {
        self.change(id, |image| image.ask(files, presets, horizon, now)).await
    }

    async fn order(
        &self,
        id: ImageId,
        pieces: &BTreeSet<PieceId>,
        presets: &Revision,
    ) -> Result<BTreeSet<PieceId>, StoreError> {
        self.change(id, |image| image.order(pieces, presets)).await
    }

    async fn nudge(&self, id: ImageId, now: Timestamp) -> Result<bool, StoreError> {
        self.change(id, |image| image.nudge(now)).await
    }

    async fn erase(&self, id: ImageId, now: Timestamp) -> Result<Image, StoreError> {
        self.change(id, |image| {
            image.erase(now);
            image.clone()
        })
        .await
    }

    async fn removed(&self, id: ImageId, now: Timestamp) -> Result<bool, StoreError> {
        self.change(id, |image| image.removed(now)).await
    }

    async fn search(
        &self,
        filter: &Filter,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<Image>, StoreError> {
        search::images(&self.table, filter, cursor, limit).await
    }

    async fn due(
        &self,
        status: Status,
        before: Timestamp,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<ImageId>, StoreError> {
        search::due(&self.table, status, before, cursor, limit).await
    }
}
