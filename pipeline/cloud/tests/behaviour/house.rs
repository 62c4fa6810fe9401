//! A home as a scenario sees it: a client, and powers over it that no client has. A scenario is written
//! once, is played in both homes, and must show the same.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;

use super::{cloud_home::CloudHome, machine::Machine};
use crate::harness::{
    client::{Client, Created},
    home::Terms,
};

/// Longer than anything here takes, on a machine that compiles besides.
pub(super) const PATIENCE: Duration = Duration::from_mins(2);

/// Either home. Where one has no such power, what comes nearest to it is done, and said.
#[async_trait(?Send)]
pub(super) trait House {
    /// A client with a key, where one is asked for.
    fn client(&self) -> &Client;

    /// Says that an upload arrived, which may not be so yet. On one machine nothing but the bytes says
    /// so: they are sent again where they were sent before.
    async fn say_arrived(&self, upload: &Created, bytes: &[u8], sent: Sent);

    /// Says that an image was accepted. On one machine nobody from outside can.
    async fn say_accepted(&self, id: &str);

    /// The keys of all objects of an image, without its id.
    async fn stored(&self, id: &str) -> BTreeSet<String>;

    /// Stops whoever handles foreign bytes, in the middle of what they do.
    async fn hold(&self);

    /// Whoever was stopped dies, every message is lost, and everything that is written down becomes so
    /// much older; then work goes on.
    async fn lose(&self, age: Duration);

    /// Sends the sweeper on its way. On one machine every start does, and every five minutes.
    async fn sweep(&self);

    /// Other presets are put in the place of those that hold.
    async fn set_presets(&self, text: &str);

    /// From now on this image kills whoever makes its variants. On one machine nobody can be seen to be
    /// at an image, so it has to be a giant: whoever has so much memory has it.
    async fn poison(&self, id: &str);

    /// It kills nobody any more. Answers how many it has killed.
    async fn cure(&self) -> u64;

    /// How often the making of variants came to an end.
    async fn renders(&self) -> u64;

    /// How many messages ingest was at in the same moment, at most; none where nobody can tell from outside.
    fn ingests_at_once(&self) -> Option<usize>;

    /// What everything is written to takes nothing for a while.
    async fn outage(&self, time: Duration);

    /// Waits until nothing is under way.
    async fn settle(&self);
}

/// Whether the bytes of an upload were sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    Yes,
    NotYet,
}

/// How both homes are set up.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Plan {
    pub(super) terms: Terms,
    /// Flags of `darkroom serve` that say the same.
    pub(super) flags: &'static [&'static str],
}

/// Plays a scenario in both homes at once. What it shows must be the same.
pub(super) async fn in_both<T: PartialEq + Debug>(
    plan: Plan,
    scenario: impl AsyncFn(&dyn House) -> T,
) {
    let machine = Machine::start(plan.terms.presets, plan.flags);
    let cloud = CloudHome::start(plan.terms).await;
    let (one, other) = tokio::join!(scenario(&cloud), scenario(&machine));
    assert_eq!(one, other, "the cloud shows the first, one machine the second");
}

/// What an image comes to: its record and the bytes of its variants, without what names a home, an image
/// or a moment (DESIGN: the record).
#[derive(PartialEq)]
pub(super) struct Shown {
    pub(super) record: Value,
    bytes: BTreeMap<String, Vec<u8>>,
}

impl Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let lengths: Vec<_> = self.bytes.iter().map(|(name, all)| (name, all.len())).collect();
        write!(f, "{:#} with {lengths:?}", self.record)
    }
}

/// An image once it has ended.
pub(super) async fn shown(house: &dyn House, id: &str) -> Shown {
    let mut record = house.client().ended(id, PATIENCE).await;
    let mut bytes = BTreeMap::new();
    for variant in record["variants"].as_array().into_iter().flatten() {
        let Some(url) = variant["url"].as_str() else { continue };
        let (status, body) = house.client().get(url).await;
        assert_eq!(status, 200, "{url}");
        assert_eq!(variant["sha256"], domain::Sha256::of(&body).to_string(), "{url}");
        bytes.insert(file(variant), body);
    }
    let fields = record.as_object_mut().unwrap();
    for name in ["image_id", "tenant", "created_at", "ready_at", "erased_at"] {
        fields.remove(name);
    }
    strip_urls(&mut record);
    Shown { record, bytes }
}

/// `small.webp`.
pub(super) fn file(variant: &Value) -> String {
    format!("{}.{}", variant["name"].as_str().unwrap(), variant["format"].as_str().unwrap())
}

/// Makes every moment that is written down so much earlier.
pub(super) fn grow_old(value: &mut Value, age: Duration) {
    match value {
        Value::String(text) => {
            if let Ok(moment) = text.parse::<Timestamp>() {
                *text = (moment - age).to_string();
            }
        }
        Value::Object(fields) => fields.values_mut().for_each(|field| grow_old(field, age)),
        Value::Array(values) => values.iter_mut().for_each(|value| grow_old(value, age)),
        _ => {}
    }
}

fn strip_urls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !matches!(name.as_str(), "url" | "raw_url"));
            fields.values_mut().for_each(strip_urls);
        }
        Value::Array(values) => values.iter_mut().for_each(strip_urls),
        _ => {}
    }
}
