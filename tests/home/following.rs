//! Following an image over streams that break off, against a server that says what it is told to.

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use domain::{Image, ImageId, Status, Tenant, image::Announced, record::Record};
use jiff::{SignedDuration, Timestamp};
use local::client::{Client, ClientError};

/// What a connection answers before it is closed, or kept open in silence.
enum Turn {
    Closed(String),
    Silent(String),
}

/// A server whose connections answer in turn, and what each was asked.
fn server(turns: Vec<Turn>) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&asked);
    thread::spawn(move || {
        let mut kept = Vec::new();
        for turn in turns {
            let (mut stream, _) = listener.accept().unwrap();
            heard.lock().unwrap().push(request(&stream));
            let (Turn::Closed(said) | Turn::Silent(said)) = &turn;
            stream.write_all(said.as_bytes()).unwrap();
            if let Turn::Silent(_) = turn {
                kept.push(stream);
            }
        }
    });
    (url, asked)
}

/// The head of a request, in small letters.
fn request(stream: &TcpStream) -> String {
    let lines = BufReader::new(stream).lines().map_while(Result::ok);
    lines.take_while(|line| !line.is_empty()).collect::<Vec<_>>().join("\n").to_lowercase()
}

fn record(status: Status) -> Record {
    let announced =
        Announced { content_length: 1, content_type: String::new(), checksum_sha256: None };
    let now = Timestamp::UNIX_EPOCH;
    let expires = now + SignedDuration::from_hours(1);
    let image =
        Image::pending(ImageId::mint(1, &[1; 10]), Tenant::local(), announced, now, expires);
    Record::of(&Image { status, ..image }, &|_| None)
}

fn stream(events: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n{events}"
    )
}

fn event(id: u32, record: &Record) -> String {
    format!("event: status\nid: {id}\ndata: {}\n\n", serde_json::to_string(record).unwrap())
}

/// The statuses that were shown, in order, and how it ended. Whoever follows for ever fails here.
fn follow(url: &str) -> (Vec<Status>, Result<Record, ClientError>) {
    let client = Client::new(url, None).unwrap().with_silence(Duration::from_millis(300));
    let (tell, told) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let mut shown = Vec::new();
        let end = client.follow("x", &mut |record| shown.push(record.status));
        let _nobody_waits = tell.send((shown, end));
    });
    told.recv_timeout(Duration::from_secs(20)).expect("it comes to an end")
}

#[test]
fn an_event_that_broke_off_is_asked_for_again() {
    let ready = event(3, &record(Status::Ready));
    let (half, _) = ready.split_once("data").unwrap();
    let (almost, _) = ready.rsplit_once("\n\n").unwrap();
    let processing = event(2, &record(Status::Processing));
    let (url, asked) = server(vec![
        Turn::Closed(stream(&format!("{processing}{half}"))),
        Turn::Closed(stream(almost)),
        Turn::Closed(stream(&ready)),
    ]);
    let (shown, end) = follow(&url);
    assert_eq!(end.unwrap().status, Status::Ready);
    assert_eq!(shown, [Status::Processing, Status::Ready]);
    let asked = asked.lock().unwrap();
    assert!(!asked[0].contains("last-event-id"), "{asked:?}");
    assert!(asked[1].contains("last-event-id: 2") && asked[2].contains("last-event-id: 2"));
}

/// The server says so of a version that it believes the client to have.
#[test]
fn where_no_event_is_left_the_record_is_asked_for() {
    let body = serde_json::to_string(&record(Status::Failed)).unwrap();
    let record = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    let nothing = "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n".to_owned();
    let (url, asked) = server(vec![Turn::Closed(nothing), Turn::Closed(record)]);
    let (shown, end) = follow(&url);
    assert_eq!(end.unwrap().status, Status::Failed);
    assert_eq!(shown, [Status::Failed]);
    assert!(asked.lock().unwrap()[1].starts_with("get /v1/images/x http"));
}

#[test]
fn a_stream_that_falls_silent_is_taken_up_again() {
    let (url, asked) = server(vec![
        Turn::Silent(stream(&event(2, &record(Status::Processing)))),
        Turn::Silent(stream("")),
        Turn::Closed(stream(&event(3, &record(Status::Ready)))),
    ]);
    let (shown, end) = follow(&url);
    assert_eq!(end.unwrap().status, Status::Ready);
    assert_eq!(shown, [Status::Processing, Status::Ready]);
    assert_eq!(asked.lock().unwrap().len(), 3);
}

/// A server that takes connections and says nothing is no server.
#[test]
fn silence_alone_is_not_followed_for_ever() {
    let (url, asked) = server((0..20).map(|_| Turn::Silent(stream(""))).collect());
    let (shown, end) = follow(&url);
    assert!(matches!(end, Err(ClientError::Unreachable { .. })), "{end:?}");
    assert!(shown.is_empty());
    assert!(asked.lock().unwrap().len() < 20);
}
