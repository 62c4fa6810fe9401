//! A few connections that only read.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::StoreError;
use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::{DatabaseError, Trouble};

/// Readers at once. More would wait for the same two to eight cores.
const CONNECTIONS: usize = 4;

pub(super) struct Readers {
    idle: Arc<Mutex<Vec<Connection>>>,
    /// One permit a connection, so that whoever holds one finds one.
    permits: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn open(
        connect: impl Fn() -> Result<Connection, DatabaseError>,
    ) -> Result<Self, DatabaseError> {
        let idle = (0..CONNECTIONS).map(|_| connect()).collect::<Result<_, _>>()?;
        Ok(Self {
            idle: Arc::new(Mutex::new(idle)),
            permits: Arc::new(Semaphore::new(CONNECTIONS)),
        })
    }

    /// Looks at the newest committed state, on a thread where waiting harms nobody.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Connection) -> Result<T, Trouble> + Send + 'static,
    ) -> Result<T, StoreError> {
        let lost =
            |what: &dyn std::fmt::Display| StoreError::Broken(format!("a reader was lost: {what}"));
        let permit =
            Arc::clone(&self.permits).acquire_owned().await.map_err(|error| lost(&error))?;
        let idle = Arc::clone(&self.idle);
        // The permit goes along: a caller that gives up does not end the look.
        let looked = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let reader = Borrowed { connection: lock(&idle).pop(), idle: &idle };
            reader.connection.as_ref().map(look)
        })
        .await
        .map_err(|error| lost(&error))?;
        looked.ok_or_else(|| lost(&"no connection"))?.map_err(StoreError::from)
    }
}

/// A connection that goes back, also after a panic.
struct Borrowed<'a> {
    connection: Option<Connection>,
    idle: &'a Mutex<Vec<Connection>>,
}

impl Drop for Borrowed<'_> {
    fn drop(&mut self) {
        lock(self.idle).extend(self.connection.take());
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
