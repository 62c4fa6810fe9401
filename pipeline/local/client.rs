//! A client of any home's HTTP API, for the command line: blocking, one request at a time.

mod event;
mod upload;

use std::{
    io::{self, BufRead, BufReader},
    time::Duration,
};

use domain::{record::Record, trace::Trace};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use ureq::{
    Agent, AsSendBody, Body,
    http::{self, Request, Response, StatusCode},
};

use self::event::Event;

/// A home, and as whom it is talked to.
pub struct Client {
    endpoint: String,
    authorization: Option<String>,
    agent: Agent,
    silence: Duration,
}

/// How long a stream of events may be silent: a home says something every ten seconds.
const SILENCE: Duration = Duration::from_secs(35);

/// Why a request did not do what it was to do.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The server refused, and said why.
    #[error("{title}: {detail} ({code})")]
    Problem {
        /// The same for every occurrence.
        title: String,
        /// This occurrence.
        detail: String,
        /// The stable code.
        code: String,
    },
    /// The server refused, and not in our form: something else answered.
    #[error("{url} answered with status {status}, and not as Darkroom does: {body}")]
    Strange {
        /// Which request.
        url: String,
        /// Its HTTP status.
        status: u16,
        /// The beginning of what it said.
        body: String,
    },
    /// Nobody answered.
    #[error("{url} cannot be reached: {reason}. Is the server running, and is --endpoint right?")]
    Unreachable {
        /// Which request.
        url: String,
        /// What went wrong.
        reason: String,
    },
    /// The file cannot be read.
    #[error("the file cannot be read: {0}")]
    File(#[from] io::Error),
}

type Answer<T> = Result<T, ClientError>;

/// Work that was given up.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Letter {
    /// Its name.
    pub id: String,
    /// The image that waits for it.
    pub image_id: Option<String>,
    /// Which stage gave it up.
    pub stage: String,
    /// The message.
    pub message: Value,
    /// Why.
    pub reason: Reason,
    /// When, in RFC 3339.
    pub buried_at: String,
}

/// Why something was given up. The code is text here: a newer server may know more of them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Reason {
    /// The stable code.
    pub code: String,
    /// One sentence.
    pub detail: String,
}

/// What became of letters that were to be sent again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Redriven {
    /// Their work was sent.
    pub redriven: Vec<String>,
    /// Nobody waits for their work any more.
    pub needless: Vec<String>,
    /// There are more than one request takes.
    pub more: bool,
}

#[derive(Deserialize)]
struct Letters {
    dead_letters: Vec<Letter>,
    next_cursor: Option<String>,
}

