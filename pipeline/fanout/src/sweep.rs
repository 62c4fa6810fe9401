//! Looking after what was lost: uploads that never came or whose event did not, images that got
//! stuck, erasures that were not carried to their end, and uploaded objects, whole and by parts, that
//! nobody needs any more.
//!
//! A sweep is a walk through the phases, a page at a time; it ends, and only then the home begins
//! another. Everything it sends may be sent again at any time, so it needs no memory of its own: how
//! often it asked after an image stands with the image.

use domain::{
    Budget, Code, Failure, Image, ImageId, Key, Message, Status, StoreError,
    key::Prefix,
    message::{Body, SweepCursor, SweepPhase},
    query::Page,
};
use jiff::{SignedDuration, Timestamp};

use crate::Fanout;

/// Entries that are looked at between two looks at the clock.
const PAGE: usize = 25;

/// Uploaded objects that are listed at a time. A store may read its whole folder for each list, so
/// short lists of a long folder would cost the square of its length.
const LISTED: usize = 10_000;

/// Messages of one step, at most; a page more may come on top.
const STEP: usize = 200;

/// An uploaded object without a record is left alone for so long: its record may be in the making.
const UNCLAIMED: SignedDuration = SignedDuration::from_hours(24);

impl Fanout {
    /// A bounded step, and then itself with a later cursor.
    pub(crate) async fn sweep(
        &self,
        cursor: Option<SweepCursor>,
        budget: &Budget,
    ) -> Result<Vec<Message>, Failure> {
        let begin = SweepCursor { phase: SweepPhase::Pending, after: None };
        let mut cursor = cursor.unwrap_or(begin);
        let mut follow = Vec::new();
        loop {
            let now = budget.now();
            let after = cursor.after.as_deref();
            let next = match cursor.phase {
                SweepPhase::Arrivals => {
                    self.pending(Timestamp::MAX, after, now, &mut follow).await?
                }
                SweepPhase::Pending => self.pending(now, after, now, &mut follow).await?,
                SweepPhase::Processing => self.processing(after, now, &mut follow).await?,
                SweepPhase::Erased => self.erased(after, now, &mut follow).await?,
                SweepPhase::Uploads => self.uploads(after, budget, &mut follow).await?,
                SweepPhase::Parts => self.parts(after, now).await?,
            };
            cursor = match (next, following(cursor.phase)) {
                (Some(after), _) => SweepCursor { phase: cursor.phase, after: Some(after) },
                (None, Some(phase)) => SweepCursor { phase, after: None },
                (None, None) => return Ok(follow),
            };
            if is_over(budget, &follow) {
                follow.push(Body::Sweep { cursor: Some(cursor) }.into());
                return Ok(follow);
            }
        }
    }

    /// Pending images that are due before the moment: what came is said again, what did not come
    /// until its URL ended has expired.
    async fn pending(
        &self,
        before: Timestamp,
        after: Option<&str>,
        now: Timestamp,
        follow: &mut Vec<Message>,
    ) -> Result<Option<String>, Failure> {
        let page = self.catalog.due(Status::Pending, before, after, PAGE).await?;
        for &id in &page.items {
            match self.uploaded(id).await? {
                Some(message) => {
                    let due = self.nudged(id, now).await?;
                    // What a home had said last may have died with it.
                    let starting = before == Timestamp::MAX;
                    follow.extend(Some(message).filter(|_| due || starting));
                }
                None => {
                    there(self.catalog.expire(id, now).await)?;
                }
            }
        }
        Ok(page.next)
    }

    /// Images without a sign of life: their fan-out sends again what is missing, or sees that all
    /// has ended.
    async fn processing(
        &self,
        after: Option<&str>,
        now: Timestamp,
        follow: &mut Vec<Message>,
    ) -> Result<Option<String>, Failure> {
        let page: Page<ImageId> = self.catalog.due(Status::Processing, now, after, PAGE).await?;
        for &image in &page.items {
            if self.nudged(image, now).await? {
                follow.push(Body::Accepted { image }.into());
            }
        }
        Ok(page.next)
    }

    /// Erased images whose last round of removal is not written down: whoever wrote the tombstone may
    /// have died before it said what follows, or that was given up. It begins with its first round,
    /// since nobody knows whether there was one.
    async fn erased(
        &self,
        after: Option<&str>,
        now: Timestamp,
        follow: &mut Vec<Message>,
    ) -> Result<Option<String>, Failure> {
        let page: Page<ImageId> = self.catalog.due(Status::Erased, now, after, PAGE).await?;
        for &image in &page.items {
            if self.nudged(image, now).await? {
                follow.push(Body::Erase { image, round: 0 }.into());
            }
        }
        Ok(page.next)
    }

