//! Following an image.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpStream,
    time::{Duration, Instant},
};

use api::{Access, Events};
use domain::{Code, ImageId, Keyring as _};
use serde_json::Value;

use super::{
    client::{Request, connect},
    server::{Options, Server, jpeg, moment},
};

/// An event, or a comment.
#[derive(Debug, PartialEq)]
enum Sent {
    Event { name: String, id: String, data: Value },
    Comment,
}

/// A stream of events, read as they come.
struct Listener(BufReader<TcpStream>);

impl Listener {
    fn open(server: &Server, id: ImageId, last: Option<&str>) -> Self {
        let request = Request::get(&format!("/v1/images/{id}/events"));
        let request = match last {
            Some(last) => request.header("Last-Event-ID", last),
            None => request,
        };
        Self::of(server, &request)
    }

    fn of(server: &Server, request: &Request) -> Self {
        let mut stream = connect(server.address);
        stream.write_all(&request.bytes(server.address)).unwrap();
        let mut listener = Self(BufReader::new(stream));
        let head: Vec<_> =
            std::iter::from_fn(|| listener.line().filter(|line| !line.is_empty())).collect();
        assert_eq!(head[0], "HTTP/1.1 200 OK");
        assert!(head.iter().any(|line| line == "content-type: text/event-stream"), "{head:?}");
        listener
    }

    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = self.0.read_line(&mut line).unwrap();
        (read > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned())
    }

    /// The next event or comment; none at the stream's end.
    fn next(&mut self) -> Option<Sent> {
        let (mut name, mut id, mut data) = (String::new(), String::new(), Value::Null);
        loop {
            let line = self.line()?;
            if let Some(value) = line.strip_prefix("event: ") {
                value.clone_into(&mut name);
            } else if let Some(value) = line.strip_prefix("id: ") {
                value.clone_into(&mut id);
            } else if let Some(value) = line.strip_prefix("data: ") {
                data = serde_json::from_str(value).unwrap();
            } else if line.starts_with(':') {
                return Some(Sent::Comment);
            } else if line.is_empty() && !name.is_empty() {
                return Some(Sent::Event { name, id, data });
            }
            // Else: a chunk's length, a retry, the end of an event.
        }
    }

    #[track_caller]
    fn status(&mut self) -> (String, String) {
        match self.next() {
            Some(Sent::Event { name, id, data }) => {
                assert_eq!(name, "status");
                (data["status"].as_str().unwrap().to_owned(), id)
            }
            other => panic!("{other:?} is not an event"),
        }
    }
}

#[test]
fn every_state_is_told_until_the_final_one() {
    let server = Server::start();
    let id = server.image();
    let mut listener = Listener::open(&server, id, None);
    assert_eq!(listener.status(), ("pending".into(), "1".into()));
    server.accept(id);
    assert_eq!(listener.status(), ("processing".into(), "2".into()));
    server.expect(id, &["small.webp"]);
    assert_eq!(listener.status().0, "processing");
    server.make(id, "small.webp", b"webp");
    match listener.next() {
        Some(Sent::Event { data, .. }) => assert_eq!(data["variants"][0]["name"], "small"),
        other => panic!("{other:?}"),
    }
    server.flip(id);
    let (status, version) = listener.status();
    assert_eq!(status, "ready");
    let image = server.run(server.catalog.image(id)).unwrap();
    assert_eq!(version, image.version.to_string());
    assert_eq!(listener.next(), None, "the stream ends");
}

#[test]
fn a_stream_is_resumed_behind_what_was_seen() {
    let server = Server::start();
    let id = server.image();
    let mut listener = Listener::open(&server, id, Some("1"));
    server.accept(id);
    assert_eq!(listener.status(), ("processing".into(), "2".into()), "nothing is told twice");
    drop(listener);
    server.finish_rest(id);
    let mut listener = Listener::open(&server, id, Some("2"));
    let (status, version) = listener.status();
    assert_eq!(status, "ready");
    assert_eq!(listener.next(), None);
    // A browser's client resumes after every end; this answer stops it.
    let target = format!("/v1/images/{id}/events");
    let reply = server.call(&Request::get(&target).header("Last-Event-ID", &version));
    assert_eq!((reply.status, reply.body.len()), (204, 0));
}

