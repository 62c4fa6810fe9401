//! A client as an application would write one.

use std::time::Duration;

use serde_json::{Value, json};

use super::home::Home;

/// Of one home, with its key.
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
            let mut response = agent().run(request.body(body).unwrap()).unwrap();
            let text = response.body_mut().read_to_string().unwrap();
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
        for _ in 0..20 {
            match self.try_to_upload(bytes, content_type).await {
                Ok(id) => return id,
                Err(why) => println!("tried again: {why}"),
            }
        }
        panic!("no upload came through");
    }

    async fn try_to_upload(&self, bytes: &[u8], content_type: &str) -> Result<String, String> {
        let wanted = json!({ "content_length": bytes.len(), "content_type": content_type });
        let (status, created) = self.call("POST", "/v1/uploads", Some(wanted)).await;
        if status != 201 {
            return Err(format!("{status}: {created:#}"));
        }
        let upload = &created["upload"];
        let Some(parts) = upload["parts"].as_array() else {
            put(upload, bytes).await?;
            return Ok(created["image_id"].as_str().unwrap().to_owned());
        };
        let mut sent = Vec::new();
        for part in parts {
            let (from, length) = (part["offset"].as_u64().unwrap(), part["length"].as_u64().unwrap());
            let range = usize::try_from(from).unwrap()..usize::try_from(from + length).unwrap();
            let etag = put(part, &bytes[range]).await?;
            sent.push(json!({ "number": part["number"], "etag": etag }));
        }
        let complete = upload["complete_url"].as_str().unwrap();
        let complete = complete.strip_prefix(&self.url).unwrap();
        match self.call("POST", complete, Some(json!({ "parts": sent }))).await {
            (202, answer) => Ok(answer["image_id"].as_str().unwrap().to_owned()),
            (status, answer) => Err(format!("{status}: {answer:#}")),
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
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// Sends bytes as a ticket says; answers the `ETag`.
async fn put(ticket: &Value, bytes: &[u8]) -> Result<String, String> {
    let (ticket, bytes) = (ticket.clone(), bytes.to_vec());
    let answer = blocking(move || {
        let mut put = agent().put(ticket["url"].as_str().unwrap());
        for (name, value) in ticket["headers"].as_object().unwrap() {
            put = put.header(name, value.as_str().unwrap());
        }
        put.send(&bytes)
    });
    let answer = answer.await.map_err(|error| format!("the PUT: {error}"))?;
    if answer.status().as_u16() >= 300 {
        return Err(format!("the PUT: {}", answer.status()));
    }
    let etag = answer.headers().get("etag").and_then(|value| value.to_str().ok());
    Ok(etag.unwrap_or_default().to_owned())
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).build().into()
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}
