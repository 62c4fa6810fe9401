//! A home in memory for tests: what lasts (stores and queue), and the stages that come and go.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;
use domain::{
    Catalog, Image, ImageId, Key, Message, Objects, Sha256, Stage, StageName, Tenant, Visibility,
    image::Announced,
    key::Prefix,
    memory::{ManualClock, MemoryCatalog, MemoryObjects, MemoryQueue},
    message::Body,
    parts::PartObjects,
    signing::Signer,
};
use fanout::{Fanout, Patience};
use imaging::{Limits, Presets};
use ingest::{Adoption, Ingest};
use jiff::Timestamp;
use metadata::Describe;
use resize::Resize;

/// The visibility time of every queue here.
pub const VISIBILITY: Duration = Duration::from_mins(10);

/// How long the URL of an upload lasts.
const UPLOADS: Duration = Duration::from_mins(15);

/// When every test begins.
pub const BEGINNING: Timestamp = Timestamp::constant(1_790_000_000, 0);

/// A bucket that is not ours.
pub const ALBUMS: &str = "albums";

/// What adopted ids are made with.
pub const ADOPTION_SECRET: &[u8] = b"nobody else's";

/// Two sizes in two formats: small enough that a test can make them a thousand times.
pub const PRESETS: &str = "
[variants.small]
width = 8
height = 8
formats = ['webp', 'jpeg']
[variants.medium]
width = 20
height = 20
formats = ['jpeg', 'png']
";

/// What lasts: stores, queue and time.
pub struct World {
    pub clock: Arc<ManualClock>,
    pub objects: Arc<MemoryObjects>,
    pub catalog: Arc<MemoryCatalog>,
    pub queue: Arc<MemoryQueue>,
}

/// Stages over some ports.
pub struct Stages {
    pub ingest: Ingest,
    pub fanout: Fanout,
    pub resize: Resize,
    pub describe: Describe,
}

impl World {
    /// An empty one, at the [`BEGINNING`].
    pub fn new() -> Self {
        let clock = Arc::new(ManualClock::at(BEGINNING));
        Self {
            objects: Arc::new(MemoryObjects::new(Signer::new(*b"secret", "http://127.0.0.1"))),
            catalog: Arc::new(MemoryCatalog::new()),
            queue: Arc::new(MemoryQueue::new(clock.clone())),
            clock,
        }
    }

    /// Writes an upload, and answers its event.
    pub async fn put(&self, image: ImageId, bytes: &[u8]) -> Message {
        let key = Key::Upload { image };
        self.objects.write_if_absent(&key, Bytes::copy_from_slice(bytes)).await.unwrap();
        uploaded(key, bytes)
    }

    /// Every object, by its path.
    pub async fn contents(&self, images: &[ImageId]) -> BTreeMap<String, Sha256> {
        let mut contents = BTreeMap::new();
        let of_images = images.iter().flat_map(|&image| Prefix::of(image));
        for prefix in of_images.chain([Prefix::Uploads]) {
            for key in self.objects.list(&prefix, None, 10_000).await.unwrap().items {
                let bytes = self.objects.read(&key).await.unwrap();
                contents.insert(key.path(), Sha256::of(&bytes));
            }
        }
        contents
    }
}

impl Stages {
    pub fn over(
        objects: Arc<dyn Objects>,
        catalog: Arc<dyn Catalog>,
        alive_since: Timestamp,
    ) -> Self {
        let presets = Arc::new(Presets::parse(PRESETS).unwrap());
        Self {
            ingest: Ingest {
                objects: objects.clone(),
                catalog: catalog.clone(),
                limits: Limits::default(),
                adoption: Some(Adoption {
                    bucket: ALBUMS.to_owned(),
                    secret: ADOPTION_SECRET.to_vec(),
                    tenant: Tenant::local(),
                    visibility: Visibility::Public,
                }),
            },
            fanout: Fanout {
                objects: objects.clone(),
                parts: Arc::new(PartObjects::new(objects.clone())),
                catalog: catalog.clone(),
                presets: Arc::new(move || presets.clone()),
                limits: Limits::default(),
                describer: metadata::ENGINE,
                patience: Patience { visibility: VISIBILITY, alive_since, uploads: UPLOADS },
                endpoints: vec!["log".to_owned()],
            },
            resize: Resize {
                objects: objects.clone(),
                catalog: catalog.clone(),
                limits: Limits::default(),
            },
            describe: Describe { objects, catalog },
        }
    }

    pub fn of(&self, name: StageName) -> &dyn Stage {
        match name {
            StageName::Ingest => &self.ingest,
            StageName::Fanout => &self.fanout,
            StageName::Resize => &self.resize,
            StageName::Metadata => &self.describe,
        }
    }

    /// Other presets than [`PRESETS`].
    pub fn with_presets(mut self, text: &str) -> Self {
        let presets = Arc::new(Presets::parse(text).unwrap());
        self.fanout.presets = Arc::new(move || presets.clone());
        self
    }
}

/// The event of an object that arrived.
pub fn uploaded(key: Key, bytes: &[u8]) -> Message {
    let (size, etag) = (bytes.len() as u64, Sha256::of(bytes).to_string());
    Body::Uploaded { key, bucket: None, size, etag, sequencer: None }.into()
}

/// A record as the API makes it, whose URL is good for a quarter of an hour.
pub fn pending(id: ImageId, bytes: u64, now: Timestamp) -> Image {
    let announced = Announced {
        content_length: bytes,
        content_type: "image/jpeg".to_owned(),
        checksum_sha256: None,
    };
    let expires_at = now + UPLOADS;
    Image {
        filename: Some("picture.jpg".to_owned()),
        ..Image::pending(id, Tenant::local(), announced, now, expires_at)
    }
}
