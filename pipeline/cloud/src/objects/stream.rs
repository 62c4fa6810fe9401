//! Objects of a length that does not fit into memory: parts, and all of them or nothing.

use std::time::Duration;

use aws_sdk_s3::{
    primitives::ByteStream as Body,
    types::{CompletedMultipartUpload, CompletedPart},
};
use bytes::{Bytes, BytesMut};
use domain::{
    Key, Objects, Sha256, StoreError,
    ports::{ByteStream, Exactly, WriteError, Written},
};
use futures::StreamExt as _;
use sha2::{Digest as _, Sha256 as Hasher};

use super::{CloudObjects, Kind, completed, create};
use crate::answer::answer;

/// Bytes of a part, and of what is written at once: 10,000 parts are the most that S3 takes.
const PART: usize = 16 << 20;

/// When to write it all again.
const AGAIN: Duration = Duration::from_secs(1);

/// A stream that is counted and hashed as it comes.
struct Counted<'a> {
    stream: ByteStream,
    exactly: &'a Exactly,
    size: u64,
    hasher: Hasher,
    rest: BytesMut,
}

impl Counted<'_> {
    /// The next part, shorter than [`PART`] only at the end.
    async fn part(&mut self) -> Result<Bytes, WriteError> {
        while self.rest.len() < PART {
            let Some(bytes) = self.stream.next().await else { break };
            let bytes = bytes?;
            self.size += bytes.len() as u64;
            if self.size > self.exactly.size {
                return Err(WriteError::Size(self.size));
            }
            self.hasher.update(&bytes);
            self.rest.extend_from_slice(&bytes);
        }
        let length = self.rest.len().min(PART);
        Ok(self.rest.split_to(length).freeze())
    }

    /// Whether it turned out as it was to be.
    fn check(self) -> Result<(), WriteError> {
        if self.size != self.exactly.size {
            return Err(WriteError::Size(self.size));
        }
        let digest = Sha256(self.hasher.finalize().into());
        match self.exactly.sha256 {
            Some(wanted) if wanted != digest => Err(WriteError::Checksum(digest)),
            _ => Ok(()),
        }
    }
}

pub(super) async fn write(
    objects: &CloudObjects,
    key: &Key,
    exactly: &Exactly,
    stream: ByteStream,
) -> Result<Written, WriteError> {
    let mut counted =
        Counted { stream, exactly, size: 0, hasher: Hasher::new(), rest: BytesMut::new() };
    let first = counted.part().await?;
    if exactly.size <= PART as u64 {
        counted.check()?;
        return Ok(objects.write_if_absent(key, first).await?);
    }
    let upload = Upload::begin(objects, key).await?;
    match upload.fill(first, counted).await {
        Ok(parts) => Ok(upload.complete(parts).await?),
        Err(error) => {
            // What cannot be given up now is removed by the bucket's own rule for what was abandoned.
            if let Err(error) = upload.abort().await {
                tracing::warn!(%key, %error, "parts are left behind");
            }
            Err(error)
        }
    }
}

struct Upload<'a> {
    objects: &'a CloudObjects,
    key: &'a Key,
    bucket: &'a str,
    id: String,
}

impl<'a> Upload<'a> {
    async fn begin(objects: &'a CloudObjects, key: &'a Key) -> Result<Self, StoreError> {
        let (bucket, kind) = (objects.bucket(key)?, Kind::of(key));
        let begun = objects
            .client
            .create_multipart_upload()
            .bucket(bucket)
            .key(key.path())
            .content_type(kind.content_type)
            .cache_control(kind.cache_control)
            .send()
            .await
            .map_err(|error| answer(key, &error))?;
        let id =
            begun.upload_id.ok_or_else(|| StoreError::Broken(format!("{key}: no upload id")))?;
        Ok(Self { objects, key, bucket, id })
    }

    async fn fill(
        &self,
        first: Bytes,
        mut rest: Counted<'_>,
    ) -> Result<Vec<CompletedPart>, WriteError> {
        let (mut parts, mut part) = (Vec::new(), first);
        for number in 1.. {
            let sent = self
                .objects
                .client
                .upload_part()
                .bucket(self.bucket)
                .key(self.key.path())
                .upload_id(&self.id)
                .part_number(number)
                .body(Body::from(part))
                .send()
                .await
                .map_err(|error| answer(self.key, &error))?;
            let done = CompletedPart::builder().part_number(number).set_e_tag(sent.e_tag);
            parts.push(done.build());
            part = rest.part().await?;
            if part.is_empty() {
                break;
            }
        }
        rest.check()?;
        Ok(parts)
    }

    async fn complete(&self, parts: Vec<CompletedPart>) -> Result<Written, StoreError> {
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let written = create(self.key, || {
            self.objects
                .client
                .complete_multipart_upload()
                .bucket(self.bucket)
                .key(self.key.path())
                .upload_id(&self.id)
                .if_none_match("*")
                .multipart_upload(parts.clone())
                .send()
        })
        .await;
        match written {
            Ok(Written::Created) => Ok(Written::Created),
            Ok(Written::Exists) => {
                self.abort().await?;
                Ok(Written::Exists)
            }
            Err(StoreError::Missing(_)) => {
                let reason = || format!("{}: S3 gave up what was begun", self.key);
                let busy = || StoreError::Busy { retry_after: AGAIN, reason: reason() };
                completed(self.objects, self.key).await?.ok_or_else(busy)
            }
            Err(error) => Err(error),
        }
    }

    async fn abort(&self) -> Result<(), StoreError> {
        let abort = self.objects.client.abort_multipart_upload().bucket(self.bucket);
        let aborted = abort.key(self.key.path()).upload_id(&self.id).send().await;
        aborted.map(drop).map_err(|error| answer(self.key, &error))
    }
}
