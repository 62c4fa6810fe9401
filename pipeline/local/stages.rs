//! The stages of this home, over whatever ports they are given: a worker's, or memory.

use std::sync::Arc;

use domain::{Catalog, Objects, Stage, StageName, parts::PartObjects};
use fanout::{Fanout, Patience};
use imaging::{Limits, Presets};

/// The stage of this name, if it is one that touches foreign bytes.
pub fn of_foreign_bytes(
    name: StageName,
    objects: Arc<dyn Objects>,
    catalog: Arc<dyn Catalog>,
    limits: Limits,
) -> Option<Box<dyn Stage>> {
    match name {
        // Nothing is adopted on one machine: there is no other bucket.
        StageName::Ingest => {
            Some(Box::new(ingest::Ingest { objects, catalog, limits, adoption: None }))
        }
        StageName::Resize => Some(Box::new(resize::Resize { objects, catalog, limits })),
        StageName::Metadata => Some(Box::new(metadata::Describe { objects, catalog })),
        StageName::Fanout => None,
    }
}

/// The stage that runs beside the database.
pub fn fanout(
    objects: Arc<dyn Objects>,
    catalog: Arc<dyn Catalog>,
    presets: Arc<dyn Fn() -> Arc<Presets> + Send + Sync>,
    limits: Limits,
    patience: Patience,
) -> Fanout {
    Fanout {
        parts: Arc::new(PartObjects::new(Arc::clone(&objects))),
        objects,
        catalog,
        presets,
        limits,
        describer: metadata::ENGINE,
        patience,
        // The one kind of endpoint so far: a line in the log.
        endpoints: vec!["log".to_owned()],
    }
}
