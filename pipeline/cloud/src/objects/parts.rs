//! Uploads by parts, as S3 has them.

use async_trait::async_trait;
use aws_sdk_s3::{
    primitives::ByteStream as Body,
    types::{CompletedMultipartUpload, CompletedPart},
};
use bytes::BytesMut;
use domain::{
    Key, Parts, StoreError,
    parts::{CompleteError, Part, Sent, compare},
    ports::{ByteStream, WriteError, Written},
    query::Page,
    signing::Signed,
};
use futures::StreamExt as _;
use jiff::Timestamp;

use super::{CloudObjects, Kind, completed, create, signed};
use crate::answer::answer;

impl CloudObjects {
    /// What was begun of this object, the first first.
    async fn begun(&self, key: &Key) -> Result<Vec<String>, StoreError> {
        let path = key.path();
        let list = self.client.list_multipart_uploads().bucket(self.bucket(key)?).prefix(&path);
        let listed = list.send().await.map_err(|error| answer(key, &error))?;
        let mut found: Vec<_> = listed
            .uploads()
            .iter()
            .filter(|upload| upload.key() == Some(&path))
            .filter_map(|upload| {
                let begun = upload.initiated().map(|moment| (moment.secs(), moment.subsec_nanos()));
                Some((begun, upload.upload_id()?.to_owned()))
            })
            .collect();
        found.sort();
        Ok(found.into_iter().map(|(_, id)| id).collect())
    }

    /// Of several, the one whose URLs a client uses. S3 dates them to the second, so of two that are begun
    /// at once each may have been the first when it looked.
    async fn fullest(&self, key: &Key, begun: Vec<String>) -> Result<Option<String>, StoreError> {
        if begun.len() < 2 {
            return Ok(begun.into_iter().next());
        }
        let mut found: Option<(usize, String)> = None;
        for upload in begun {
            let parts = match self.sent(key, &upload).await {
                Err(StoreError::Missing(_)) => continue,
                sent => sent?.len(),
            };
            if found.as_ref().is_none_or(|(most, _)| parts > *most) {
                found = Some((parts, upload));
            }
        }
        Ok(found.map(|(_, upload)| upload))
    }