    /// Uploaded objects: those that nobody needs are deleted, once no URL can write them again. Ids
    /// are minted in order, so behind the first that is too young there is nothing to be asked about.
    async fn uploads(
        &self,
        after: Option<&str>,
        budget: &Budget,
        follow: &mut Vec<Message>,
    ) -> Result<Option<String>, Failure> {
        let now = budget.now();
        let over = now.checked_sub(self.patience.uploads).unwrap_or(Timestamp::MIN);
        let page = self.objects.list(&Prefix::Uploads, after, LISTED).await?;
        for (number, key) in page.items.iter().enumerate() {
            if number > 0 && number % PAGE == 0 && is_over(budget, follow) {
                return Ok(Some(page.items[number - 1].path()));
            }
            let Some(id) = key.image() else { continue };
            if id.minted_at().is_some_and(|minted| over < minted) {
                return Ok(None);
            }
            let fate = match self.catalog.image(id).await {
                Ok(image) => fate(&image, now),
                Err(StoreError::Missing(_)) => fate_of_unclaimed(id, now),
                Err(error) => return Err(error.into()),
            };
            match fate {
                Fate::Keep => {}
                Fate::Delete => self.objects.delete(key).await?,
                Fate::SayAgain if self.nudged(id, now).await? => {
                    follow.extend(self.uploaded(id).await?);
                }
                Fate::SayAgain => {}
            }
        }
        Ok(page.next)
    }

    /// Uploads by parts that nobody can complete any more are given up.
    async fn parts(&self, after: Option<&str>, now: Timestamp) -> Result<Option<String>, Failure> {
        let page = self.parts.waiting(after, PAGE).await?;
        for key in &page.items {
            let Some(id) = key.image() else { continue };
            let needed = match self.catalog.image(id).await {
                Ok(image) => image.status == Status::Pending && now < image.expires_at,
                Err(StoreError::Missing(_)) => matches!(fate_of_unclaimed(id, now), Fate::Keep),
                Err(error) => return Err(error.into()),
            };
            if !needed {
                tracing::info!(image = %id, "parts of an upload that was not completed are given up");
                self.parts.abort(key).await?;
            }
        }
        Ok(page.next)
    }

    /// Whether it is time to say again what is to be done for this image. Written down first: it may
    /// merely wait in a long queue, which must not grow with each sweep. Where we die before it is
    /// said, it is said the next time.
    async fn nudged(&self, image: ImageId, now: Timestamp) -> Result<bool, Failure> {
        Ok(there(self.catalog.nudge(image, now).await)?.unwrap_or(false))
    }

    /// The event of an upload that is there; none where it is not.
    async fn uploaded(&self, image: ImageId) -> Result<Option<Message>, Failure> {
        let key = Key::Upload { image };
        match self.objects.head(&key).await {
            Ok(meta) => {
                let (size, etag) = (meta.size, meta.etag);
                Ok(Some(Body::Uploaded { key, bucket: None, size, etag, sequencer: None }.into()))
            }
            Err(StoreError::Missing(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// Whether a step has done what it may.
fn is_over(budget: &Budget, follow: &[Message]) -> bool {
    budget.spent() || follow.len() >= STEP
}

/// What is to become of an uploaded object.
enum Fate {
    Keep,
    Delete,
    SayAgain,
}

fn fate(image: &Image, now: Timestamp) -> Fate {
    match image.status {
        Status::Erased => Fate::Delete,
        Status::Pending | Status::Processing => Fate::Keep,
        // It came in the last moment, after the sweeper had given it up, and its event was lost.
        Status::Expired => Fate::SayAgain,
        // A redrive reads it again.
        Status::Rejected if given_up(image) => Fate::Keep,
        Status::Ready | Status::Failed | Status::Rejected if now >= image.expires_at => {
            Fate::Delete
        }
        Status::Ready | Status::Failed | Status::Rejected => Fate::Keep,
    }
}

/// Whether it was us, and not the picture, that it failed by.
fn given_up(image: &Image) -> bool {
    let ours = [Code::Crashed, Code::TimedOut, Code::KeptFailing];
    image.problem.as_ref().is_some_and(|problem| ours.contains(&problem.code))
}

fn fate_of_unclaimed(id: ImageId, now: Timestamp) -> Fate {
    let old = id.minted_at().is_some_and(|minted| now.duration_since(minted) > UNCLAIMED);
    if old { Fate::Delete } else { Fate::Keep }
}

fn following(phase: SweepPhase) -> Option<SweepPhase> {
    match phase {
        SweepPhase::Arrivals => Some(SweepPhase::Pending),
        SweepPhase::Pending => Some(SweepPhase::Processing),
        SweepPhase::Processing => Some(SweepPhase::Erased),
        SweepPhase::Erased => Some(SweepPhase::Uploads),
        SweepPhase::Uploads => Some(SweepPhase::Parts),
        SweepPhase::Parts => None,
    }
}

/// A record that went while its page was walked through needs nothing.
fn there<T>(answer: Result<T, StoreError>) -> Result<Option<T>, Failure> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(StoreError::Missing(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