impl Server {
    fn finish_rest(&self, id: ImageId) {
        self.expect(id, &["small.webp"]);
        self.make(id, "small.webp", b"webp");
        self.flip(id);
    }
}

#[test]
fn a_quiet_stream_beats_and_ends_by_itself() {
    let life = Duration::from_millis(400);
    let events = Events {
        poll: Duration::from_millis(5),
        poll_most: Duration::from_millis(50),
        heartbeat: Duration::from_millis(100),
        life,
        ..Events::default()
    };
    let server = Server::with(Options { events, ..Options::default() });
    let id = server.image();
    let start = Instant::now();
    let mut listener = Listener::open(&server, id, None);
    assert_eq!(listener.status().0, "pending");
    let mut beats = 0;
    while let Some(sent) = listener.next() {
        assert_eq!(sent, Sent::Comment);
        beats += 1;
    }
    assert!(beats >= 2, "{beats}");
    assert!(start.elapsed() >= life && start.elapsed() < 10 * life, "{:?}", start.elapsed());
}

#[test]
fn a_revoked_key_ends_the_stream() {
    let events = Events { life: Duration::from_hours(1), ..Options::default().events };
    let server = Server::with(Options { access: Access::Keys, events, ..Options::default() });
    let secret = server.key("a");
    let id = server.create_as(Some(&secret), &jpeg(1000)).id;
    let target = format!("/v1/images/{id}/events");
    let mut listener = Listener::of(&server, &Request::get(&target).key(&secret));
    assert_eq!(listener.status().0, "pending");
    server.run(server.keyring.revoke("key-a", moment("2026-11-23T09:00:00Z"))).unwrap();
    server.accept(id);
    assert_eq!(listener.next(), None, "nothing is told that came after");
    server.call(&Request::get(&target).key(&secret)).problem(Code::KeyInvalid);
}

#[test]
fn there_are_so_many_streams_and_no_more() {
    let events = Events { streams: 2, ..Options::default().events };
    let server = Server::with(Options { events, ..Options::default() });
    let id = server.image();
    let target = format!("/v1/images/{id}/events");
    let mut first = Listener::open(&server, id, None);
    let mut second = Listener::open(&server, id, None);
    for listener in [&mut first, &mut second] {
        assert_eq!(listener.status().0, "pending");
    }
    let reply = server.call(&Request::get(&target));
    assert!(reply.problem(Code::Busy).contains('2'));
    assert_eq!(reply.header("retry-after"), Some("5"));
    server.accept(id);
    assert_eq!(first.status().0, "processing", "those that are there go on");
    drop(first);
    // The server sees that it was closed when it looks.
    let end = Instant::now() + Duration::from_secs(20);
    while Request::get(&target).starts(server.address) == 503 {
        assert!(Instant::now() < end, "its place is not free again");
    }
    assert_eq!(second.status().0, "processing");
}

#[test]
fn an_erased_image_ends_the_stream() {
    let server = Server::start();
    let id = server.image();
    let mut listener = Listener::open(&server, id, None);
    assert_eq!(listener.status().0, "pending");
    server.call(&Request::new("DELETE", &format!("/v1/images/{id}"))).ok(202);
    assert_eq!(listener.status().0, "erased");
    assert_eq!(listener.next(), None);
}

#[test]
fn a_last_id_that_is_none_is_refused() {
    let server = Server::start();
    let target = format!("/v1/images/{}/events", server.image());
    let reply = server.call(&Request::get(&target).header("Last-Event-ID", "first"));
    reply.problem(Code::InvalidParameter);
    assert_eq!(reply.fields(), ["Last-Event-ID"]);
}
