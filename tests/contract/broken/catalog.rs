//! Broken catalogs.

mod faults;
mod requests;

use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use domain::{
    Catalog, Image, ImageId, Objects, PieceId, Problem, Revision, Sha256, StageName, Status,
    StoreError,
    image::{Acceptance, Asking, Expectation, Flip, Outcome, Progress, Purpose, Source, Start},
    ports::{Creation, Idempotency},
    query::{Filter, Page},
};
use jiff::{SignedDuration, Timestamp};

pub(super) use self::faults::{FAULTS, Fault};
use super::{dawdle, is_full};

pub(super) struct BrokenCatalog {
    inner: Arc<dyn Catalog>,
    objects: Arc<dyn Objects>,
    fault: Fault,
    requests: Mutex<HashMap<String, (Sha256, ImageId)>>,
    counts: Mutex<HashMap<ImageId, usize>>,
    erased: Mutex<BTreeSet<ImageId>>,
    recording: AtomicBool,
}

impl BrokenCatalog {
    pub(super) fn new(inner: Arc<dyn Catalog>, objects: Arc<dyn Objects>, fault: Fault) -> Self {
        Self {
            inner,
            objects,
            fault,
            requests: Mutex::default(),
            counts: Mutex::default(),
            erased: Mutex::default(),
            recording: AtomicBool::new(false),
        }
    }

    /// What was erased without a tombstone was never there.
    fn there(&self, id: ImageId) -> Result<(), StoreError> {
        let gone = self.erased.lock().unwrap().contains(&id);
        if gone { Err(StoreError::Missing(id.to_string())) } else { Ok(()) }
    }

    /// Idempotency keys without their tenants.
    async fn create_by_key(
        &self,
        image: &Image,
        idempotency: &Idempotency,
    ) -> Result<Creation, StoreError> {
        let before = self.requests.lock().unwrap().get(&idempotency.key).copied();
        if let Some((request, id)) = before {
            if request != idempotency.request {
                return Ok(Creation::Reused);
            }
            return Ok(Creation::Repeated(Box::new(self.inner.image(id).await?)));
        }
        let request = (idempotency.request, image.id);
        self.requests.lock().unwrap().insert(idempotency.key.clone(), request);
        self.inner.create(image, None).await
    }

    /// A join by counter.
    async fn count(
        &self,
        id: ImageId,
        outcomes: &[(PieceId, Outcome)],
        now: Timestamp,
    ) -> Result<Progress, StoreError> {
        let answer = self.inner.record(id, outcomes, now).await?;
        let work = self.inner.image(id).await?.work;
        let mut counts = self.counts.lock().unwrap();
        let count = counts.entry(id).or_default();
        *count += outcomes.len();
        let enough = answer == Progress::Underway && *count >= work.expected.len();
        Ok(if enough { Progress::Complete(work.revision()) } else { answer })
    }
}

