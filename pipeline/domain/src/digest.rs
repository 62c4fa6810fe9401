//! The digest that everything is named and checked by.

use std::{fmt, str::FromStr};

use sha2::Digest;
use utoipa::ToSchema;

use crate::key::KeyError;

/// A SHA-256 digest (FIPS 180-4); hex in keys and records, base64 in requests and headers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ToSchema)]
#[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
pub struct Sha256(pub [u8; 32]);

impl Sha256 {
    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(sha2::Sha256::digest(bytes).into())
    }

    /// Reads standard base64 with padding, as `x-amz-checksum-sha256` has it.
    pub fn from_base64(text: &str) -> Option<Self> {
        use base64::Engine as _;
        let bytes = base64::engine::general_purpose::STANDARD.decode(text).ok()?;
        Some(Self(bytes.try_into().ok()?))
    }

    /// Standard base64 with padding.
    pub fn to_base64(self) -> String {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(self.0)
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Sha256 {
    type Err = KeyError;

    /// Takes 64 lower-case hex digits only, so that a digest has one spelling.
    fn from_str(text: &str) -> Result<Self, KeyError> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| KeyError::new("sha256", text))?;
        if text.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(KeyError::new("sha256", text));
        }
        Ok(Self(bytes))
    }
}
