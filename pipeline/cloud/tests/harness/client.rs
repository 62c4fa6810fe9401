//! A client as an application would write one.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};

use super::home::Home;

/// Of one home, with its key.
#[derive(Clone)]
pub(crate) struct Client {
    url: String,
    key: Option<String>,
}

impl Client {
    pub(crate) fn of(home: &Home) -> Client {
        Client { url: home.url.clone(), key: Some(home.key.clone()) }
    }

    /// Of a home that asks for no key.
    pub(crate) fn without_key(url: &str) -> Client {
        Client { url: url.to_owned(), key: None }
    }

    /// What its home is reached by.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// What its home knows it by.
    pub(crate) fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// A request to the API, and the JSON that comes back.
    pub(crate) async fn call(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let (url, key) = (format!("{}{path}", self.url), self.key.clone());
        let method = method.to_owned();
        blocking(move || {
            let mut request = ureq::http::Request::builder().method(method.as_str()).uri(url);
            if let Some(key) = key {
                request = request.header("authorization", format!("Bearer {key}"));
            }
            let body = body.map(|body| body.to_string()).unwrap_or_default();
            if !body.is_empty() {
                request = request.header("content-type", "application/json");
            }
            // A home that is being started again answers nobody.
            let Ok(mut response) = agent().run(request.body(body).unwrap()) else {
                return (0, Value::String("no answer".to_owned()));
            };
            let text = response.body_mut().read_to_string().unwrap_or_default();
            let json = serde_json::from_str(&text).unwrap_or(Value::String(text));
            (response.status().as_u16(), json)
        })
        .await
    }

    /// The bytes under a URL.
    pub(crate) async fn get(&self, url: &str) -> (u16, Vec<u8>) {
        let url = url.to_owned();
        blocking(move || {
            let mut response = agent().get(&url).call().unwrap();
            let bytes = response.body_mut().with_config().limit(64 << 20).read_to_vec().unwrap();
            (response.status().as_u16(), bytes)
        })
        .await
    }

    /// Creates an upload and carries it out as the answer says. Answers the image's id.
    pub(crate) async fn upload(&self, bytes: &[u8], content_type: &str) -> String {
        let tried = self.try_to_upload(bytes, content_type).await;
        tried.unwrap_or_else(|why| panic!("{why}"))
    }

