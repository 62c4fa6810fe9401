//! The presets file: read with the pictures that it names, and read again when any of them changes,
//! so that a wish for another size needs no restart.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use domain::{Key, Objects, Offers, StoreError};
use imaging::{Assets, Presets, effects};
use tokio::{sync::watch, time};

/// How often the files are looked at.
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
    /// What was read to know it.
    seen: Seen,
}

impl Read {
    /// What holds where no file is named.
    pub fn built_in() -> Read {
        let presets = Presets::built_in().clone();
        Read { presets, assets: Assets::default(), seen: Seen::default() }
    }
}

/// Reads presets from a file, or takes the built-in ones. Files are named from the folder that the
/// presets stand in.
pub fn read(file: Option<&Path>) -> Result<Read, String> {
    let Some(file) = file else { return Ok(Read::built_in()) };
    let mut seen = Seen::default();
    let (presets, assets) = read_noting(file, &mut seen)?;
    Ok(Read { presets, assets, seen })
}

/// The same, and notes what it looks at, whether it comes to an end or not.
fn read_noting(file: &Path, seen: &mut Seen) -> Result<(Presets, Assets), String> {
    let mut assets = Assets::default();
    seen.note(file);
    let text = fs::read_to_string(file)
        .map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
    let folder = file.parent().unwrap_or(Path::new(""));
    let mut resolve = |name: &str| {
        let path = folder.join(name);
        seen.note(&path);
        asset(&path).map(|bytes| assets.add(bytes.into()))
    };
    let presets = Presets::parse_with(&text, &mut resolve)
        .map_err(|error| format!("{}: {error}", file.display()))?;
    Ok((presets, assets))
}

/// A picture that fits.
fn asset(path: &Path) -> Result<Vec<u8>, String> {
    let cannot = |error: std::io::Error| format!("{} cannot be read: {error}", path.display());
    let bytes = fs::metadata(path).map_err(cannot)?.len();
    if bytes > LARGEST {
        return Err(format!("{} has {bytes} bytes; at most {LARGEST} are taken", path.display()));
    }
    let bytes = fs::read(path).map_err(cannot)?;
    effects::check_asset(&bytes).map_err(|fault| format!("{}: {fault}", path.display()))?;
    Ok(bytes)
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
    /// What the server started with.
    first: Seen,
    now: RwLock<(Arc<Presets>, Arc<Offers>)>,
}

/// Why a change was not taken over.
enum Trouble {
    /// The files are wrong, until they change again.
    Wrong(String),
    /// The store did not take a picture, and may do so later.
    NotKept(StoreError),
}

impl Live {
    /// Those that were read from the file when the server started.
    pub fn new(file: Option<PathBuf>, read: Read) -> Live {
        let offers = Arc::new(Offers::from(&read.presets));
        Live { file, first: read.seen, now: RwLock::new((Arc::new(read.presets), offers)) }
    }

    /// What holds now.
    pub fn now(&self) -> Arc<Presets> {
        Arc::clone(&self.now.read().unwrap_or_else(PoisonError::into_inner).0)
    }

    /// What may be asked for now.
    pub fn offers(&self) -> Arc<Offers> {
        Arc::clone(&self.now.read().unwrap_or_else(PoisonError::into_inner).1)
    }

    /// Takes over every change of the file, and of the pictures that it names, until the server
    /// stops: also one that came before anybody followed. A file that is wrong, or gone, changes
    /// nothing, and says so once. Where a picture cannot be kept, as on a full disk, that is said
    /// once and tried until it can. Images that are there keep what they have; their URLs hold.
    pub async fn follow(&self, objects: Arc<dyn Objects>, mut stop: watch::Receiver<bool>) {
        let Some(file) = &self.file else { return };
        let mut seen = self.first.clone();
        let mut unkept = false;
        loop {
            tokio::select! {
                () = time::sleep(EVERY) => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
            let changed = seen.changed();
            if !changed && !unkept {
                continue;
            }
            let said = unkept && !changed;
            seen = Seen::default();
            let taken = self.take_over(file, &*objects, &mut seen).await;
            unkept = matches!(taken, Err(Trouble::NotKept(_)));
            match taken {
                Ok(true) => tracing::info!(file = %file.display(), "new presets hold from now on"),
                Ok(false) => {}
                Err(Trouble::Wrong(what)) => {
                    tracing::error!(what, "the presets stay as they were");
                }
                Err(Trouble::NotKept(_)) if said => {}
                Err(Trouble::NotKept(error)) => tracing::error!(
                    %error,
                    "the presets stay as they were, until the pictures that they name can be kept"
                ),
            }
        }
    }

    async fn take_over(
        &self,
        file: &Path,
        objects: &dyn Objects,
        seen: &mut Seen,
    ) -> Result<bool, Trouble> {
        let (presets, assets) = read_noting(file, seen).map_err(Trouble::Wrong)?;
        keep(objects, &assets).await.map_err(Trouble::NotKept)?;
        let mut now = self.now.write().unwrap_or_else(PoisonError::into_inner);
        if *now.0 == presets {
            return Ok(false);
        }
        let offers = Arc::new(Offers::from(&presets));
        *now = (Arc::new(presets), offers);
        Ok(true)
    }
}

/// Files, each as it was just before it was read, so that no change after that is missed: time and
/// size, or none where it was not there.
#[derive(Clone, Debug, Default)]
struct Seen(BTreeMap<PathBuf, Option<(SystemTime, u64)>>);

impl Seen {
    /// Notes a file that is about to be read; one that is read twice, as it was the first time.
    fn note(&mut self, file: &Path) {
        self.0.entry(file.to_owned()).or_insert_with(|| stamp(file));
    }

    /// Whether any is another by now.
    fn changed(&self) -> bool {
        self.0.iter().any(|(file, seen)| stamp(file) != *seen)
    }
}

fn stamp(file: &Path) -> Option<(SystemTime, u64)> {
    let facts = fs::metadata(file).ok()?;
    Some((facts.modified().ok()?, facts.len()))
}
