//! The layout of the buckets, as one type, and the names that things have in it.

use std::{fmt, str::FromStr};

use hmac::{Hmac, Mac};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{Sha256, Visibility};

/// Which image: a `UUIDv7` (RFC 9562) minted by the API, or one derived from an adopted object.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(transparent)]
#[schema(value_type = String, format = "uuid")]
pub struct ImageId(Uuid);

impl ImageId {
    /// A new id: `UUIDv7` of the moment in Unix milliseconds and ten random bytes.
    pub fn mint(unix_millis: u64, random: &[u8; 10]) -> Self {
        Self(uuid::Builder::from_unix_timestamp_millis(unix_millis, random).into_uuid())
    }

    /// The id of an object that arrived without our URL: the same object version has the same id
    /// at every event, and nobody without the secret can aim at one. HMAC-SHA-256 over bucket,
    /// decoded key and version, as a `UUIDv8` (RFC 9562).
    pub fn adopted(secret: &[u8], bucket: &str, key: &str, version: &str) -> Self {
        let mut mac = hmac_sha256(secret);
        for part in [bucket, key, version] {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        let digest = mac.finalize().into_bytes();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }

    /// When it was minted, to the millisecond; none for the id of an adopted object.
    pub fn minted_at(&self) -> Option<jiff::Timestamp> {
        let (seconds, nanos) = self.0.get_timestamp()?.to_unix();
        let moment = jiff::Timestamp::new(seconds.try_into().ok()?, nanos.try_into().ok()?);
        moment.ok().filter(|_| self.0.get_version_num() == 7)
    }

    /// The id as its sixteen bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

pub(crate) fn hmac_sha256(secret: &[u8]) -> Hmac<sha2::Sha256> {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of every length (RFC 2104)")]
    Hmac::<sha2::Sha256>::new_from_slice(secret).expect("HMAC takes any key")
}

impl fmt::Display for ImageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl FromStr for ImageId {
    type Err = KeyError;

    /// Takes the hyphenated lower-case form only, so that an image has one spelling.
    fn from_str(text: &str) -> Result<Self, KeyError> {
        let id = Uuid::try_parse(text).map_err(|_| KeyError::new("image id", text))?;
        if id.hyphenated().to_string() == text {
            Ok(Self(id))
        } else {
            Err(KeyError::new("image id", text))
        }
    }
}

/// Who owns an image and may see it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(pattern = "^[a-z0-9_-]{1,64}$")]
pub struct Tenant(String);

impl Tenant {
    /// The owner of what is uploaded where no key is asked for.
    pub fn local() -> Self {
        Self("local".to_owned())
    }

    /// The tenant's name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Tenant {
    type Err = KeyError;

    /// 1 to 64 of `a-z`, `0-9`, `-`, `_`: safe in keys, URLs and logs.
    fn from_str(text: &str) -> Result<Self, KeyError> {
        let fits = (1..=64).contains(&text.len())
            && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'));
        if fits { Ok(Self(text.to_owned())) } else { Err(KeyError::new("tenant", text)) }
    }
}

impl fmt::Display for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a piece was made by and from, in sixteen hex digits; or which set of pieces an image awaits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(String);

impl Revision {
    /// The short form of a digest.
    pub fn short(digest: Sha256) -> Self {
        Self(hex::encode(&digest.0[..8]))
    }

    /// The sixteen hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Revision {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let fits = text.len() == 16 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if fits { Ok(Self(text.to_owned())) } else { Err(KeyError::new("revision", text)) }
    }
}

/// One thing to make of an image: `small.webp@0123456789abcdef`, `derived@…`, `metadata@…`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PieceId {
    /// `variant.ext`, or a word without a dot for what is not a variant.
    pub name: String,
    /// Which source, plan and engine it is made by.
    pub revision: Revision,
}

impl fmt::Display for PieceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name, self.revision)
    }
}

impl FromStr for PieceId {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let wrong = || KeyError::new("piece", text);
        let (name, revision) = text.split_once('@').ok_or_else(wrong)?;
        if !is_piece_name(name) {
            return Err(wrong());
        }
        Ok(Self { name: name.to_owned(), revision: revision.parse().map_err(|_| wrong())? })
    }
}

/// Lower-case letters, digits and dashes, with at most one dot before an extension.
fn is_piece_name(name: &str) -> bool {
    let word =
        |w: &str| !w.is_empty() && w.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    name.len() <= 128
        && match name.split_once('.') {
            Some((stem, extension)) => word(stem) && word(extension),
            None => word(name),
        }
}

/// Where an object lives: every path of both buckets is a value of this type.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Key {
    /// What a client uploads, in the bucket `uploads`: `in/{image}`.
    Upload {
        /// The image that its URL was made for.
        image: ImageId,
    },
    /// A part of an upload that is not whole yet, where the home keeps its own objects:
    /// `u/{image}/{number}`, the number in five digits.
    Part {
        /// The image that its URL was made for.
        image: ImageId,
        /// From 1.
        number: u16,
    },
    /// An object of an adopted bucket, under a key that is not ours.
    Foreign {
        /// The key, decoded.
        key: String,
        /// Its version id, or its `ETag` where the bucket keeps no versions.
        version: String,
    },
    /// The kept original, in the bucket `media`: `o/{image}/{hash}`.
    Original {
        /// Its image.
        image: ImageId,
        /// SHA-256 of the bytes.
        hash: Sha256,
    },
    /// A variant, in the bucket `media`: `v/…` for all to see, `p/…` by signed URL only.
    Variant {
        /// Its image.
        image: ImageId,
        /// Source, plan and engine.
        revision: Revision,
        /// `small.webp`.
        file: String,
        /// Which of the two folders.
        visibility: Visibility,
    },
    /// Raw metadata, in the bucket `media`: `m/{image}/{hash}.json`.
    Metadata {
        /// Its image.
        image: ImageId,
        /// SHA-256 of the bytes.
        hash: Sha256,
    },
    /// A picture that presets name, in the bucket `media`: `a/{hash}`.
    Asset {
        /// SHA-256 of the bytes.
        hash: Sha256,
    },
}

