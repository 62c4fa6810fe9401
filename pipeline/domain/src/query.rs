//! Asking for many images, a page at a time.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Image, Status, Tenant};

/// Which images.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Filter {
    /// Of this owner only; none for all, which only the homes themselves may ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<Tenant>,
    /// In this state only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// Created at this moment or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Timestamp>,
    /// Created before this moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Timestamp>,
}

impl Filter {
    /// Whether an image is among those asked for.
    pub fn fits(&self, image: &Image) -> bool {
        self.tenant.as_ref().is_none_or(|tenant| *tenant == image.tenant)
            && self.status.is_none_or(|status| status == image.status)
            && self.after.is_none_or(|after| image.created_at >= after)
            && self.before.is_none_or(|before| image.created_at < before)
    }
}

/// A page of something, and where the next begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// What was found, in order.
    pub items: Vec<T>,
    /// What to ask for the next page with; none at the end. Opaque to whoever passes it on.
    pub next: Option<String>,
}