    /// The same, as often as it takes.
    pub(crate) async fn upload_patiently(&self, bytes: &[u8], content_type: &str) -> String {
        for _ in 0..60 {
            match self.try_to_upload(bytes, content_type).await {
                Ok(id) => return id,
                Err(why) => println!("tried again: {why}"),
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        panic!("no upload came through");
    }

    /// The same, without the bytes: they are sent when it pleases.
    pub(crate) async fn create(&self, wanted: Value) -> Created {
        self.try_to_create(wanted).await.unwrap_or_else(|why| panic!("{why}"))
    }

    async fn try_to_create(&self, wanted: Value) -> Result<Created, String> {
        let (status, created) = self.call("POST", "/v1/uploads", Some(wanted)).await;
        if status != 201 {
            return Err(format!("{status}: {created:#}"));
        }
        let id = created["image_id"].as_str().unwrap().to_owned();
        Ok(Created { id, upload: created["upload"].clone() })
    }

    async fn try_to_upload(&self, bytes: &[u8], content_type: &str) -> Result<String, String> {
        let created = self.try_to_create(terms(bytes, content_type)).await?;
        let Some(parts) = created.upload["parts"].as_array() else {
            return match created.put(bytes).await? {
                (200..300, _) => Ok(created.id),
                (status, answer) => Err(format!("the PUT: {status}: {answer}")),
            };
        };
        let mut sent = Vec::new();
        for part in parts {
            sent.push(put_part(part, bytes).await?);
        }
        self.complete(&created, sent).await
    }

    /// Joins parts that were sent. Answers the image's id.
    pub(crate) async fn complete(
        &self,
        created: &Created,
        sent: Vec<Value>,
    ) -> Result<String, String> {
        let complete = created.upload["complete_url"].as_str().unwrap();
        let complete = complete.strip_prefix(&self.url).unwrap();
        match self.call("POST", complete, Some(json!({ "parts": sent }))).await {
            (202, answer) => Ok(answer["image_id"].as_str().unwrap().to_owned()),
            (status, answer) => Err(format!("{status}: {answer:#}")),
        }
    }

    /// The record as it is.
    pub(crate) async fn record(&self, id: &str) -> Value {
        self.call("GET", &format!("/v1/images/{id}"), None).await.1
    }

    /// The record once nothing more happens by itself.
    pub(crate) async fn ended(&self, id: &str, patience: Duration) -> Value {
        let begun = tokio::time::Instant::now();
        loop {
            let record = self.record(id).await;
            if !matches!(record["status"].as_str(), None | Some("pending" | "processing")) {
                return record;
            }
            assert!(begun.elapsed() < patience, "no end after {patience:?}: {record:#}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// All records in a state, by id.
    pub(crate) async fn all(&self, status: &str) -> BTreeMap<String, Value> {
        let mut found = BTreeMap::new();
        let mut cursor = String::new();
        loop {
            let path = format!("/v1/images?limit=100&status={status}{cursor}");
            let (code, page) = self.call("GET", &path, None).await;
            if matches!(code, 0 | 502 | 503) {
                // Busy, or not there at the moment.
                tokio::time::sleep(Duration::from_secs(1)).await;
                continue;
            }
            assert_eq!(code, 200, "{page:#}");
            for record in page["images"].as_array().unwrap() {
                found.insert(record["image_id"].as_str().unwrap().to_owned(), record.clone());
            }
            let Some(next) = page["next_cursor"].as_str() else { return found };
            cursor = format!("&cursor={next}");
        }
    }

    /// Waits until so many are ready, asking seldom: a list costs as much as two records.
    pub(crate) async fn until_ready(
        &self,
        count: usize,
        patience: Duration,
    ) -> BTreeMap<String, Value> {
        let begun = tokio::time::Instant::now();
        loop {
            let ready = self.all("ready").await;
            if ready.len() >= count {
                return ready;
            }
            if begun.elapsed() > patience {
                let mut rest = BTreeMap::new();
                for status in ["pending", "processing", "failed", "rejected"] {
                    rest.append(&mut self.all(status).await);
                }
                panic!("{} of {count} are ready after {patience:?}: {rest:#?}", ready.len());
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// The record once it has this status.
    pub(crate) async fn until(&self, id: &str, status: &str, patience: Duration) -> Value {
        let begun = tokio::time::Instant::now();
        loop {
            let (_, record) = self.call("GET", &format!("/v1/images/{id}"), None).await;
            if record["status"] == status {
                return record;
            }
            assert!(begun.elapsed() < patience, "not {status} after {patience:?}: {record:#}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

/// An upload that was created.
#[derive(Clone, Debug)]
pub(crate) struct Created {
    pub(crate) id: String,
    pub(crate) upload: Value,
}

impl Created {
    /// Sends the bytes at once: the status, and what is said.
    pub(crate) async fn put(&self, bytes: &[u8]) -> Result<(u16, String), String> {
        put(&self.upload, bytes).await.map(|(status, answer, _)| (status, answer))
    }
}

/// Sends a part of a file; answers what joining it has to say.
pub(crate) async fn put_part(part: &Value, file: &[u8]) -> Result<Value, String> {
    let (from, length) = (part["offset"].as_u64().unwrap(), part["length"].as_u64().unwrap());
    let range = usize::try_from(from).unwrap()..usize::try_from(from + length).unwrap();
    let (status, answer, etag) = put(part, &file[range]).await?;
    if status >= 300 {
        return Err(format!("the PUT of a part: {status}: {answer}"));
    }
    Ok(json!({ "number": part["number"], "etag": etag }))
}

/// What a client says of an upload.
pub(crate) fn terms(bytes: &[u8], content_type: &str) -> Value {
    json!({ "content_length": bytes.len(), "content_type": content_type })
}

/// Sends bytes as a ticket says; answers the status, what is said, and the `ETag`.
async fn put(ticket: &Value, bytes: &[u8]) -> Result<(u16, String, String), String> {
    let (ticket, bytes) = (ticket.clone(), bytes.to_vec());
    let sent = blocking(move || {
        let mut put = agent().put(ticket["url"].as_str().unwrap());
        for (name, value) in ticket["headers"].as_object().unwrap() {
            put = put.header(name, value.as_str().unwrap());
        }
        let mut answer = put.send(&bytes)?;
        let etag = answer.headers().get("etag").and_then(|value| value.to_str().ok());
        let etag = etag.unwrap_or_default().to_owned();
        let said = answer.body_mut().read_to_string()?;
        Ok::<_, ureq::Error>((answer.status().as_u16(), said, etag))
    });
    sent.await.map_err(|error| format!("the PUT: {error}"))
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).build().into()
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}