    async fn give_up(&self, key: &Key, upload: &str) -> Result<(), StoreError> {
        let abort = self.client.abort_multipart_upload().bucket(self.bucket(key)?);
        let aborted = abort.key(key.path()).upload_id(upload).send().await;
        match aborted.map_err(|error| answer(key, &error)) {
            Ok(_) | Err(StoreError::Missing(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The upload that these parts came by. There is one, but for two that were begun within a moment by
    /// requests of which neither saw the other's.
    async fn with(&self, key: &Key, parts: &[Sent], length: u64) -> Result<String, CompleteError> {
        let mut unlike = gone();
        for (number, upload) in self.begun(key).await?.into_iter().enumerate() {
            let found = match self.sent(key, &upload).await {
                Err(StoreError::Missing(_)) => continue,
                found => found?,
            };
            let facts = found.iter().map(|(number, etag, bytes)| (*number, etag.as_str(), *bytes));
            match compare(parts, facts, length) {
                Ok(()) => return Ok(upload),
                Err(why) if number == 0 => unlike = why,
                Err(_) => {}
            }
        }
        Err(unlike)
    }

    /// Number, `ETag` and bytes of every part that came.
    async fn sent(&self, key: &Key, upload: &str) -> Result<Vec<(u16, String, u64)>, StoreError> {
        let (bucket, path) = (self.bucket(key)?, key.path());
        // There are fewer than S3 lists at once.
        let list = self.client.list_parts().bucket(bucket).key(path).upload_id(upload);
        let listed = list.send().await.map_err(|error| answer(key, &error))?;
        let known = |part: &aws_sdk_s3::types::Part| {
            let number = u16::try_from(part.part_number()?).ok()?;
            Some((number, part.e_tag()?.to_owned(), u64::try_from(part.size()?).ok()?))
        };
        let mut parts: Vec<_> = listed.parts().iter().filter_map(known).collect();
        parts.sort();
        Ok(parts)
    }
}

fn gone() -> CompleteError {
    CompleteError::Parts("no parts are waiting: the upload was given up, or never begun".to_owned())
}

#[async_trait]
impl Parts for CloudObjects {
    async fn begin(&self, key: &Key, content_type: &str) -> Result<String, StoreError> {
        if let Some(before) = self.fullest(key, self.begun(key).await?).await? {
            return Ok(before);
        }
        let create = self.client.create_multipart_upload().bucket(self.bucket(key)?);
        let kind = Kind::of(key);
        let create = create.key(key.path()).content_type(content_type);
        let begun = create.cache_control(kind.cache_control).send().await;
        let begun = begun.map_err(|error| answer(key, &error))?.upload_id;
        let own = begun.ok_or_else(|| StoreError::Broken(format!("{key}: no upload id")))?;
        // Of two that begin at once, both mean the first.
        let first = self.begun(key).await?.into_iter().next();
        match first {
            Some(first) if first != own => {
                self.give_up(key, &own).await?;
                Ok(first)
            }
            _ => Ok(own),
        }
    }

    async fn presign(
        &self,
        key: &Key,
        upload: &str,
        part: Part,
        expires_at: Timestamp,
    ) -> Result<Signed, StoreError> {
        let length = i64::try_from(part.length)
            .map_err(|_| StoreError::Broken(format!("{} bytes", part.length)))?;
        let request = self
            .client
            .upload_part()
            .bucket(self.bucket(key)?)
            .key(key.path())
            .upload_id(upload)
            .part_number(part.number.into())
            .content_length(length)
            .presigned(self.lifetime(expires_at)?)
            .await
            .map_err(|error| answer(key, &error))?;
        Ok(signed(&request, expires_at))
    }

    /// In memory: clients send their parts to S3 themselves.
    async fn write(
        &self,
        key: &Key,
        upload: &str,
        part: Part,
        mut stream: ByteStream,
    ) -> Result<String, WriteError> {
        let mut bytes = BytesMut::new();
        while let Some(chunk) = stream.next().await {
            bytes.extend_from_slice(&chunk?);
            if bytes.len() as u64 > part.length {
                return Err(WriteError::Size(bytes.len() as u64));
            }
        }
        if bytes.len() as u64 != part.length {
            return Err(WriteError::Size(bytes.len() as u64));
        }
        let send = self.client.upload_part().bucket(self.bucket(key)?).key(key.path());
        let send = send.upload_id(upload).part_number(part.number.into());
        let sent = send.body(Body::from(bytes.freeze())).send().await;
        let sent = sent.map_err(|error| answer(key, &error))?;
        Ok(sent.e_tag.unwrap_or_default())
    }

    async fn complete(
        &self,
        key: &Key,
        parts: &[Sent],
        length: u64,
    ) -> Result<Written, CompleteError> {
        let upload = self.with(key, parts, length).await?;
        let (bucket, path) = (self.bucket(key)?, key.path());
        let part = |sent: &Sent| {
            CompletedPart::builder().part_number(sent.number.into()).e_tag(&sent.etag).build()
        };
        let list = parts.iter().map(part).collect();
        let list = CompletedMultipartUpload::builder().set_parts(Some(list)).build();
        let written = create(key, || {
            self.client
                .complete_multipart_upload()
                .bucket(bucket)
                .key(&path)
                .upload_id(&upload)
                .if_none_match("*")
                .multipart_upload(list.clone())
                .send()
        })
        .await;
        match written {
            Err(StoreError::Missing(_)) => completed(self, key).await?.ok_or_else(gone),
            written => {
                let written = written?;
                if written == Written::Exists {
                    self.give_up(key, &upload).await?;
                }
                Ok(written)
            }
        }
    }

    async fn abort(&self, key: &Key) -> Result<(), StoreError> {
        for upload in self.begun(key).await? {
            self.give_up(key, &upload).await?;
        }
        Ok(())
    }

    async fn waiting(&self, cursor: Option<&str>, limit: usize) -> Result<Page<Key>, StoreError> {
        let bucket = &self.buckets.uploads;
        let listed = self
            .client
            .list_multipart_uploads()
            .bucket(bucket)
            .prefix(domain::key::Prefix::Uploads.path())
            .set_key_marker(cursor.map(str::to_owned))
            .max_uploads(i32::try_from(limit.clamp(1, 1000)).unwrap_or(1000))
            .send()
            .await
            .map_err(|error| answer(bucket, &error))?;
        let keys = listed.uploads().iter().filter_map(|upload| Key::parse(upload.key()?).ok());
        let more = listed.is_truncated() == Some(true);
        let next = listed.next_key_marker().filter(|_| more).map(str::to_owned);
        Ok(Page { items: keys.collect(), next })
    }
}
