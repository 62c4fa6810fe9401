//! What every function and the worker stand on.

use std::{collections::BTreeMap, sync::Arc};

use domain::{Catalog, Clock, Objects, Parts, Stage, StageName};
use fanout::{Fanout, Patience};
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

    /// Stages by name; presets are needed by the fan-out alone.
    pub fn stages(
        &self,
        names: &[StageName],
        presets: Option<&Arc<Live>>,
    ) -> BTreeMap<StageName, Arc<dyn Stage>> {
        let stage = |name: &StageName| Some((*name, self.stage(*name, presets)?));
        names.iter().filter_map(stage).collect()
    }

    fn stage(&self, name: StageName, presets: Option<&Arc<Live>>) -> Option<Arc<dyn Stage>> {
        let objects = Arc::clone(&self.objects) as Arc<dyn Objects>;
        let catalog = Arc::clone(&self.catalog) as Arc<dyn Catalog>;
        let limits = self.settings.limits.clone();
        Some(match name {
            StageName::Ingest => {
                Arc::new(Ingest { objects, catalog, limits, adoption: self.adoption() })
            }
            StageName::Resize => Arc::new(Resize { objects, catalog, limits }),
            StageName::Metadata => Arc::new(Describe { objects, catalog }),
            StageName::Fanout => {
                let presets = Arc::clone(presets?);
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
                    },
                    endpoints: vec!["log".to_owned()],
                })
            }
        })
    }

    fn adoption(&self) -> Option<Adoption> {
        let (tenant, visibility) = self.settings.adopted_as.clone();
        let bucket = self.settings.buckets.adopted.clone()?;
        Some(Adoption { bucket, secret: self.settings.secret.clone().into(), tenant, visibility })
    }
}
