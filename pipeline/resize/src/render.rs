//! From an order to recorded pieces.

use std::{collections::BTreeSet, sync::Arc};

use base64::Engine as _;
use bytes::Bytes;
use domain::{
    Budget, Failure, Image, ImageId, Key, Message, PieceId, Problem, Sha256, Status, StoreError,
    image::{Made, Outcome, Progress, Source},
    key::Prefix,
    message::{Body, Order},
    ports::Written,
    record::{Placeholder, variant_key},
};
use imaging::{AssetId, Assets, Header, Whole, Work};

use crate::{
    Pace, Resize,
    atelier::{self, Step},
};

/// Keys that are asked for at a time: more than any image has.
const PAGE: usize = 1_000;

/// What a handler is to do after something was recorded.
enum After {
    /// Go on.
    More,
    /// Nothing more is to be made; these follow.
    Stop(Vec<Message>),
}

/// One image's work in one message.
struct Job {
    image: Image,
    source: Source,
    /// Whether somebody asked for these pieces, beside the set.
    asked_for: bool,
    pace: Pace,
    /// Where the variants of this message lie: all that this start or one before it can have
    /// written for it.
    keys: Vec<Key>,
    /// Ended, but not recorded yet.
    batch: Vec<(PieceId, Outcome)>,
}

impl Resize {
    pub(crate) async fn render(
        &self,
        id: ImageId,
        orders: Vec<Order>,
        attempts: u32,
        budget: &Budget,
    ) -> Result<Vec<Message>, Failure> {
        let image = self.catalog.image(id).await?;
        let asked_for = orders.iter().any(|order| image.is_on_request(&order.id));
        let Some(source) = image.source.clone().filter(|_| asked_for || is_open(&image)) else {
            return Ok(Vec::new());
        };
        let variants = orders.iter().filter(|order| matches!(order.piece.work, Work::Variant(_)));
        let keys = variants.map(|order| variant_key(&image, &order.id)).collect();
        let mut wanted = orders;
        wanted.retain(|order| image.misses(&order.id));
        let pace = Pace::of(attempts);
        let mut job = Job { image, source, asked_for, pace, keys, batch: Vec::new() };

        wanted = self.skip_written(&mut job, wanted).await?;
        let before_decoding = wanted.is_empty() || pace != Pace::Together;
        if before_decoding && let After::Stop(follow) = self.record(&mut job, budget).await? {
            return Ok(follow);
        }
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let Some(bytes) = self.original(&job).await? else { return Ok(Vec::new()) };
        if pace == Pace::Backward {
            wanted.reverse();
        }
        self.make(job, bytes, wanted.into(), attempts, budget).await
    }