impl Client {
    /// A client of the home at this URL; otherwise what is wrong with it.
    pub fn new(endpoint: &str, key: Option<&str>) -> Result<Self, String> {
        if !endpoint.starts_with("http://") && !endpoint.starts_with("https://") {
            return Err(format!(
                "--endpoint (DARKROOM_ENDPOINT): {endpoint:?} is given, and a URL such as \
                 http://127.0.0.1:8080 is wanted"
            ));
        }
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(Duration::from_secs(10)))
            .timeout_recv_response(Some(Duration::from_mins(2)))
            .build()
            .into();
        Ok(Self {
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            authorization: key.map(|key| format!("Bearer {key}")),
            agent,
            silence: SILENCE,
        })
    }

    /// The same, taking a stream of events for broken after another time of silence.
    #[must_use]
    pub fn with_silence(self, silence: Duration) -> Self {
        Self { silence, ..self }
    }

    /// An image's record.
    pub fn image(&self, id: &str) -> Answer<Record> {
        self.send("GET", &format!("/v1/images/{id}"), None)
    }

    /// An image's life.
    pub fn trace(&self, id: &str) -> Answer<Trace> {
        self.send("GET", &format!("/v1/images/{id}/trace"), None)
    }

    /// Shows each record of an image as it changes, until nothing more happens by itself; answers
    /// the last.
    pub fn follow(&self, id: &str, show: &mut dyn FnMut(&Record)) -> Answer<Record> {
        const PAUSE: Duration = Duration::from_millis(500);
        const MOST_FAILURES: u32 = 10;
        let mut last_event = None;
        let mut failures = 0;
        // A home may end the stream at any time; what was seen is not shown again.
        loop {
            match self.stream(id, &mut last_event, show) {
                Ok(Some(record)) => return Ok(record),
                Ok(None) => failures = 0,
                Err(ClientError::Unreachable { .. }) if failures < MOST_FAILURES => failures += 1,
                Err(error) => return Err(error),
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Reads events until the final one, or until the stream ends.
    fn stream(
        &self,
        id: &str,
        last_event: &mut Option<String>,
        show: &mut dyn FnMut(&Record),
    ) -> Answer<Option<Record>> {
        let url = format!("{}/v1/images/{id}/events", self.endpoint);
        let mut request = self.request("GET", &url).header("accept", "text/event-stream");
        if let Some(seen) = last_event.as_deref() {
            request = request.header("last-event-id", seen);
        }
        let request = request.body(()).map(|request| {
            self.agent.configure_request(request).timeout_per_read(Some(self.silence)).build()
        });
        let answer = self.run(&url, request)?;
        if answer.status() == StatusCode::NO_CONTENT {
            // No more events will come, so the record is as it stays.
            let record = self.image(id)?;
            show(&record);
            return Ok(Some(record));
        }
        let mut event = Event::default();
        let mut heard = false;
        for line in BufReader::new(answer.into_body().into_reader()).lines() {
            let line = match line {
                Ok(line) => line,
                // A stream that breaks off is taken up again.
                Err(_) if heard => return Ok(None),
                // So is one that never began, but not for ever.
                Err(error) => return Err(unreachable(&url, &error)),
            };
            heard = true;
            if !event.take(&line) {
                continue;
            }
            let Event { id, data } = std::mem::take(&mut event);
            if let Some(data) = data {
                let record: Record = parse(&url, 200, &data)?;
                show(&record);
                if record.status.is_final() {
                    return Ok(Some(record));
                }
            }
            // Only now: an event that did not come whole has not been seen.
            *last_event = id.or(last_event.take());
        }
        Ok(None)
    }

    /// Erases an image.
    pub fn erase(&self, id: &str) -> Answer<Value> {
        self.send("DELETE", &format!("/v1/images/{id}"), None)
    }

    /// Everything that was given up, the oldest first.
    pub fn dead_letters(&self) -> Answer<Vec<Letter>> {
        let mut found = Vec::new();
        let mut cursor = None;
        loop {
            let path = match &cursor {
                None => "/v1/dead-letters".to_owned(),
                Some(cursor) => format!("/v1/dead-letters?cursor={cursor}"),
            };
            let page: Letters = self.send("GET", &path, None)?;
            found.extend(page.dead_letters);
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(found);
            }
        }
    }

    /// One thing that was given up.
    pub fn dead_letter(&self, id: &str) -> Answer<Letter> {
        self.send("GET", &format!("/v1/dead-letters/{id}"), None)
    }

    /// Sends these again; without ids, all there are.
    pub fn redrive(&self, ids: &[String]) -> Answer<Redriven> {
        let path = "/v1/dead-letters/redrive";
        if !ids.is_empty() {
            return self.send("POST", path, Some(&json!({ "ids": ids })));
        }
        let mut all = Redriven { redriven: Vec::new(), needless: Vec::new(), more: true };
        while all.more {
            let some: Redriven = self.send("POST", path, Some(&json!({ "all": true })))?;
            all.redriven.extend(some.redriven);
            all.needless.extend(some.needless);
            all.more = some.more;
        }
        Ok(all)
    }

    fn send<T: DeserializeOwned>(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Answer<T> {
        let url = format!("{}{path}", self.endpoint);
        let request = self.request(method, &url).header("content-type", "application/json");
        let mut answer = match body {
            Some(body) => self.run(&url, request.body(body.to_string())),
            None => self.run(&url, request.body(())),
        }?;
        let status = answer.status().as_u16();
        let text = answer.body_mut().read_to_string().map_err(|error| unreachable(&url, &error))?;
        parse(&url, status, &text)
    }

    /// Sends a request; an answer that is a refusal is an error.
    fn run(
        &self,
        url: &str,
        request: Result<Request<impl AsSendBody>, http::Error>,
    ) -> Answer<Response<Body>> {
        let request = request.map_err(|error| unreachable(url, &error))?;
        accepted(url, self.agent.run(request).map_err(|error| unreachable(url, &error))?)
    }

    fn request(&self, method: &str, url: &str) -> http::request::Builder {
        let request = Request::builder().method(method).uri(url);
        match &self.authorization {
            Some(authorization) => request.header("authorization", authorization),
            None => request,
        }
    }
}

fn accepted(url: &str, mut answer: Response<Body>) -> Answer<Response<Body>> {
    #[derive(Deserialize)]
    struct Document {
        title: String,
        detail: String,
        code: String,
    }
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    let text = answer.body_mut().read_to_string().unwrap_or_default();
    match serde_json::from_str(&text) {
        Ok(Document { title, detail, code }) => Err(ClientError::Problem { title, detail, code }),
        Err(_) => Err(strange(url, status.as_u16(), &text)),
    }
}

fn parse<T: DeserializeOwned>(url: &str, status: u16, text: &str) -> Answer<T> {
    serde_json::from_str(text).map_err(|_| strange(url, status, text))
}

fn strange(url: &str, status: u16, body: &str) -> ClientError {
    ClientError::Strange { url: url.to_owned(), status, body: body.chars().take(200).collect() }
}

fn unreachable(url: &str, reason: &impl ToString) -> ClientError {
    // The part behind the question mark of an upload URL is a secret.
    let url = url.split('?').next().unwrap_or_default().to_owned();
    ClientError::Unreachable { url, reason: reason.to_string() }
}
