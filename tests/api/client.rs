//! A plain HTTP/1.1 client: requests go out exactly as written, malformed ones too.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use domain::Code;
use serde_json::Value;

/// A request to be sent as it stands.
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    pub(crate) fn new(method: &str, target: &str) -> Self {
        Self { method: method.into(), target: target.into(), headers: Vec::new(), body: Vec::new() }
    }

    pub(crate) fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// A body, with its length unless a header says otherwise.
    pub(crate) fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = body.as_ref().to_vec();
        self
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.header("Content-Type", "application/json").body(body.to_string())
    }

    pub(crate) fn key(self, secret: &str) -> Self {
        self.header("Authorization", &format!("Bearer {secret}"))
    }

    fn has(&self, name: &str) -> bool {
        self.headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name))
    }

    /// The head with its empty line, and the body.
    pub(crate) fn bytes(&self, address: SocketAddr) -> Vec<u8> {
        let mut lines = vec![
            format!("{} {} HTTP/1.1", self.method, self.target),
            "Connection: close".to_owned(),
        ];
        if !self.has("host") {
            lines.push(format!("Host: {address}"));
        }
        let sized = self.has("content-length") || self.has("transfer-encoding");
        if !sized && (!self.body.is_empty() || matches!(self.method.as_str(), "POST" | "PUT")) {
            lines.push(format!("Content-Length: {}", self.body.len()));
        }
        lines.extend(self.headers.iter().map(|(name, value)| format!("{name}: {value}")));
        let mut bytes = (lines.join("\r\n") + "\r\n\r\n").into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }

    /// Sends it and reads the answer to its end.
    pub(crate) fn send(&self, address: SocketAddr) -> Reply {
        let mut stream = connect(address);
        stream.write_all(&self.bytes(address)).unwrap();
        read(&mut stream)
    }

    /// Sends it and reads no more of the answer than its status.
    pub(crate) fn starts(&self, address: SocketAddr) -> u16 {
        let mut stream = connect(address);
        stream.write_all(&self.bytes(address)).unwrap();
        let mut line = [0; 12];
        stream.read_exact(&mut line).unwrap();
        std::str::from_utf8(&line[9..]).unwrap().parse().unwrap()
    }
}

pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

pub(crate) fn read(stream: &mut TcpStream) -> Reply {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    Reply::parse(&bytes)
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    fn parse(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|w| w == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no head in {:?}", String::from_utf8_lossy(bytes)));
        let head = std::str::from_utf8(&bytes[..end]).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: Vec<(String, String)> = lines
            .map(|line| line.split_once(':').unwrap())
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let mut reply = Self { status, headers, body: bytes[end + 4..].to_vec() };
        if reply.header("transfer-encoding") == Some("chunked") {
            reply.body = dechunk(&reply.body);
        }
        reply
    }

    /// A header that comes at most once.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(other, _)| other == name);
        let first = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "{name} comes twice in {:?}", self.headers);
        first
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {} {:?}", self.status, self.text()))
    }

    /// Asserts that it succeeded in this way, and answers its JSON.
    #[track_caller]
    pub(crate) fn ok(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        self.json()
    }

    /// Asserts that it is this problem, with all that every problem has; answers its detail.
    #[track_caller]
    pub(crate) fn problem(&self, code: Code) -> String {
        let body = self.json();
        assert_eq!(body["code"], code.as_str(), "{body}");
        assert_eq!(self.status, code.status(), "{body}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        assert_eq!(self.header("cache-control"), Some("no-store"));
        assert_eq!(body["status"], code.status());
        assert_eq!(body["title"], code.title());
        assert_eq!(body["type"], format!("urn:darkroom:problem:{code}"));
        let id = self.header("x-request-id").unwrap();
        assert_eq!(body["instance"], format!("urn:uuid:{id}"));
        let detail = body["detail"].as_str().unwrap();
        assert!(detail.len() > 10, "{detail:?} says nothing");
        detail.to_owned()
    }

    /// The names of the fields that a problem complains of.
    pub(crate) fn fields(&self) -> Vec<String> {
        let body = self.json();
        let errors = body["errors"].as_array().unwrap_or_else(|| panic!("{body}")).iter();
        errors.map(|error| error["field"].as_str().unwrap().to_owned()).collect()
    }
}

fn dechunk(mut bytes: &[u8]) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        let line = bytes.windows(2).position(|w| w == b"\r\n").unwrap();
        let length = std::str::from_utf8(&bytes[..line]).unwrap();
        let length = usize::from_str_radix(length, 16).unwrap();
        if length == 0 {
            return all;
        }
        all.extend_from_slice(&bytes[line + 2..line + 2 + length]);
        bytes = &bytes[line + 4 + length..];
    }
}
