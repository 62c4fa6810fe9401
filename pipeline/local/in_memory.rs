//! The whole pipeline for one file, in this process and in memory: what `process` and `inspect` run.
//!
//! The stages, messages and records are those of the server; only the ports are others.

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use domain::{
    Budget, Catalog, Clock, Failure, Image, ImageId, Key, Message, Objects, Offers, Problem, Stage,
    StageName, StoreError, Tenant,
    image::{Announced, Asking, Outcome},
    memory::{MemoryCatalog, MemoryObjects},
    message::Body,
    record::variant_key,
    signing::Signer,
};
use fanout::Patience;
use imaging::{Limits, Presets};
use jiff::{SignedDuration, Timestamp};

use crate::{clock::SystemClock, presets, stages};

/// What became of a file.
pub struct Developed {
    /// Its entry in the catalog, in its last state.
    pub image: Image,
    /// The bytes of each variant, by `small.webp`.
    pub variants: BTreeMap<String, Bytes>,
    /// The raw metadata, where the picture has some.
    pub raw_metadata: Option<Bytes>,
}

/// Sends a file through every stage. An error is one of this program or machine: a bad picture is
/// a result.
pub async fn develop(
    file: &Path,
    bytes: Bytes,
    presets: &presets::Read,
    limits: &Limits,
) -> Result<Developed, StoreError> {
    let dark = Darkroom::new(&presets.presets, limits);
    presets::keep(&*dark.objects, &presets.assets).await?;
    let size = bytes.len() as u64;
    let id = dark.pending(file, size).await?;
    let key = Key::Upload { image: id };
    match limits.check_bytes(size) {
        Ok(()) => {
            dark.objects.write_if_absent(&key, bytes).await?;
            let uploaded =
                Body::Uploaded { key, bucket: None, size, etag: String::new(), sequencer: None };
            dark.carry_all(uploaded.into()).await?;
            dark.ask_for_all(id, &Offers::from(&presets.presets)).await?;
        }
        Err(fault) => {
            dark.catalog.reject(id, &Problem::from(fault), dark.clock.now()).await?;
        }
    }
    dark.collect(id).await
}

/// What became of a file that is too large to be read at all.
pub async fn refuse(file: &Path, size: u64, problem: &Problem) -> Result<Developed, StoreError> {
    let dark = Darkroom::new(Presets::built_in(), &Limits::default());
    let id = dark.pending(file, size).await?;
    dark.catalog.reject(id, problem, dark.clock.now()).await?;
    dark.collect(id).await
}

/// Work is begun once and in order here, so nothing that was sent is ever taken for lost.
const PATIENCE: Patience = Patience {
    visibility: Duration::from_hours(24),
    alive_since: Timestamp::MIN,
    uploads: Duration::from_hours(24),
};

fn broken(failure: &Failure) -> StoreError {
    StoreError::Broken(failure.to_string())
}

/// One file's own home: it is gone with the file, so memory never holds more than is being worked on.
struct Darkroom {
    clock: Arc<dyn Clock>,
    objects: Arc<MemoryObjects>,
    catalog: Arc<MemoryCatalog>,
    stages: BTreeMap<StageName, Box<dyn Stage>>,
}

impl Darkroom {
    fn new(presets: &Presets, limits: &Limits) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let presets = Arc::new(presets.clone());
        // Nobody is given a URL of this home, so there is nothing to sign.
        let objects = Arc::new(MemoryObjects::new(Signer::new([0; 32], "memory:")));
        let catalog = Arc::new(MemoryCatalog::new());
        let stage = |name| -> Box<dyn Stage> {
            let presets = Arc::clone(&presets);
            let (objects, catalog) = (objects.clone(), catalog.clone());
            match stages::of_foreign_bytes(name, objects.clone(), catalog.clone(), limits.clone()) {
                Some(stage) => stage,
                None => Box::new(stages::fanout(
                    objects,
                    catalog,
                    Arc::new(move || Arc::clone(&presets)),
                    limits.clone(),
                    PATIENCE,
                )),
            }
        };
        let stages = StageName::ALL.into_iter().map(|name| (name, stage(name))).collect();
        Self { clock, objects, catalog, stages }
    }

    async fn pending(&self, file: &Path, size: u64) -> Result<ImageId, StoreError> {
        let now = self.clock.now();
        let id = api::mint(now).map_err(StoreError::Broken)?;
        let announced =
            Announced { content_length: size, content_type: String::new(), checksum_sha256: None };
        let expires_at = now + SignedDuration::from_hours(24);
        let image = Image {
            filename: file.file_name().map(|name| name.to_string_lossy().into_owned()),
            ..Image::pending(id, Tenant::local(), announced, now, expires_at)
        };
        self.catalog.create(&image, None).await?;
        Ok(image.id)
    }

    async fn carry_all(&self, first: Message) -> Result<(), StoreError> {
        let mut waiting = vec![first];
        while let Some(message) = waiting.pop() {
            let name = message.stage();
            let stage = self.stages.get(&name).ok_or_else(|| {
                StoreError::Broken(format!("there is no stage {}", name.as_str()))
            })?;
            let budget = Budget::unlimited(self.clock.clone());
            // Memory is never busy, so whatever fails here would fail again.
            waiting
                .extend(stage.handle(message, &budget).await.map_err(|failure| broken(&failure))?);
        }
        Ok(())
    }

    /// Whoever has files made wants them all: nobody comes to ask for some of them later.
    async fn ask_for_all(&self, image: ImageId, offers: &Offers) -> Result<(), StoreError> {
        let (files, presets, now) = (&offers.files, &offers.presets, self.clock.now());
        match self.catalog.ask(image, files, presets, Timestamp::MIN, now).await? {
            Asking::Send(files) => {
                let files = files.into_iter().collect();
                self.carry_all(Body::Requested { image, files }.into()).await
            }
            Asking::Underway | Asking::Ended => Ok(()),
        }
    }

    async fn collect(&self, id: ImageId) -> Result<Developed, StoreError> {
        let image = self.catalog.image(id).await?;
        let mut variants = BTreeMap::new();
        let mut raw_metadata = None;
        for (piece, outcome) in image.outcomes() {
            match outcome {
                Outcome::Made(_) => {
                    let bytes = self.objects.read(&variant_key(&image, piece)).await?;
                    variants.insert(piece.name.clone(), bytes);
                }
                Outcome::Described(description) => {
                    if let Some(hash) = description.raw {
                        let key = Key::Metadata { image: id, hash };
                        raw_metadata = Some(self.objects.read(&key).await?);
                    }
                }
                Outcome::Derived(_) | Outcome::Dropped(_) | Outcome::Failed(_) => {}
            }
        }
        Ok(Developed { image, variants, raw_metadata })
    }
}
