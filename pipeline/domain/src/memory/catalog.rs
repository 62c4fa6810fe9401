//! Images in a map.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Mutex,
};

use async_trait::async_trait;
use jiff::Timestamp;

use super::{lock, page, sort_key};
use crate::{
    Catalog, Image, ImageId, PieceId, Problem, Revision, StageName, Status, StoreError, Tenant,
    image::{Acceptance, Asking, Expectation, Flip, Outcome, Progress, Purpose, Source, Start},
    ports::{Creation, Idempotency},
    query::{Filter, Page},
};

/// [`Catalog`] in memory: each decision is taken under one lock.
#[derive(Default)]
pub struct MemoryCatalog(Mutex<Entries>);

#[derive(Default)]
struct Entries {
    images: BTreeMap<ImageId, Image>,
    requests: HashMap<(Tenant, String), (Idempotency, ImageId)>,
}

impl MemoryCatalog {
    /// An empty catalog.
    pub fn new() -> Self {
        Self::default()
    }

    fn change<T>(
        &self,
        id: ImageId,
        decide: impl FnOnce(&mut Image) -> T,
    ) -> Result<T, StoreError> {
        let mut entries = lock(&self.0);
        let image = entries.images.get_mut(&id).ok_or_else(|| missing(id))?;
        // On a copy, so that a decision that panics leaves the image as it was.
        let mut next = image.clone();
        let answer = decide(&mut next);
        *image = next;
        Ok(answer)
    }
}

fn missing(id: ImageId) -> StoreError {
    StoreError::Missing(format!("image {id}"))
}

#[async_trait]
impl Catalog for MemoryCatalog {
    async fn create(
        &self,
        image: &Image,
        idempotency: Option<&Idempotency>,
    ) -> Result<Creation, StoreError> {
        let mut entries = lock(&self.0);
        let request = idempotency.map(|it| (image.tenant.clone(), it.key.clone()));
        if let (Some(request), Some(idempotency)) = (&request, idempotency)
            && let Some((before, id)) = entries.requests.get(request)
        {
            if before != idempotency {
                return Ok(Creation::Reused);
            }
            let image = entries.images.get(id).cloned().ok_or_else(|| missing(*id))?;
            return Ok(Creation::Repeated(Box::new(image)));
        }
        if let Some(before) = entries.images.get(&image.id) {
            return Ok(Creation::Repeated(Box::new(before.clone())));
        }
        entries.images.insert(image.id, image.clone());
        if let (Some(request), Some(idempotency)) = (request, idempotency) {
            entries.requests.insert(request, (idempotency.clone(), image.id));
        }
        Ok(Creation::Created)
    }

    async fn image(&self, id: ImageId) -> Result<Image, StoreError> {
        lock(&self.0).images.get(&id).cloned().ok_or_else(|| missing(id))
    }

    async fn accept(
        &self,
        id: ImageId,
        source: &Source,
        now: Timestamp,
    ) -> Result<Acceptance, StoreError> {
        self.change(id, |image| image.accept(source, now))
    }

    async fn reject(
        &self,
        id: ImageId,
        problem: &Problem,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.change(id, |image| image.reject(problem, now))
    }

    async fn expire(&self, id: ImageId, now: Timestamp) -> Result<bool, StoreError> {
        self.change(id, |image| image.expire(now))
    }

    async fn expect(
        &self,
        id: ImageId,
        pieces: &BTreeSet<PieceId>,
        purpose: Purpose,
        horizon: Timestamp,
        now: Timestamp,
    ) -> Result<Expectation, StoreError> {
        self.change(id, |image| image.expect(pieces, purpose, horizon, now))
    }

    async fn record(
        &self,
        id: ImageId,
        outcomes: &[(PieceId, Outcome)],
        now: Timestamp,
    ) -> Result<Progress, StoreError> {
        self.change(id, |image| image.record(outcomes, now))
    }

    async fn give_up(
        &self,
        id: ImageId,
        pieces: &BTreeSet<PieceId>,
        reason: &Problem,
        at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Progress, StoreError> {
        self.change(id, |image| image.give_up(pieces, reason, at, now))
    }

    async fn count(
        &self,
        id: ImageId,
        stage: StageName,
        start: &Start,
        now: Timestamp,
    ) -> Result<Option<u32>, StoreError> {
        self.change(id, |image| image.count(stage, start, now))
    }

    async fn flip(
        &self,
        id: ImageId,
        revision: &Revision,
        now: Timestamp,
    ) -> Result<Flip, StoreError> {
        self.change(id, |image| image.flip(revision, now))
    }

    async fn reopen(
        &self,
        id: ImageId,
        pieces: &BTreeSet<PieceId>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.change(id, |image| image.reopen(pieces, now))
    }

    async fn ask(
        &self,
        id: ImageId,
        files: &BTreeSet<String>,
        presets: &Revision,
        horizon: Timestamp,
        now: Timestamp,
    ) -> Result<Asking, StoreError> {
        self.change(id, |image| image.ask(files, presets, horizon, now))
    }

    async fn order(
        &self,
        id: ImageId,
        pieces: &BTreeSet<PieceId>,
        presets: &Revision,
    ) -> Result<BTreeSet<PieceId>, StoreError> {
        self.change(id, |image| image.order(pieces, presets))
    }

    async fn nudge(&self, id: ImageId, now: Timestamp) -> Result<bool, StoreError> {
        self.change(id, |image| image.nudge(now))
    }

    async fn erase(&self, id: ImageId, now: Timestamp) -> Result<Image, StoreError> {
        self.change(id, |image| {
            image.erase(now);
            image.clone()
        })
    }

    async fn removed(&self, id: ImageId, now: Timestamp) -> Result<bool, StoreError> {
        self.change(id, |image| image.removed(now))
    }

    async fn search(
        &self,
        filter: &Filter,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<Image>, StoreError> {
        let entries = lock(&self.0);
        let mut found: Vec<_> = entries
            .images
            .values()
            .filter(|image| filter.fits(image))
            .map(|image| (sort_key(image.created_at, image.id), image))
            .filter(|(key, _)| cursor.is_none_or(|cursor| key.as_str() < cursor))
            .collect();
        found.sort_by(|(a, _), (b, _)| b.cmp(a));
        let found = found.into_iter().map(|(key, image)| (key, image.clone()));
        Ok(page(found, limit, Clone::clone))
    }

    async fn due(
        &self,
        status: Status,
        before: Timestamp,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<ImageId>, StoreError> {
        let entries = lock(&self.0);
        let mut found: Vec<_> = entries
            .images
            .values()
            .filter(|image| image.status == status)
            .filter_map(|image| Some((image.due_at().filter(|due| *due < before)?, image.id)))
            .map(|(due, id)| (sort_key(due, id), id))
            .filter(|(key, _)| cursor.is_none_or(|cursor| key.as_str() > cursor))
            .collect();
        found.sort();
        Ok(page(found.into_iter(), limit, Clone::clone))
    }
}
