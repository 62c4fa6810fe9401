//! Pictures that effects lay over others: they are part of no plan, which names them by their hash.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The SHA-256 of an asset's bytes, 64 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AssetId(String);

impl AssetId {
    /// The id of these bytes.
    pub fn of(bytes: &[u8]) -> AssetId {
        AssetId(hex::encode(Sha256::digest(bytes)))
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The assets at hand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assets(BTreeMap<AssetId, Arc<[u8]>>);

impl Assets {
    /// None.
    pub const NONE: &'static Assets = &Assets(BTreeMap::new());

    /// Adds a file, and says by which id plans know it.
    pub fn add(&mut self, bytes: Arc<[u8]>) -> AssetId {
        let id = AssetId::of(&bytes);
        self.0.insert(id.clone(), bytes);
        id
    }

    /// A file.
    pub fn get(&self, id: &AssetId) -> Option<&[u8]> {
        self.0.get(id).map(|bytes| &**bytes)
    }

    /// All files.
    pub fn iter(&self) -> impl Iterator<Item = (&AssetId, &Arc<[u8]>)> {
        self.0.iter()
    }
}
