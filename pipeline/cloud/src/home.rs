//! What every function and the worker stand on.

use std::sync::Arc;

use domain::{Catalog, Clock, Objects, Parts, Stage, StageName};
use fanout::{Fanout, Patience};
use imaging::Limits;
use ingest::{Adoption, Ingest};
use jiff::Timestamp;
use metadata::Describe;
use resize::Resize;

use crate::{
    Clients, CloudCatalog, CloudKeyring, CloudLetters, CloudObjects, CloudQueues, Table,
    presets::Live, settings::Settings,
};

/// The system's clock, in UTC.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// A stage that a function is made of, with what makes it. A binary that names a few of these holds no code
/// of the others: encoders and decoders are most of one that makes variants.
#[derive(Clone, Copy, Debug)]
pub struct Handler {
    pub(crate) name: StageName,
    pub(crate) make: Make,
}

/// What a stage is made from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Make {
    /// The ports.
    OfPorts(fn(&Home) -> Arc<dyn Stage>),
    /// The ports and the presets that hold now.
    OfPresets(fn(&Home, Arc<Live>) -> Arc<dyn Stage>),
}

impl Handler {
    /// Is it an image that we keep?
    pub const INGEST: Self = Self { name: StageName::Ingest, make: Make::OfPorts(Home::ingest) };
    /// Spreads the work, and everything that is about an image as a whole.
    pub const FANOUT: Self = Self { name: StageName::Fanout, make: Make::OfPresets(Home::fanout) };
    /// Makes variants.
    pub const RESIZE: Self = Self { name: StageName::Resize, make: Make::OfPorts(Home::resize) };
    /// Reads what the bytes say of themselves.
    pub const METADATA: Self =
        Self { name: StageName::Metadata, make: Make::OfPorts(Home::metadata) };
    /// All of them.
    pub const ALL: [Self; 4] = [Self::INGEST, Self::FANOUT, Self::RESIZE, Self::METADATA];
}

/// The ports, on AWS.
pub struct Home {
    /// How it is set up.
    pub settings: Settings,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// S3.
    pub objects: Arc<CloudObjects>,
    /// `DynamoDB`.
    pub catalog: Arc<CloudCatalog>,
    /// Dead letters.
    pub letters: Arc<CloudLetters>,
    /// API keys.
    pub keyring: Arc<CloudKeyring>,
    /// SQS.
    pub queues: Arc<CloudQueues>,
    clients: Clients,
}

impl Home {
    /// As the environment says. Nothing is asked of AWS yet.
    pub async fn open(settings: Settings) -> Self {
        let clients = Clients::from_env(settings.bucket_style).await;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let table = Table::new(clients.dynamodb.clone(), &settings.table);
        let letters = CloudLetters::new(table.clone());
        let objects =
            CloudObjects::new(clients.s3.clone(), settings.buckets.clone(), Arc::clone(&clock));
        let queues = CloudQueues::new(
            clients.sqs.clone(),
            settings.queues.clone(),
            letters.clone(),
            settings.buckets.clone(),
            Arc::clone(&clock),
        );
        Self {
            clock,
            objects: Arc::new(objects),
            catalog: Arc::new(CloudCatalog::new(table.clone())),
            letters: Arc::new(letters),
            keyring: Arc::new(CloudKeyring::new(table)),
            queues: Arc::new(queues),
            clients,
            settings,
        }
    }

    /// The presets that hold now.
    pub async fn presets(&self) -> Result<Arc<Live>, String> {
        let (place, every) = (self.settings.presets.as_deref(), self.settings.presets_every);
        Live::read(place, every, self.clients.s3.clone(), &*self.objects).await.map(Arc::new)
    }

    fn ingest(&self) -> Arc<dyn Stage> {
        let (objects, catalog, limits) = self.common();
        Arc::new(Ingest { objects, catalog, limits, adoption: self.adoption() })
    }

    fn fanout(&self, presets: Arc<Live>) -> Arc<dyn Stage> {
        let (objects, catalog, limits) = self.common();
        Arc::new(Fanout {
            objects,
            parts: Arc::clone(&self.objects) as Arc<dyn Parts>,
            catalog,
            presets: Arc::new(move || presets.presets()),
            limits,
            describer: metadata::ENGINE,
            patience: Patience {
                visibility: self.settings.visibility,
                // Queues outlive every function, so nothing that was sent is lost with one.
                alive_since: Timestamp::MIN,
                uploads: domain::signing::UPLOAD_LIFETIME,
            },
            endpoints: vec!["log".to_owned()],
        })
    }

    fn resize(&self) -> Arc<dyn Stage> {
        let (objects, catalog, limits) = self.common();
        Arc::new(Resize { objects, catalog, limits })
    }

    fn metadata(&self) -> Arc<dyn Stage> {
        let (objects, catalog, _) = self.common();
        Arc::new(Describe { objects, catalog })
    }

    fn common(&self) -> (Arc<dyn Objects>, Arc<dyn Catalog>, Limits) {
        (self.objects.clone(), self.catalog.clone(), self.settings.limits.clone())
    }

    fn adoption(&self) -> Option<Adoption> {
        let (tenant, visibility) = self.settings.adopted_as.clone();
        let bucket = self.settings.buckets.adopted.clone()?;
        Some(Adoption { bucket, secret: self.settings.secret.clone().into(), tenant, visibility })
    }
}
