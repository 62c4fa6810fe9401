//! Presets of a function: built in, from a file of its package, or from an object, which is looked at
//! again from time to time.

use std::{
    path::Path,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use aws_sdk_s3::Client;
use bytes::Bytes;
use domain::{Key, Objects, Offers, Sha256};
use imaging::{Presets, effects, effects::AssetId};

/// The largest picture that a watermark may be, in bytes.
const LARGEST: usize = 4 << 20;

/// What holds now.
#[derive(Debug)]
pub struct Live {
    place: Place,
    every: Duration,
    now: RwLock<Now>,
}

#[derive(Debug)]
struct Now {
    presets: Arc<Presets>,
    offers: Arc<Offers>,
    etag: Option<String>,
    looked: Instant,
}

#[derive(Debug)]
enum Place {
    BuiltIn,
    File(String),
    Object { client: Client, bucket: String, key: String },
}

impl Live {
    /// Reads them, and puts the pictures that they name where the resize function finds them. An object
    /// is looked at again once in `every`.
    pub async fn read(
        place: Option<&str>,
        every: Duration,
        client: Client,
        objects: &dyn Objects,
    ) -> Result<Self, String> {
        let place = match place {
            None => Place::BuiltIn,
            Some(text) => match text.strip_prefix("s3://").map(|rest| rest.split_once('/')) {
                None => Place::File(text.to_owned()),
                Some(Some((bucket, key))) => {
                    Place::Object { client, bucket: bucket.to_owned(), key: key.to_owned() }
                }
                Some(None) => return Err(format!("{text} names no object: s3://bucket/key")),
            },
        };
        let (presets, etag) = place.read(objects).await?;
        Ok(Self { place, every, now: RwLock::new(Now::of(presets, etag)) })
    }

    /// Looks again where it is time to. What is wrong is said, and what held before holds on.
    pub async fn refresh(&self, objects: &dyn Objects) {
        let Place::Object { client, bucket, key } = &self.place else { return };
        let (etag, looked) = {
            let now = self.now.read().unwrap_or_else(PoisonError::into_inner);
            (now.etag.clone(), now.looked)
        };
        if looked.elapsed() < self.every {
            return;
        }
        let head = client.head_object().bucket(bucket).key(key).send().await;
        let newer = match head {
            Ok(head) if head.e_tag() == etag.as_deref() => None,
            Ok(_) => Some(self.place.read(objects).await),
            Err(error) => Some(Err(format!("s3://{bucket}/{key}: {error:?}"))),
        };
        let mut now = self.now.write().unwrap_or_else(PoisonError::into_inner);
        now.looked = Instant::now();
        match newer {
            None => {}
            Some(Ok((presets, etag))) => *now = Now::of(presets, etag),
            Some(Err(why)) => tracing::error!(why, "the presets are as before"),
        }
    }

    /// What every image gets.
    pub fn presets(&self) -> Arc<Presets> {
        Arc::clone(&self.now.read().unwrap_or_else(PoisonError::into_inner).presets)
    }

    /// What may be asked for.
    pub fn offers(&self) -> Arc<Offers> {
        Arc::clone(&self.now.read().unwrap_or_else(PoisonError::into_inner).offers)
    }
}

impl Now {
    fn of(presets: Presets, etag: Option<String>) -> Self {
        let offers = Arc::new(Offers::from(&presets));
        Self { presets: Arc::new(presets), offers, etag, looked: Instant::now() }
    }
}

impl Place {
    async fn read(&self, objects: &dyn Objects) -> Result<(Presets, Option<String>), String> {
        let Some((text, etag)) = self.text().await? else {
            return Ok((Presets::built_in().clone(), None));
        };
        // Which pictures are named is known only by reading; they are fetched behind that.
        let mut named = Vec::new();
        let mut note = |name: &str| {
            named.push(name.to_owned());
            Ok(AssetId::of(name.as_bytes()))
        };
        Presets::parse_with(&text, &mut note).map_err(|error| format!("{self}: {error}"))?;
        let mut pictures = std::collections::BTreeMap::new();
        for name in named {
            let bytes = self.beside(&name).await?;
            let id = AssetId::of(&bytes);
            let hash = Sha256::of(&bytes);
            let kept = objects.write_if_absent(&Key::Asset { hash }, bytes).await;
            kept.map_err(|error| format!("{name}: {error}"))?;
            pictures.insert(name, id);
        }
        let mut resolve =
            |name: &str| pictures.get(name).cloned().ok_or_else(|| format!("{name} is not there"));
        let presets = Presets::parse_with(&text, &mut resolve);
        presets.map(|presets| (presets, etag)).map_err(|error| format!("{self}: {error}"))
    }

    async fn text(&self) -> Result<Option<(String, Option<String>)>, String> {
        match self {
            Self::BuiltIn => Ok(None),
            Self::File(file) => {
                let text = std::fs::read_to_string(file);
                text.map(|text| Some((text, None))).map_err(|error| format!("{file}: {error}"))
            }
            Self::Object { client, bucket, key } => {
                let (bytes, etag) = fetch(client, bucket, key).await?;
                let text = String::from_utf8(bytes.to_vec());
                text.map(|text| Some((text, etag))).map_err(|error| format!("{self}: {error}"))
            }
        }
    }

    /// A picture, named from where the presets lie.
    async fn beside(&self, name: &str) -> Result<Bytes, String> {
        let bytes = match self {
            Self::BuiltIn => return Err(format!("{name}: built-in presets name no files")),
            Self::File(file) => {
                let path = Path::new(file).parent().unwrap_or(Path::new("")).join(name);
                let bytes = std::fs::read(&path);
                bytes.map(Bytes::from).map_err(|error| format!("{}: {error}", path.display()))?
            }
            Self::Object { client, bucket, key } => {
                let folder = key.rsplit_once('/').map_or("", |(folder, _)| folder);
                let key = format!("{folder}/{name}");
                fetch(client, bucket, key.trim_start_matches('/')).await?.0
            }
        };
        if bytes.len() > LARGEST {
            let length = bytes.len();
            return Err(format!("{name} has {length} bytes; at most {LARGEST} are taken"));
        }
        effects::check_asset(&bytes).map_err(|fault| format!("{name}: {fault}"))?;
        Ok(bytes)
    }
}

async fn fetch(
    client: &Client,
    bucket: &str,
    key: &str,
) -> Result<(Bytes, Option<String>), String> {
    let wrong = |error: &dyn std::fmt::Debug| format!("s3://{bucket}/{key}: {error:?}");
    let got = client.get_object().bucket(bucket).key(key).send().await;
    let got = got.map_err(|error| wrong(&error))?;
    let etag = got.e_tag.clone();
    let bytes = got.body.collect().await.map_err(|error| wrong(&error))?;
    Ok((bytes.into_bytes(), etag))
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::BuiltIn => f.write_str("the built-in presets"),
            Self::File(file) => f.write_str(file),
            Self::Object { bucket, key, .. } => write!(f, "s3://{bucket}/{key}"),
        }
    }
}