    /// Takes what an earlier start has written for made, and leaves the rest. A first start does not ask:
    /// where others were there all the same, writing says so.
    async fn skip_written(&self, job: &mut Job, wanted: Vec<Order>) -> Result<Vec<Order>, Failure> {
        if job.pace == Pace::Together {
            return Ok(wanted);
        }
        let written = self.written(&job.image).await?;
        let mut rest = Vec::new();
        for order in wanted {
            let key = variant_key(&job.image, &order.id);
            if !written.contains(&key) {
                rest.push(order);
                continue;
            }
            match self.objects.read(&key).await {
                Ok(bytes) => job.batch.extend(made(&order, &bytes)),
                // Erased meanwhile: recording will say so.
                Err(StoreError::Missing(_)) => rest.push(order),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(rest)
    }

    /// All variants of an image that exist: one question instead of one a piece.
    async fn written(&self, image: &Image) -> Result<BTreeSet<Key>, StoreError> {
        let prefix = match image.visibility {
            domain::Visibility::Public => Prefix::Public(image.id),
            domain::Visibility::Private => Prefix::Private(image.id),
        };
        let mut keys = BTreeSet::new();
        let mut cursor = None;
        loop {
            let page = self.objects.list(&prefix, cursor.as_deref(), PAGE).await?;
            keys.extend(page.items);
            cursor = page.next;
            if cursor.is_none() {
                return Ok(keys);
            }
        }
    }

    /// The kept original; none where the image was erased. It is compared with its hash, because
    /// what is made of it is served for ever under a name that is derived from that hash.
    async fn original(&self, job: &Job) -> Result<Option<Bytes>, Failure> {
        let key = Key::Original { image: job.image.id, hash: job.source.sha256 };
        let bytes = match self.objects.read(&key).await {
            Err(StoreError::Missing(what)) => {
                let now = self.catalog.image(job.image.id).await?;
                if now.status == Status::Erased {
                    return Ok(None);
                }
                return Err(Failure::Permanent(format!("the kept original {what}")));
            }
            answer => answer?,
        };
        let found = Sha256::of(&bytes);
        if found == job.source.sha256 {
            return Ok(Some(bytes));
        }
        Err(Failure::Permanent(format!(
            "the kept original {key} has {} bytes with the SHA-256 {found}: it is not what was \
             accepted; put the right bytes there and redrive",
            bytes.len()
        )))
    }

    /// The pictures that effects lay over this one. One that the home has lost is not this picture's
    /// fault: a person has to put it back.
    async fn assets(&self, orders: &[Order]) -> Result<Assets, Failure> {
        let mut assets = Assets::default();
        let wanted: BTreeSet<&AssetId> = orders.iter().flat_map(|o| o.piece.assets()).collect();
        for id in wanted {
            let hash = id
                .as_str()
                .parse()
                .map_err(|error| Failure::Permanent(format!("an effect names no file: {error}")))?;
            match self.objects.read(&Key::Asset { hash }).await {
                Ok(bytes) => drop(assets.add(bytes.as_ref().into())),
                Err(StoreError::Missing(what)) => {
                    return Err(Failure::Permanent(format!(
                        "{what}, which an effect lays over this image, does not exist: restart \
                         the server with the presets that name it, which puts it back, and redrive"
                    )));
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(assets)
    }

    /// Writes pieces as they leave the encoder, and sees to those that did not.
    async fn make(
        &self,
        mut job: Job,
        bytes: Bytes,
        orders: Arc<[Order]>,
        attempts: u32,
        budget: &Budget,
    ) -> Result<Vec<Message>, Failure> {
        let (source, limits) = (job.source.clone(), self.limits.clone());
        let step = match job.pace {
            Pace::Together => Step::Encoded,
            Pace::Backward | Pace::Forward => Step::Recorded,
        };
        let assets = self.assets(&orders).await?;
        let mut work = atelier::begin(
            bytes,
            source,
            limits,
            assets,
            Arc::clone(&orders),
            step,
            budget.clone(),
        );
        let mut trouble = None;
        while let Some(finished) = work.next().await {
            let Some(order) = orders.get(finished.index) else { break };
            match self.finish(&mut job, order, finished.result, budget).await {
                Ok(After::More) => drop(finished.settled),
                stop => {
                    trouble = Some(stop);
                    break;
                }
            }
        }
        let end = work.end().await;
        match trouble {
            Some(Ok(After::Stop(follow))) => return Ok(follow),
            Some(Err(failure)) => return Err(failure),
            Some(Ok(After::More)) | None => {}
        }
        let done = match end {
            atelier::End::Made(done) => done,
            atelier::End::Unreadable(fault) => {
                let problem = Problem::from(fault);
                let failed = |order: &Order| (order.id.clone(), Outcome::Failed(problem.clone()));
                job.batch.extend(orders.iter().map(failed));
                orders.len()
            }
            // A start that did not come to an end, so the rules for killers hold for it: what was
            // written is recorded by the next one.
            atelier::End::Died(reason) => {
                tracing::error!(image = %job.image.id, attempts, reason, "the pixel thread died");
                return Ok(rest(&job, &orders, attempts + 1).into_iter().collect());
            }
        };
        let follow = match self.record(&mut job, budget).await? {
            After::Stop(follow) => return Ok(follow),
            After::More => rest(&job, &orders[done..], attempts),
        };
        Ok(follow.into_iter().collect())
    }

    /// Writes a piece, and records it where this start records each at once.
    async fn finish(
        &self,
        job: &mut Job,
        order: &Order,
        result: Result<imaging::Made, imaging::Fault>,
        budget: &Budget,
    ) -> Result<After, Failure> {
        let outcome = match result {
            Err(fault) => Some((order.id.clone(), Outcome::Failed(fault.into()))),
            Ok(imaging::Made::Derived { thumbhash, color: [red, green, blue] }) => {
                let placeholder = Placeholder {
                    thumbhash: base64::engine::general_purpose::STANDARD.encode(thumbhash),
                    color: format!("#{red:02x}{green:02x}{blue:02x}"),
                };
                Some((order.id.clone(), Outcome::Derived(placeholder)))
            }
            Ok(imaging::Made::Variant { bytes, .. }) => {
                let key = variant_key(&job.image, &order.id);
                let bytes = Bytes::from(bytes);
                match self.objects.write_if_absent(&key, bytes.clone()).await? {
                    Written::Created => made(order, &bytes),
                    // Another start was faster. What is stored is what is recorded.
                    Written::Exists => match self.objects.read(&key).await {
                        Ok(stored) => made(order, &stored),
                        // Erased meanwhile: recording will say so.
                        Err(StoreError::Missing(_)) => made(order, &bytes),
                        Err(error) => return Err(error.into()),
                    },
                }
            }
        };
        job.batch.extend(outcome);
        match job.pace {
            Pace::Together => Ok(After::More),
            Pace::Backward | Pace::Forward => self.record(job, budget).await,
        }
    }

    /// Writes down what has ended. An empty batch is a look whether all of the set have, which is
    /// nothing to what was asked for beside it.
    async fn record(&self, job: &mut Job, budget: &Budget) -> Result<After, Failure> {
        if job.asked_for && job.batch.is_empty() {
            return Ok(After::More);
        }
        let image = job.image.id;
        match self.catalog.record(image, &job.batch, budget.now()).await? {
            Progress::Underway => {
                job.batch.clear();
                Ok(After::More)
            }
            Progress::Complete(revision) => {
                Ok(After::Stop(vec![Body::Completed { image, revision }.into()]))
            }
            Progress::Ended => Ok(After::Stop(Vec::new())),
            Progress::Erased => {
                for key in &job.keys {
                    self.objects.delete(key).await?;
                }
                Ok(After::Stop(Vec::new()))
            }
        }
    }
}

/// Whether the pieces of its set may still be made.
fn is_open(image: &Image) -> bool {
    image.status == Status::Processing
}

/// A stored variant, by the bytes that are stored; none for a piece that is no variant.
fn made(order: &Order, stored: &Bytes) -> Option<(PieceId, Outcome)> {
    let Work::Variant(rendition) = &order.piece.work else { return None };
    // What was trimmed is smaller than planned, and only the file knows.
    let (width, height) = Header::parse(stored, Whole::Yes)
        .map_or((rendition.width, rendition.height), |header| header.upright());
    let made = Made {
        format: rendition.format,
        width,
        height,
        bytes: stored.len() as u64,
        sha256: Sha256::of(stored),
    };
    Some((order.id.clone(), Outcome::Made(made)))
}

/// What no time was left for, with the same attempts: whether a killer is among them is not known.
fn rest(job: &Job, left: &[Order], attempts: u32) -> Option<Message> {
    if left.is_empty() {
        return None;
    }
    let mut pieces = left.to_vec();
    if job.pace == Pace::Backward {
        pieces.reverse();
    }
    let body = Body::Render { image: job.image.id, pieces };
    Some(Message { attempts, ..body.into() })
}
