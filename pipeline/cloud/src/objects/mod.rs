//! Objects in S3. What creates says `If-None-Match: *`, so that of any number of writers one wins, and
//! S3 says who.

mod parts;
mod stream;

use std::{future::Future, ops::Range, sync::Arc, time::Duration};

use async_trait::async_trait;
use aws_sdk_s3::{
    Client,
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
    presigning::{PresignedRequest, PresigningConfig},
    primitives::{AggregatedBytes, ByteStream as Body},
};
use bytes::Bytes;
use domain::{
    Clock, Key, Objects, StoreError,
    key::Prefix,
    ports::{ByteStream, Exactly, ObjectMeta, UploadTerms, WriteError, Written},
    query::Page,
    signing::Signed,
};
use jiff::Timestamp;

use crate::{
    answer::{answer, status},
    table::pause,
};

/// Times that a write which met another is tried again: S3 answers 409 while the other is under way.
const PATIENCE: u32 = 8;

/// What S3 hands out of a listing at once.
const PAGE: usize = 1_000;

/// Variants and originals never change.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// The same, for one reader.
const FOR_ONE: &str = "private, max-age=31536000, immutable";

/// The buckets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buckets {
    /// Where clients upload to. Nothing else writes there.
    pub uploads: String,
    /// Originals, variants, metadata.
    pub media: String,
    /// A bucket that others write to, whose objects become images.
    pub adopted: Option<String>,
}

/// [`Objects`] in two buckets, and an adopted one.
#[derive(Clone)]
pub struct CloudObjects {
    client: Client,
    buckets: Buckets,
    clock: Arc<dyn Clock>,
}

impl CloudObjects {
    /// Objects in these buckets.
    pub fn new(client: Client, buckets: Buckets, clock: Arc<dyn Clock>) -> Self {
        Self { client, buckets, clock }
    }

    fn bucket(&self, key: &Key) -> Result<&str, StoreError> {
        match key {
            Key::Upload { .. } => Ok(&self.buckets.uploads),
            Key::Foreign { .. } => {
                let refused = || StoreError::Refused(format!("{key}: no bucket is adopted"));
                self.buckets.adopted.as_deref().ok_or_else(refused)
            }
            Key::Part { .. } => {
                Err(StoreError::Refused(format!("{key}: parts are the bucket's own affair here")))
            }
            Key::Original { .. }
            | Key::Variant { .. }
            | Key::Metadata { .. }
            | Key::Asset { .. } => Ok(&self.buckets.media),
        }
    }

    fn lifetime(&self, until: Timestamp) -> Result<PresigningConfig, StoreError> {
        let now = self.clock.now();
        let left = Duration::try_from(until.duration_since(now)).unwrap_or_default();
        PresigningConfig::builder()
            .start_time(now.into())
            .expires_in(left.max(Duration::from_secs(1)))
            .build()
            .map_err(|error| StoreError::Broken(format!("a URL until {until}: {error}")))
    }
}

/// Does what creates an object until S3 has decided who was first.
async fn create<T, E, F>(key: &Key, attempt: impl Fn() -> F) -> Result<Written, StoreError>
where
    F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    E: ProvideErrorMetadata + std::fmt::Debug,
{
    let mut tries = 0;
    loop {
        match attempt().await {
            Ok(_) => return Ok(Written::Created),
            Err(error) if status(&error) == Some(412) => return Ok(Written::Exists),
            Err(error) if status(&error) == Some(409) && tries < PATIENCE => {
                tokio::time::sleep(pause(tries)).await;
                tries += 1;
            }
            Err(error) => return Err(answer(key, &error)),
        }
    }
}

