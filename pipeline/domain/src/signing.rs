//! Signed URLs of the homes that serve their own objects: HMAC-SHA-256 (RFC 2104) over everything
//! that the URL allows. (The cloud's URLs are signed by its own SDK.)

use std::time::Duration;

use hmac::Mac;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use crate::{Code, Key, Problem, key::hmac_sha256, ports::UploadTerms};

/// A request that a client may make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signed {
    /// The HTTP method.
    pub method: String,
    /// The whole URL.
    pub url: String,
    /// Headers that the client must set itself, in the order given.
    pub headers: Vec<(String, String)>,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// The header that carries a checksum, base64, as S3 has it.
pub const CHECKSUM_HEADER: &str = "x-amz-checksum-sha256";

/// How long the URL of an upload lasts, where a home says nothing else.
pub const UPLOAD_LIFETIME: Duration = Duration::from_hours(1);

/// Signs and verifies, with one secret a home.
#[derive(Clone)]
pub struct Signer {
    secret: Vec<u8>,
    public_url: String,
}

impl Signer {
    /// `public_url` is what clients reach this home by, without a slash at its end.
    pub fn new(secret: impl Into<Vec<u8>>, public_url: &str) -> Self {
        Self { secret: secret.into(), public_url: public_url.trim_end_matches('/').to_owned() }
    }

    /// What clients reach this home by.
    pub fn public_url(&self) -> &str {
        &self.public_url
    }

    /// The URL of a public object.
    pub fn plain(&self, key: &Key) -> String {
        format!("{}/{}", self.public_url, key.path())
    }

    /// A request that creates an object on these terms.
    pub fn put(&self, key: &Key, terms: &UploadTerms) -> Signed {
        let checksum = terms.checksum_sha256.map(super::Sha256::to_base64);
        let expires = terms.expires_at.as_second();
        let signature = self.put_signature(
            key,
            terms.content_length,
            &terms.content_type,
            checksum.as_deref(),
            expires,
        );
        let mut headers = vec![("content-type".to_owned(), terms.content_type.clone())];
        headers.extend(checksum.map(|sum| (CHECKSUM_HEADER.to_owned(), sum)));
        Signed {
            method: "PUT".to_owned(),
            url: format!(
                "{}/{}?expires={expires}&length={}&signature={signature}",
                self.public_url,
                key.path(),
                terms.content_length
            ),
            headers,
            expires_at: terms.expires_at,
        }
    }

    /// Whether a PUT of `content_length` bytes of `content_type` was allowed by [`Signer::put`].
    /// The parameters are the request's own: each is signed, so none can be altered.
    pub fn allows_put(
        &self,
        key: &Key,
        request: &PutRequest<'_>,
        now: Timestamp,
    ) -> Result<(), Problem> {
        let signature = self.put_signature(
            key,
            request.signed_length,
            request.content_type,
            request.checksum,
            request.expires,
        );
        // The type and the checksum are headers: where only they differ, say so.
        if !same(&signature, request.signature) {
            return Err(Problem::new(
                Code::SignatureInvalid,
                "the URL, its Content-Type or its checksum is not as it was signed: \
                 send exactly the `headers` that came with the URL",
            ));
        }
        check_expiry(request.expires, now)?;
        if request.content_length != request.signed_length {
            return Err(Problem::new(
                Code::SizeMismatch,
                format!(
                    "{} bytes were announced and {} are being sent",
                    request.signed_length, request.content_length
                ),
            ));
        }
        Ok(())
    }

    /// A URL under which a private object can be fetched.
    pub fn get(&self, key: &Key, expires_at: Timestamp) -> String {
        let expires = expires_at.as_second();
        let signature = self.sign(&["GET", &key.path(), &expires.to_string()]);
        format!("{}/{}?expires={expires}&signature={signature}", self.public_url, key.path())
    }

    /// Whether a GET was allowed by [`Signer::get`].
    pub fn allows_get(
        &self,
        key: &Key,
        expires: i64,
        signature: &str,
        now: Timestamp,
    ) -> Result<(), Problem> {
        if !same(&self.sign(&["GET", &key.path(), &expires.to_string()]), signature) {
            return Err(Problem::new(Code::SignatureInvalid, "the URL is not as it was signed"));
        }
        check_expiry(expires, now)
    }

    /// A mark for a text that clients carry and bring back: it can be made by this home alone, and
    /// for this purpose only.
    pub fn mark(&self, purpose: &str, text: &str) -> String {
        self.sign(&["MARK", purpose, text])
    }

    /// Whether a text was given out by this home for this purpose.
    pub fn is_marked(&self, purpose: &str, text: &str, mark: &str) -> bool {
        same(&self.mark(purpose, text), mark)
    }

    fn put_signature(
        &self,
        key: &Key,
        length: u64,
        content_type: &str,
        checksum: Option<&str>,
        expires: i64,
    ) -> String {
        let (length, expires) = (length.to_string(), expires.to_string());
        self.sign(&["PUT", &key.path(), &length, content_type, checksum.unwrap_or(""), &expires])
    }

    fn sign(&self, parts: &[&str]) -> String {
        let mut mac = hmac_sha256(&self.secret);
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        hex::encode(mac.finalize().into_bytes())
    }
}

/// A PUT as it came.
#[derive(Clone, Copy, Debug)]
pub struct PutRequest<'a> {
    /// `length` of the URL.
    pub signed_length: u64,
    /// `expires` of the URL, Unix seconds.
    pub expires: i64,
    /// `signature` of the URL.
    pub signature: &'a str,
    /// The header `Content-Length`.
    pub content_length: u64,
    /// The header `Content-Type`.
    pub content_type: &'a str,
    /// The header [`CHECKSUM_HEADER`].
    pub checksum: Option<&'a str>,
}

fn check_expiry(expires: i64, now: Timestamp) -> Result<(), Problem> {
    if now.as_second() < expires {
        return Ok(());
    }
    let detail = Timestamp::from_second(expires).map_or_else(
        |_| "the URL has expired".to_owned(),
        |end| format!("the URL expired at {end}"),
    );
    Err(Problem::new(Code::UrlExpired, detail))
}

fn same(a: &str, b: &str) -> bool {
    a.as_bytes().ct_eq(b.as_bytes()).into()
}
