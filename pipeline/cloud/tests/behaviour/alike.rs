//! Both homes make the same of the same: records and bytes.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::Value;

use super::fixture;
use crate::harness::{
    client::Client,
    home::{Home, Terms},
    lambda::binary,
    moto::Moto,
};

/// `darkroom serve`, until it is dropped.
struct OneMachine {
    process: Child,
    url: String,
    _data: tempfile::TempDir,
}

impl OneMachine {
    fn start() -> OneMachine {
        let data = tempfile::tempdir().unwrap();
        let mut process = Command::new(binary("darkroom"))
            .args(["serve", "--listen", "127.0.0.1:0", "--max-upload", "200MB", "--data"])
            .arg(data.path().join("data"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the root package's binary is built: ./dev test does, or cargo build");
        let mut said = BufReader::new(process.stdout.take().unwrap()).lines();
        let url = loop {
            let line = said.next().expect("it says its URL").unwrap();
            if let Some(at) = line.find("http://") {
                let rest = &line[at..];
                break rest
                    .split_whitespace()
                    .next()
                    .unwrap_or(rest)
                    .trim_end_matches('/')
                    .to_owned();
            }
        };
        OneMachine { process, url, _data: data }
    }
}

impl Drop for OneMachine {
    fn drop(&mut self) {
        // It may be gone already.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn records_and_bytes_are_the_same_in_both_homes() {
    let cloud = Home::start(Moto::shared(), Terms::default()).await;
    let machine = OneMachine::start();
    let homes = [Client::of(&cloud), Client::without_key(&machine.url)];
    let pictures = [
        ("progressive.jpg", "image/jpeg"),
        ("cmyk.jpg", "image/jpeg"),
        ("alpha.webp", "image/webp"),
        ("animated.gif", "image/gif"),
        ("deep.png", "image/png"),
    ];
    for (name, content_type) in pictures {
        let file = fixture(name);
        let mut seen = Vec::new();
        for client in &homes {
            let id = client.upload(&file, content_type).await;
            let record = client.until(&id, "ready", Duration::from_secs(60)).await;
            let mut variants = BTreeMap::new();
            for variant in record["variants"].as_array().unwrap() {
                if let Some(url) = variant["url"].as_str() {
                    let key = format!("{}.{}", variant["name"], variant["format"]);
                    variants.insert(key, client.get(url).await);
                }
            }
            seen.push((comparable(record), variants));
        }
        let [(one, one_bytes), (other, other_bytes)] = &seen[..] else { unreachable!() };
        assert!(!one_bytes.is_empty());
        assert_eq!(one, other, "{name}");
        assert!(one_bytes == other_bytes, "{name}: other bytes");
    }
}

/// Without what names a home, an image or a moment (DESIGN: the record).
fn comparable(mut record: Value) -> Value {
    let Some(fields) = record.as_object_mut() else { panic!("{record}") };
    for name in ["image_id", "tenant", "created_at", "ready_at"] {
        fields.remove(name);
    }
    strip_urls(&mut record);
    record
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
