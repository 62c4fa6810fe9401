//! A client as an application would be: create, PUT, follow.

use std::{
    io::{BufRead as _, BufReader},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;
use serde_json::{Value, json};

pub(crate) struct Client {
    agent: ureq::Agent,
    url: String,
}

/// An image that is ready.
pub(crate) struct Ready {
    /// From the answer to its PUT until it was announced, both by this machine's clock.
    pub(crate) after: Duration,
}

impl Client {
    pub(crate) fn new(url: &str) -> Self {
        Self { agent: ureq::agent(), url: url.to_owned() }
    }

    pub(crate) fn upload(&self, photograph: &[u8]) -> Result<Ready> {
        let order = json!({ "content_length": photograph.len(), "content_type": "image/jpeg" });
        let created: Value = self
            .agent
            .post(format!("{}/v1/uploads", self.url))
            .send_json(&order)?
            .into_body()
            .read_json()?;
        let mut put = self.agent.put(text(&created["upload"]["url"])?);
        for (name, value) in created["upload"]["headers"].as_object().into_iter().flatten() {
            put = put.header(name, text(value)?);
        }
        put.send(photograph)?.into_body().read_to_vec()?;
        let arrived = Timestamp::now();
        let record = self.follow(text(&created["image_id"])?)?;
        let ready: Timestamp = text(&record["ready_at"])?.parse()?;
        // A small image may be announced before its client has read the answer.
        let after = Duration::try_from(ready.duration_since(arrived)).unwrap_or_default();
        Ok(Ready { after })
    }

    /// Reads server-sent events until a final one.
    fn follow(&self, id: &str) -> Result<Value> {
        let events = self.agent.get(format!("{}/v1/images/{id}/events", self.url)).call()?;
        let mut last = None;
        for line in BufReader::new(events.into_body().into_reader()).lines() {
            if let Some(data) = line?.strip_prefix("data:") {
                last = Some(serde_json::from_str::<Value>(data)?);
            }
        }
        let record = last.with_context(|| format!("the events of {id} ended before the first"))?;
        if record["status"] != "ready" {
            bail!("{id} is not ready: {record}");
        }
        Ok(record)
    }

    pub(crate) fn metrics(&self) -> Result<String> {
        Ok(self.agent.get(format!("{}/metrics", self.url)).call()?.into_body().read_to_string()?)
    }
}

fn text(value: &Value) -> Result<&str> {
    value.as_str().with_context(|| format!("{value} is no text"))
}
