//! The presets file: read with the pictures that it names, and read again when it changes, so that
//! a wish for another size needs no restart.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use domain::{Key, Objects, Offers, StoreError};
use imaging::{Assets, Presets};
use tokio::{sync::watch, time};

/// How often the file is looked at.
const EVERY: Duration = Duration::from_secs(2);

/// The largest picture that a watermark may be, in bytes.
const LARGEST: u64 = 4 << 20;

/// Presets, and the files that they name.
#[derive(Clone, Debug)]
pub struct Read {
    /// What every image gets.
    pub presets: Presets,
    /// Pictures that effects lay over others.
    pub assets: Assets,
}

impl Read {
    /// What holds where no file is named.
    pub fn built_in() -> Read {
        Read { presets: Presets::built_in().clone(), assets: Assets::default() }
    }
}

/// Reads presets from a file, or takes the built-in ones. Files are named from the folder that the
/// presets stand in.
pub fn read(file: Option<&Path>) -> Result<Read, String> {
    let Some(file) = file else { return Ok(Read::built_in()) };
    let mut assets = Assets::default();
    let text = fs::read_to_string(file)
        .map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
    let folder = file.parent().unwrap_or(Path::new(""));
    let mut resolve = |name: &str| asset(&folder.join(name)).map(|bytes| assets.add(bytes.into()));
    let presets = Presets::parse_with(&text, &mut resolve)
        .map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(Read { presets, assets })
}

/// A picture that fits.
fn asset(path: &Path) -> Result<Vec<u8>, String> {
    let cannot = |error: std::io::Error| format!("{} cannot be read: {error}", path.display());
    let bytes = fs::metadata(path).map_err(cannot)?.len();
    if bytes > LARGEST {
        return Err(format!("{} has {bytes} bytes; at most {LARGEST} are taken", path.display()));
    }
    fs::read(path).map_err(cannot)
}

/// Puts what presets name where the resize stage finds it. What is there stays.
pub async fn keep(objects: &dyn Objects, assets: &Assets) -> Result<(), StoreError> {
    for (id, bytes) in assets.iter() {
        let bytes = bytes::Bytes::copy_from_slice(bytes);
        let hash = id.as_str().parse().map_err(|_| StoreError::Broken(id.as_str().to_owned()))?;
        objects.write_if_absent(&Key::Asset { hash }, bytes).await?;
    }
    Ok(())
}

/// The presets of a running server.
#[derive(Debug)]
pub struct Live {
    file: Option<PathBuf>,
    now: RwLock<(Arc<Presets>, Arc<Offers>)>,
}

impl Live {
    /// Those that were read from the file when the server started.
    pub fn new(file: Option<PathBuf>, presets: Presets) -> Live {
        let offers = Arc::new(Offers::from(&presets));
        Live { file, now: RwLock::new((Arc::new(presets), offers)) }
    }

    /// What holds now.
    pub fn now(&self) -> Arc<Presets> {
        Arc::clone(&self.now.read().unwrap_or_else(PoisonError::into_inner).0)
    }

    /// What may be asked for now.
    pub fn offers(&self) -> Arc<Offers> {
        Arc::clone(&self.now.read().unwrap_or_else(PoisonError::into_inner).1)
    }

    /// Takes over every change of the file until the server stops. A file that is wrong, or gone,
    /// changes nothing, and says so once. Images that are there keep what they have until they are
    /// reprocessed; their URLs hold in any case.
    pub async fn follow(&self, objects: Arc<dyn Objects>, mut stop: watch::Receiver<bool>) {
        let Some(file) = &self.file else { return };
        let mut seen = stamp(file);
        loop {
            tokio::select! {
                () = time::sleep(EVERY) => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
            let found = stamp(file);
            if found == seen {
                continue;
            }
            seen = found;
            match self.take_over(file, &*objects).await {
                Ok(true) => tracing::info!(file = %file.display(), "new presets hold from now on"),
                Ok(false) => {}
                Err(what) => tracing::error!(what, "the presets stay as they were"),
            }
        }
    }

    async fn take_over(&self, file: &Path, objects: &dyn Objects) -> Result<bool, String> {
        let Read { presets, assets } = read(Some(file))?;
        keep(objects, &assets).await.map_err(|error| error.to_string())?;
        let mut now = self.now.write().unwrap_or_else(PoisonError::into_inner);
        if *now.0 == presets {
            return Ok(false);
        }
        let offers = Arc::new(Offers::from(&presets));
        *now = (Arc::new(presets), offers);
        Ok(true)
    }
}

/// What changes when a file is written: its time and size; none where it is not there.
fn stamp(file: &Path) -> Option<(SystemTime, u64)> {
    let facts = fs::metadata(file).ok()?;
    Some((facts.modified().ok()?, facts.len()))
}