/// A page that begins at a position, which moves when what stands before it goes.
fn by_position<T>(all: Vec<T>, cursor: Option<&str>, limit: usize) -> Page<T> {
    let start: usize = cursor.and_then(|text| text.parse().ok()).unwrap_or(0);
    let next = (start + limit < all.len()).then(|| (start + limit).to_string());
    Page { items: all.into_iter().skip(start).take(limit).collect(), next }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Catalog for BrokenCatalog {
    async fn create(
        &self,
        image: &Image,
        idempotency: Option<&Idempotency>,
    ) -> Result<Creation, StoreError> {
        match (self.fault, idempotency) {
            (Fault::Forgets, _) => Ok(Creation::Created),
            (Fault::LosesOnFullDisk, _) if is_full(&*self.objects).await => Ok(Creation::Created),
            (Fault::IgnoresIdempotency, _) => self.inner.create(image, None).await,
            (Fault::KeysOfAllTenants, Some(key)) => self.create_by_key(image, key).await,
            (Fault::ErasesWithoutTombstone, _) if self.there(image.id).is_err() => {
                self.erased.lock().unwrap().remove(&image.id);
                Ok(Creation::Created)
            }
            _ => Ok(match (self.fault, self.inner.create(image, idempotency).await?) {
                (Fault::CreatesAgain, Creation::Repeated(before)) if before.id == image.id => {
                    Creation::Created
                }
                (Fault::TakesReusedForRepeated, Creation::Reused) => {
                    Creation::Repeated(Box::new(image.clone()))
                }
                (_, answer) => answer,
            }),
        }
    }

    async fn image(&self, id: ImageId) -> Result<Image, StoreError> {
        self.there(id)?;
        let mut image = self.inner.image(id).await?;
        if self.fault == Fault::RoundsFractions {
            for outcome in image.work.ended.values_mut() {
                if let Outcome::Described(description) = outcome
                    && let Some(gps) = &mut description.fields.gps
                {
                    gps.longitude = (gps.longitude * 1e6).round() / 1e6;
                }
            }
        }
        Ok(image)
    }

    async fn accept(
        &self,
        id: ImageId,
        source: &Source,
        now: Timestamp,
    ) -> Result<Acceptance, StoreError> {
        self.there(id)?;
        let before = self.inner.image(id).await?.status;
        let answer = self.inner.accept(id, source, now).await?;
        let again = self.fault == Fault::AcceptsOnceOnly && before == Status::Processing;
        Ok(if again { Acceptance::Ended } else { answer })
    }

    async fn reject(
        &self,
        id: ImageId,
        problem: &Problem,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.there(id)?;
        self.inner.reject(id, problem, now).await
    }

    async fn expire(&self, id: ImageId, now: Timestamp) -> Result<bool, StoreError> {
        self.there(id)?;
        let early = SignedDuration::from_secs(i64::from(self.fault == Fault::ExpiresEarly) * 60);
        self.inner.expire(id, now + early).await
    }

    async fn expect(
        &self,
        id: ImageId,
        pieces: &BTreeSet<PieceId>,
        purpose: Purpose,
        horizon: Timestamp,
        now: Timestamp,
    ) -> Result<Expectation, StoreError> {
        self.there(id)?;
        match self.fault {
            Fault::IgnoresHorizon => self.inner.expect(id, pieces, purpose, now, now).await,
            Fault::ReopensWhatWasAnnounced => {
                self.inner.expect(id, pieces, Purpose::Reopen, horizon, now).await
            }
            Fault::SpreadLooksBeforeItWrites => {
                let sent = self.inner.image(id).await?.work.sent_at.is_some();
                dawdle().await;
                let answer = self.inner.expect(id, pieces, purpose, horizon, now).await?;
                Ok(if sent { answer } else { Expectation::Send(pieces.clone()) })
            }
            _ => self.inner.expect(id, pieces, purpose, horizon, now).await,
        }
    }

    async fn record(
        &self,
        id: ImageId,
        outcomes: &[(PieceId, Outcome)],
        now: Timestamp,
    ) -> Result<Progress, StoreError> {
        self.there(id)?;
        match self.fault {
            Fault::CountsInsteadOfSets => self.count(id, outcomes, now).await,
            Fault::InventsUnknown => match self.inner.record(id, outcomes, now).await {
                Err(StoreError::Missing(_)) => Ok(Progress::Ended),
                answer => answer,
            },
            Fault::LosesOneOfTwoRecords => {
                if self.recording.swap(true, Ordering::SeqCst) {
                    return Ok(Progress::Underway);
                }
                dawdle().await;
                let answer = self.inner.record(id, outcomes, now).await;
                self.recording.store(false, Ordering::SeqCst);
                answer
            }
            _ => self.inner.record(id, outcomes, now).await,
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
        self.there(id)?;
        let at = at.filter(|_| self.fault != Fault::EndsWhatWasOpenedSince);
        self.inner.give_up(id, pieces, reason, at, now).await
    }

    async fn count(
        &self,
        id: ImageId,
        stage: StageName,
        start: &Start,
        now: Timestamp,
    ) -> Result<Option<u32>, StoreError> {
        self.there(id)?;
        let counted = self.inner.count(id, stage, start, now).await?;
        Ok(match (self.fault, start) {
            (Fault::CountsNoStarts, Start::Begins { attempts, .. }) => counted.and(Some(*attempts)),
            _ => counted,
        })
    }

    async fn flip(
        &self,
        id: ImageId,
        revision: &Revision,
        now: Timestamp,
    ) -> Result<Flip, StoreError> {
        self.there(id)?;
        let open = self.inner.image(id).await?.status == Status::Processing;
        if self.fault == Fault::FlipLooksBeforeItWrites {
            dawdle().await;
        }
        Ok(match (self.fault, self.inner.flip(id, revision, now).await?) {
            (Fault::FlipsTwice, Flip::Before(status)) => Flip::Now(status),
            (Fault::FlipLooksBeforeItWrites, Flip::Before(status)) if open => Flip::Now(status),
            (Fault::ForgetsTheEndingBefore, Flip::Before(_)) if open => Flip::No,
            (_, answer) => answer,
        })
    }

    async fn reopen(
        &self,
        id: ImageId,
        pieces: &BTreeSet<PieceId>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.there(id)?;
        match self.fault {
            Fault::ReopensNothing => self.inner.image(id).await.map(|_| true),
            _ => self.inner.reopen(id, pieces, now).await,
        }
    }

    async fn ask(
        &self,
        id: ImageId,
        files: &BTreeSet<String>,
        presets: &Revision,
        horizon: Timestamp,
        now: Timestamp,
    ) -> Result<Asking, StoreError> {
        self.there(id)?;
        self.ask_brokenly(id, files, presets, horizon, now).await
    }

    async fn order(
        &self,
        id: ImageId,
        pieces: &BTreeSet<PieceId>,
        presets: &Revision,
    ) -> Result<BTreeSet<PieceId>, StoreError> {
        self.there(id)?;
        self.order_brokenly(id, pieces, presets).await
    }

    async fn nudge(&self, id: ImageId, now: Timestamp) -> Result<bool, StoreError> {
        self.there(id)?;
        match self.fault {
            Fault::ForgetsNudges => self.inner.image(id).await.map(|_| true),
            _ => self.inner.nudge(id, now).await,
        }
    }

    async fn erase(&self, id: ImageId, now: Timestamp) -> Result<Image, StoreError> {
        self.there(id)?;
        let tombstone = self.inner.erase(id, now).await?;
        if self.fault == Fault::ErasesWithoutTombstone {
            self.erased.lock().unwrap().insert(id);
        }
        Ok(tombstone)
    }

    async fn removed(&self, id: ImageId, now: Timestamp) -> Result<bool, StoreError> {
        self.there(id)?;
        match self.fault {
            Fault::ForgetsRemovals => self.inner.image(id).await.map(|_| true),
            _ => self.inner.removed(id, now).await,
        }
    }

    async fn search(
        &self,
        filter: &Filter,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<Image>, StoreError> {
        match self.fault {
            Fault::FindsOldestFirst => {
                let mut page = self.inner.search(filter, cursor, limit).await?;
                page.items.reverse();
                Ok(page)
            }
            Fault::IgnoresStatus => {
                let filter = Filter { status: None, ..filter.clone() };
                self.inner.search(&filter, cursor, limit).await
            }
            Fault::PagesByPosition => {
                let all = self.inner.search(filter, None, 10_000).await?.items;
                Ok(by_position(all, cursor, limit))
            }
            Fault::PagesByMoment => {
                let before = cursor.and_then(|text| text.parse().ok());
                let filter = Filter { before: before.or(filter.before), ..filter.clone() };
                let mut page = self.inner.search(&filter, None, limit).await?;
                let last = page.items.last().map(|image| image.created_at.to_string());
                page.next = page.next.and(last);
                Ok(page)
            }
            _ => self.inner.search(filter, cursor, limit).await,
        }
    }

    async fn due(
        &self,
        status: Status,
        before: Timestamp,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<ImageId>, StoreError> {
        match self.fault {
            Fault::DueInOrderOfNames => {
                let mut page = self.inner.due(status, before, cursor, limit).await?;
                page.items.sort();
                Ok(page)
            }
            Fault::DueTooEarly => {
                let early = before + SignedDuration::from_nanos(1);
                self.inner.due(status, early, cursor, limit).await
            }
            Fault::ErasedIsNeverDue if status == Status::Erased => {
                Ok(Page { items: Vec::new(), next: None })
            }
            Fault::DuePagesByPosition => {
                let all = self.inner.due(status, before, None, 10_000).await?.items;
                Ok(by_position(all, cursor, limit))
            }
            _ => self.inner.due(status, before, cursor, limit).await,
        }
    }
}
