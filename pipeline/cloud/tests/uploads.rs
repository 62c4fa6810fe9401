//! What a presigned URL allows, and nothing else: tried on a strict S3.

use std::{sync::Arc, time::Duration};

use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use cloud::CloudObjects;
use cloud::SystemClock;
use domain::{
    Clock as _, ImageId, Key, Objects as _, Parts as _, Sha256, parts::Part, ports::UploadTerms,
    signing::Signed,
};

use crate::harness::strict::Strict;

const BODY: &[u8] = b"exactly these bytes";

/// A PUT by hand: what is sent is up to the test.
struct Put {
    url: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Put {
    fn of(signed: &Signed) -> Put {
        Put { url: signed.url.clone(), headers: signed.headers.clone(), body: BODY.to_vec() }
    }

    fn header(mut self, name: &str, value: &str) -> Put {
        self.headers.retain(|(other, _)| other != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    fn without(mut self, name: &str) -> Put {
        let before = self.headers.len();
        self.headers.retain(|(other, _)| other != name);
        assert!(self.headers.len() < before, "{name} is not among the headers");
        self
    }

    async fn send(self) -> u16 {
        self.sent().await.0
    }

    /// The status, and the `ETag`.
    async fn sent(self) -> (u16, String) {
        let sent = tokio::task::spawn_blocking(move || {
            let agent: ureq::Agent =
                ureq::Agent::config_builder().http_status_as_error(false).build().into();
            let mut put = agent.put(&self.url);
            for (name, value) in &self.headers {
                put = put.header(name, value);
            }
            put.send(&self.body).map(|answer| {
                let etag = answer.headers().get("etag").and_then(|etag| etag.to_str().ok());
                (answer.status().as_u16(), etag.unwrap_or_default().to_owned())
            })
        });
        sent.await.unwrap().unwrap()
    }
}

async fn signed(strict: &Strict, number: u64, lifetime: Duration) -> (Key, Signed) {
    let clock = Arc::new(SystemClock);
    let key = Key::Upload { image: ImageId::mint(1_767_225_600_000 + number, &[7; 10]) };
    let terms = UploadTerms {
        content_length: BODY.len() as u64,
        content_type: "image/jpeg".to_owned(),
        checksum_sha256: Some(Sha256::of(BODY)),
        expires_at: clock.now() + lifetime,
    };
    let signed = strict.objects(clock).presign_put(&key, &terms).await.unwrap();
    (key, signed)
}

/// What is done otherwise than it was signed.
type Change = Box<dyn Fn(Put) -> Put>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_presigned_url_takes_what_was_announced_and_nothing_else() {
    const HOUR: Duration = Duration::from_hours(1);
    let strict = Strict::start().await;
    let objects = strict.objects(Arc::new(SystemClock));
    let (other, _) = signed(&strict, 1_000, HOUR).await;
    let changes: Vec<(&str, Change)> = vec![
        (
            "another signature",
            Box::new(|put| {
                let last = put.url.len() - 1;
                let other = if put.url.ends_with('0') { '1' } else { '0' };
                Put { url: format!("{}{other}", &put.url[..last]), ..put }
            }),
        ),
        (
            "no signature",
            Box::new(|put| Put { url: put.url.split('?').next().unwrap().to_owned(), ..put }),
        ),
        (
            "a longer life",
            Box::new(|put| {
                let url = put.url.replace("X-Amz-Expires=3", "X-Amz-Expires=8");
                assert_ne!(url, put.url);
                Put { url, ..put }
            }),
        ),
        (
            "another key",
            Box::new(move |put| {
                let (from, rest) = put.url.split_once("/in/").unwrap();
                let (_, query) = rest.split_once('?').unwrap();
                Put { url: format!("{from}/{}?{query}", other.path()), ..put }
            }),
        ),
        ("more bytes", Box::new(|put| Put { body: [BODY, b"!"].concat(), ..put })),
        ("fewer bytes", Box::new(|put| Put { body: BODY[1..].to_vec(), ..put })),
        ("other bytes", Box::new(|put| Put { body: BODY.iter().rev().copied().collect(), ..put })),
        ("another type", Box::new(|put| put.header("content-type", "text/html"))),
        ("no type", Box::new(|put| put.without("content-type"))),
        (
            "another checksum",
            Box::new(|put| put.header("x-amz-checksum-sha256", &Sha256::of(b"other").to_base64())),
        ),
        ("overwriting", Box::new(|put| put.without("if-none-match"))),
    ];
    for (number, (what, change)) in (0..).zip(&changes) {
        let (key, url) = signed(&strict, number, HOUR).await;
        let status = change(Put::of(&url)).send().await;
        assert!((400..500).contains(&status), "{what}: {status}");
        if *what == "other bytes" {
            // s3s-fs compares digests when it has stored the object already. AWS stores none.
            continue;
        }
        assert!(objects.head(&key).await.is_err(), "{what} left an object");
        // The same URL, used as it was meant to be.
        assert_eq!(Put::of(&url).send().await, 200, "after {what}");
        assert_eq!(objects.read(&key).await.unwrap(), BODY);
        // And once only.
        assert_eq!(Put::of(&url).send().await, 412, "after {what}, again");
    }
    let (key, url) = signed(&strict, 500, Duration::from_secs(1)).await;
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    let status = Put::of(&url).send().await;
    assert!((400..500).contains(&status), "expired: {status}");
    assert!(objects.head(&key).await.is_err());
}

/// An upload by parts that was begun.
struct Begun {
    objects: CloudObjects,
    key: Key,
    upload: String,
}

impl Begun {
    async fn new(strict: &Strict, number: u64) -> Begun {
        let objects = strict.objects(Arc::new(SystemClock));
        let key = Key::Upload { image: ImageId::mint(1_767_225_700_000 + number, &[7; 10]) };
        let create = strict.clients.s3.create_multipart_upload().bucket(&strict.buckets.uploads);
        let created = create.key(key.path()).send().await.unwrap();
        Begun { objects, key, upload: created.upload_id.unwrap() }
    }

    async fn part(&self, number: u16, lifetime: Duration) -> Signed {
        let part = Part { number, offset: 0, length: BODY.len() as u64 };
        let expires_at = SystemClock.now() + lifetime;
        self.objects.presign(&self.key, &self.upload, part, expires_at).await.unwrap()
    }
}

/// The same of the URL of a part. What s3s-fs cannot show: it lists no uploads that were begun, so the
/// adapter's own beginning and end are shown on moto. A part may be sent again until it is joined, there as on
/// AWS.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_presigned_part_takes_what_was_announced_and_nothing_else() {
    const HOUR: Duration = Duration::from_hours(1);
    let strict = Strict::start().await;
    let (own, other) = (Begun::new(&strict, 0).await, Begun::new(&strict, 1).await);
    let swapped = |from: String, to: String| -> Change {
        Box::new(move |put| {
            let url = put.url.replace(&from, &to);
            assert_ne!(url, put.url, "{from}");
            Put { url, ..put }
        })
    };
    let changes: Vec<(&str, Change)> = vec![
        (
            "another signature",
            Box::new(|put| {
                let (before, signature) = put.url.split_once("X-Amz-Signature=").unwrap();
                let other = if signature.starts_with('0') { '1' } else { '0' };
                Put { url: format!("{before}X-Amz-Signature={other}{}", &signature[1..]), ..put }
            }),
        ),
        (
            "no signature",
            Box::new(|put| Put { url: put.url.split('?').next().unwrap().to_owned(), ..put }),
        ),
        ("a longer life", swapped("X-Amz-Expires=3".to_owned(), "X-Amz-Expires=8".to_owned())),
        ("another number", swapped("partNumber=1".to_owned(), "partNumber=2".to_owned())),
        (
            "another upload",
            swapped(format!("uploadId={}", own.upload), format!("uploadId={}", other.upload)),
        ),
        ("another key", swapped(own.key.path(), other.key.path())),
        ("more bytes", Box::new(|put| Put { body: [BODY, b"!"].concat(), ..put })),
        ("fewer bytes", Box::new(|put| Put { body: BODY[1..].to_vec(), ..put })),
    ];
    for (what, change) in &changes {
        let url = own.part(1, HOUR).await;
        let status = change(Put::of(&url)).send().await;
        assert!((400..500).contains(&status), "{what}: {status}");
    }
    let url = own.part(1, Duration::from_secs(1)).await;
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    let status = Put::of(&url).send().await;
    assert!((400..500).contains(&status), "expired: {status}");
    assert!(own.objects.head(&own.key).await.is_err());
    // As it was meant to be.
    let (status, etag) = Put::of(&own.part(1, HOUR).await).sent().await;
    assert_eq!(status, 200);
    let part = CompletedPart::builder().part_number(1).e_tag(etag).build();
    let complete = strict.clients.s3.complete_multipart_upload().bucket(&strict.buckets.uploads);
    let complete = complete.key(own.key.path()).upload_id(&own.upload);
    let all = CompletedMultipartUpload::builder().parts(part).build();
    complete.multipart_upload(all).send().await.unwrap();
    assert_eq!(own.objects.read(&own.key).await.unwrap(), BODY);
    let status = Put::of(&own.part(1, HOUR).await).send().await;
    assert!((400..500).contains(&status), "after it was joined: {status}");
}
