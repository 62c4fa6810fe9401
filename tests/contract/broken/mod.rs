//! Adapters that are broken on purpose, each in one way, around the reference adapters. Every method
//! is forwarded by hand, so that a method that the ports gain cannot slip past a wrapper.

/// [`domain::Queue`]'s own methods for an adapter whose queue is in this field: what it breaks is
/// elsewhere. Sending and burying, where letters and queues differ, are written out by each.
macro_rules! lends_as {
    ($adapter:ty, $queue:ident) => {
        #[deny(clippy::missing_trait_methods)]
        #[::async_trait::async_trait]
        impl ::domain::Queue for $adapter {
            async fn receive(
                &self,
                stage: ::domain::StageName,
                limit: usize,
                visibility: ::std::time::Duration,
            ) -> Result<Vec<::domain::ports::Delivery>, ::domain::StoreError> {
                self.$queue.receive(stage, limit, visibility).await
            }

            async fn acknowledge(&self, receipt: &str) -> Result<(), ::domain::StoreError> {
                self.$queue.acknowledge(receipt).await
            }

            async fn hide(
                &self,
                receipt: &str,
                visibility: ::std::time::Duration,
            ) -> Result<(), ::domain::StoreError> {
                self.$queue.hide(receipt, visibility).await
            }
        }
    };
}

mod catalog;
mod keyring;
mod letters;
mod objects;
mod parts;
mod queue;

use std::sync::Arc;

use async_trait::async_trait;
use domain::contract::{self, Adapters, Report, Subject};
use futures::future::BoxFuture;

use super::homes::memory;

/// A home with one broken adapter.
pub(super) struct Broken {
    /// Port and fault.
    pub(super) name: String,
    /// The checks that are meant to find it.
    pub(super) caught_by: &'static [&'static str],
    port: Port,
    break_it: Box<dyn Fn(Adapters) -> Adapters + Send + Sync>,
}

#[derive(Clone, Copy)]
enum Port {
    Objects,
    Parts,
    Catalog,
    Queue,
    Letters,
    Keyring,
}

impl Broken {
    /// Holds its port to the contract.
    pub(super) async fn run(&self) -> Report {
        let run: BoxFuture<'_, Report> = match self.port {
            Port::Objects => Box::pin(contract::objects(self)),
            Port::Parts => Box::pin(contract::parts(self)),
            Port::Catalog => Box::pin(contract::catalog(self)),
            Port::Queue => Box::pin(contract::queue(self)),
            Port::Letters => Box::pin(contract::letters(self)),
            Port::Keyring => Box::pin(contract::keyring(self)),
        };
        run.await
    }
}

#[async_trait]
impl Subject for Broken {
    async fn fresh(&self) -> Adapters {
        (self.break_it)(memory())
    }
}

/// All of them.
pub(super) fn all() -> Vec<Broken> {
    let mut all = Vec::new();
    for (fault, caught_by) in objects::FAULTS {
        all.push(broken(Port::Objects, format!("objects {fault:?}"), caught_by, move |home| {
            let objects = Arc::new(objects::BrokenObjects::new(home.objects, *fault));
            Adapters { objects, ..home }
        }));
    }
    for (fault, caught_by) in parts::FAULTS {
        all.push(broken(Port::Parts, format!("parts {fault:?}"), caught_by, move |home| {
            let parts = parts::BrokenParts::new(home.parts, home.objects.clone(), *fault);
            Adapters { parts: Arc::new(parts), ..home }
        }));
    }
    for (fault, caught_by) in catalog::FAULTS {
        all.push(broken(Port::Catalog, format!("catalog {fault:?}"), caught_by, move |home| {
            let full = home.objects.clone();
            let catalog = Arc::new(catalog::BrokenCatalog::new(home.catalog, full, *fault));
            Adapters { catalog, ..home }
        }));
    }
    for (fault, caught_by) in queue::FAULTS {
        all.push(broken(Port::Queue, format!("queue {fault:?}"), caught_by, move |home| {
            let full = home.objects.clone();
            let queue = Arc::new(queue::BrokenQueue::new(home.queue, full, *fault));
            Adapters { queue, ..home }
        }));
    }
    for (fault, caught_by) in letters::FAULTS {
        all.push(broken(Port::Letters, format!("letters {fault:?}"), caught_by, move |home| {
            let letters = letters::BrokenLetters::new(home.queue, home.letters, *fault);
            let letters = Arc::new(letters);
            Adapters { queue: letters.clone(), letters, ..home }
        }));
    }
    for (fault, caught_by) in keyring::FAULTS {
        all.push(broken(Port::Keyring, format!("keyring {fault:?}"), caught_by, move |home| {
            let keyring = Arc::new(keyring::BrokenKeyring::new(home.keyring, *fault));
            Adapters { keyring, ..home }
        }));
    }
    // A home that answers before anything is durable: a restart starts from nothing.
    for (port, caught_by) in [
        (Port::Objects, &["objects::restart_keeps_objects"] as &[_]),
        (Port::Catalog, &["catalog::restart_keeps_images"] as &[_]),
        (Port::Queue, &["queue::restart_keeps_messages"] as &[_]),
        (Port::Letters, &["letters::restart_keeps_letters"] as &[_]),
        (Port::Keyring, &["keyring::restart_keeps_keys"] as &[_]),
    ] {
        all.push(broken(port, "home ForgetsAtRestart".to_owned(), caught_by, |home| Adapters {
            restart: Some(Box::new(|| Box::pin(async { memory() }))),
            ..home
        }));
    }
    all
}

fn broken(
    port: Port,
    name: String,
    caught_by: &'static [&'static str],
    break_it: impl Fn(Adapters) -> Adapters + Send + Sync + 'static,
) -> Broken {
    Broken { name, caught_by, port, break_it: Box::new(break_it) }
}

/// Time for others to come between: whoever was started by now gets as far as this.
async fn dawdle() {
    tokio::time::sleep(std::time::Duration::from_millis(10)).await;
}

/// Whether the home has no room for a few bytes more.
async fn is_full(objects: &dyn domain::Objects) -> bool {
    use domain::{ImageId, Key};
    let probe = Key::Upload { image: ImageId::mint(0, &[0; 10]) };
    let full = objects.write_if_absent(&probe, bytes::Bytes::from_static(&[0; 64])).await.is_err();
    // The reference store's deletion succeeds always.
    objects.delete(&probe).await.unwrap();
    full
}