impl Key {
    /// The path inside the key's bucket.
    pub fn path(&self) -> String {
        match self {
            Self::Upload { image } => format!("in/{image}"),
            Self::Part { image, number } => format!("u/{image}/{number:05}"),
            Self::Foreign { key, .. } => key.clone(),
            Self::Original { image, hash } => format!("o/{image}/{hash}"),
            Self::Variant { image, revision, file, visibility } => {
                let folder = match visibility {
                    Visibility::Public => "v",
                    Visibility::Private => "p",
                };
                format!("{folder}/{image}/{revision}/{file}")
            }
            Self::Metadata { image, hash } => format!("m/{image}/{hash}.json"),
            Self::Asset { hash } => format!("a/{hash}"),
        }
    }

    /// Reads a path that [`Key::path`] wrote. Foreign keys are not of our layout, so never an answer.
    pub fn parse(path: &str) -> Result<Self, KeyError> {
        let wrong = || KeyError::new("key", path);
        let mut parts = path.split('/');
        let (folder, image) = (parts.next().ok_or_else(wrong)?, parts.next().ok_or_else(wrong)?);
        if folder == "a" {
            let key = Self::Asset { hash: image.parse().map_err(|_| wrong())? };
            return if key.path() == path { Ok(key) } else { Err(wrong()) };
        }
        let image: ImageId = image.parse().map_err(|_| wrong())?;
        let key = match (folder, parts.next(), parts.next()) {
            ("in", None, None) => Self::Upload { image },
            ("u", Some(number), None) => {
                Self::Part { image, number: number.parse().map_err(|_| wrong())? }
            }
            ("o", Some(hash), None) => {
                Self::Original { image, hash: hash.parse().map_err(|_| wrong())? }
            }
            ("m", Some(file), None) => {
                let hash = file.strip_suffix(".json").ok_or_else(wrong)?;
                Self::Metadata { image, hash: hash.parse().map_err(|_| wrong())? }
            }
            ("v" | "p", Some(revision), Some(file))
                if is_piece_name(file) && file.contains('.') =>
            {
                Self::Variant {
                    image,
                    revision: revision.parse().map_err(|_| wrong())?,
                    file: file.to_owned(),
                    visibility: if folder == "v" {
                        Visibility::Public
                    } else {
                        Visibility::Private
                    },
                }
            }
            _ => return Err(wrong()),
        };
        // One spelling a key: hex digests in lower case, no empty segment, nothing behind the end.
        if key.path() == path { Ok(key) } else { Err(wrong()) }
    }

    /// The image that the object belongs to; an adopted object does not say it, and an asset
    /// belongs to many.
    pub fn image(&self) -> Option<ImageId> {
        match self {
            Self::Foreign { .. } | Self::Asset { .. } => None,
            Self::Upload { image }
            | Self::Part { image, .. }
            | Self::Original { image, .. }
            | Self::Variant { image, .. }
            | Self::Metadata { image, .. } => Some(*image),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path())
    }
}

/// A folder of the layout, for listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Prefix {
    /// All uploads, `in/`.
    Uploads,
    /// All parts of uploads, `u/`.
    Parts,
    /// Those of an image's upload, `u/{image}/`.
    PartsOf(ImageId),
    /// An image's kept originals, `o/{image}/`.
    Originals(ImageId),
    /// An image's raw metadata, `m/{image}/`.
    Metadata(ImageId),
    /// An image's public variants, `v/{image}/`.
    Public(ImageId),
    /// An image's private variants, `p/{image}/`.
    Private(ImageId),
}

impl Prefix {
    /// Every folder that an image may have left something in, apart from its upload and the parts of it.
    pub fn of(image: ImageId) -> [Self; 4] {
        [Self::Originals(image), Self::Metadata(image), Self::Public(image), Self::Private(image)]
    }

    /// The path with its closing slash.
    pub fn path(&self) -> String {
        match self {
            Self::Uploads => "in/".to_owned(),
            Self::Parts => "u/".to_owned(),
            Self::PartsOf(image) => format!("u/{image}/"),
            Self::Originals(image) => format!("o/{image}/"),
            Self::Metadata(image) => format!("m/{image}/"),
            Self::Public(image) => format!("v/{image}/"),
            Self::Private(image) => format!("p/{image}/"),
        }
    }
}

/// Text that is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a {wanted}")]
pub struct KeyError {
    wanted: &'static str,
    text: String,
}

impl KeyError {
    pub(crate) fn new(wanted: &'static str, text: &str) -> Self {
        Self { wanted, text: text.chars().take(200).collect() }
    }
}

/// Serde as the text form, for types that have one.
macro_rules! serde_as_text {
    ($($type:ty),+) => {$(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    )+};
}
serde_as_text!(Sha256, Revision, PieceId);