/// What became of completing parts that are gone: S3 had completed them and its answer was lost, or it gave
/// them up over a conflict. Nothing where no object is there.
async fn completed(objects: &CloudObjects, key: &Key) -> Result<Option<Written>, StoreError> {
    match objects.head(key).await {
        Ok(_) => Ok(Some(Written::Exists)),
        Err(StoreError::Missing(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// What a browser and a CDN are told of an object.
struct Kind {
    content_type: &'static str,
    cache_control: &'static str,
}

impl Kind {
    fn of(key: &Key) -> Kind {
        let path = key.path();
        let extension = path.rsplit_once('.').map_or("", |(_, extension)| extension);
        let format = imaging::Format::ALL.iter().find(|format| format.extension() == extension);
        let content_type = match (key, format) {
            (Key::Variant { .. }, Some(format)) => format.media_type(),
            (Key::Metadata { .. }, _) => "application/json",
            // What a client sent is handed to nobody as what it says it is.
            _ => "application/octet-stream",
        };
        let cache_control = if path.starts_with("v/") { FOR_EVER } else { FOR_ONE };
        Kind { content_type, cache_control }
    }
}

#[async_trait]
impl Objects for CloudObjects {
    async fn head(&self, key: &Key) -> Result<ObjectMeta, StoreError> {
        let head = self.client.head_object().bucket(self.bucket(key)?).key(key.path());
        let head = head.send().await.map_err(|error| answer(key, &error))?;
        let size = head.content_length().and_then(|size| u64::try_from(size).ok());
        let size = size.ok_or_else(|| StoreError::Broken(format!("{key} has no length")))?;
        Ok(ObjectMeta { size, etag: head.e_tag().unwrap_or_default().to_owned() })
    }

    async fn read(&self, key: &Key) -> Result<Bytes, StoreError> {
        let get = self.client.get_object().bucket(self.bucket(key)?).key(key.path());
        let got = get.send().await.map_err(|error| answer(key, &error))?;
        collect(key, got.body).await
    }

    async fn read_range(&self, key: &Key, range: Range<u64>) -> Result<Bytes, StoreError> {
        if range.is_empty() {
            return self.head(key).await.map(|_| Bytes::new());
        }
        let wanted = format!("bytes={}-{}", range.start, range.end - 1);
        let get = self.client.get_object().bucket(self.bucket(key)?).key(key.path()).range(wanted);
        match get.send().await {
            Ok(got) => collect(key, got.body).await,
            // It begins behind the end.
            Err(error) if status(&error) == Some(416) => Ok(Bytes::new()),
            Err(error) => Err(answer(key, &error)),
        }
    }

    async fn write_if_absent(&self, key: &Key, bytes: Bytes) -> Result<Written, StoreError> {
        let (bucket, kind) = (self.bucket(key)?, Kind::of(key));
        create(key, || {
            self.client
                .put_object()
                .bucket(bucket)
                .key(key.path())
                .content_type(kind.content_type)
                .cache_control(kind.cache_control)
                .if_none_match("*")
                .body(Body::from(bytes.clone()))
                .send()
        })
        .await
    }

    async fn write_stream(
        &self,
        key: &Key,
        exactly: &Exactly,
        stream: ByteStream,
    ) -> Result<Written, WriteError> {
        stream::write(self, key, exactly, stream).await
    }

    async fn copy(&self, from: &Key, to: &Key) -> Result<Written, StoreError> {
        let (source, bucket, kind) = (self.bucket(from)?, self.bucket(to)?, Kind::of(to));
        let source = format!("{source}/{}", encoded(&from.path()));
        create(from, || {
            self.client
                .copy_object()
                .copy_source(&source)
                .bucket(bucket)
                .key(to.path())
                .metadata_directive(aws_sdk_s3::types::MetadataDirective::Replace)
                .content_type(kind.content_type)
                .cache_control(kind.cache_control)
                .if_none_match("*")
                .send()
        })
        .await
    }

    async fn list(
        &self,
        prefix: &Prefix,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<Key>, StoreError> {
        let bucket = match prefix {
            Prefix::Uploads => &self.buckets.uploads,
            _ => &self.buckets.media,
        };
        let limit = limit.clamp(1, PAGE);
        let mut behind = cursor.map(str::to_owned);
        let mut found: Vec<Key> = Vec::new();
        loop {
            let most = i32::try_from(limit - found.len()).unwrap_or(i32::MAX);
            let listed = self
                .client
                .list_objects_v2()
                .bucket(bucket)
                .prefix(prefix.path())
                .set_start_after(behind.clone())
                .max_keys(most)
                .send()
                .await
                .map_err(|error| answer(&prefix.path(), &error))?;
            for object in listed.contents() {
                let path = object.key().unwrap_or_default();
                behind = Some(path.to_owned());
                // What is not of our layout is none of ours.
                found.extend(Key::parse(path).ok());
            }
            let more = listed.is_truncated() == Some(true) && !listed.contents().is_empty();
            if !more || found.len() >= limit {
                let next = more.then_some(behind).flatten();
                return Ok(Page { items: found, next });
            }
        }
    }

    async fn delete(&self, key: &Key) -> Result<(), StoreError> {
        let delete = self.client.delete_object().bucket(self.bucket(key)?).key(key.path());
        delete.send().await.map(drop).map_err(|error| answer(key, &error))
    }

    async fn presign_put(&self, key: &Key, terms: &UploadTerms) -> Result<Signed, StoreError> {
        let length = i64::try_from(terms.content_length)
            .map_err(|_| StoreError::Broken(format!("{} bytes", terms.content_length)))?;
        let request = self
            .client
            .put_object()
            .bucket(self.bucket(key)?)
            .key(key.path())
            .content_length(length)
            .content_type(&terms.content_type)
            .set_checksum_sha256(terms.checksum_sha256.map(domain::Sha256::to_base64))
            .if_none_match("*")
            .presigned(self.lifetime(terms.expires_at)?)
            .await
            .map_err(|error| answer(key, &error))?;
        Ok(signed(&request, terms.expires_at))
    }

    async fn presign_get(&self, key: &Key, expires_at: Timestamp) -> Result<String, StoreError> {
        let get = self.client.get_object().bucket(self.bucket(key)?).key(key.path());
        let request = get.presigned(self.lifetime(expires_at)?).await;
        request.map(|request| request.uri().to_owned()).map_err(|error| answer(key, &error))
    }
}

/// A signed request as clients get it.
fn signed(request: &PresignedRequest, expires_at: Timestamp) -> Signed {
    // A browser sets these itself, and lets no page do it.
    let own = |name: &str| !matches!(name, "content-length" | "host");
    let headers = request
        .headers()
        .filter(|(name, _)| own(name))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    Signed {
        method: request.method().to_owned(),
        url: request.uri().to_owned(),
        headers,
        expires_at,
    }
}

async fn collect(key: &Key, body: Body) -> Result<Bytes, StoreError> {
    let broken = |error| StoreError::Busy {
        retry_after: pause(4),
        reason: format!("{key} broke off: {error}"),
    };
    body.collect().await.map(AggregatedBytes::into_bytes).map_err(broken)
}

/// A key as it stands in a header: everything but letters, digits, `-._~` and `/` is escaped (RFC 3986).
fn encoded(path: &str) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                text.push(char::from(byte));
            }
            // Writing to a text does not fail.
            _ => drop(write!(text, "%{byte:02X}")),
        }
    }
    text
}
