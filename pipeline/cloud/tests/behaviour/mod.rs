//! What the cloud home does, as its clients see it: real functions over HTTP, from the presigned upload
//! to the bytes of each variant.

mod alike;
mod children;
mod counted;
mod numbers;
mod traced;
mod trouble;

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{
    client::Client,
    home::{Home, Terms},
    moto::Moto,
    root,
};

/// A picture of the other test binary's.
fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(root().join("tests/imaging/fixtures").join(name)).unwrap()
}

/// A photograph that every machine has.
fn photograph() -> Vec<u8> {
    fixture("progressive.jpg")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_upload_becomes_what_the_presets_ask_for() {
    let home = Home::start(Moto::shared(), Terms::default()).await;
    let client = Client::of(&home);
    let bytes = photograph();
    let id = client.upload(&bytes, "image/jpeg").await;
    let record = client.until(&id, "ready", Duration::from_secs(60)).await;
    let variants = record["variants"].as_array().unwrap();
    assert_eq!(variants.len(), 6, "{record:#}");
    for variant in variants {
        let url = variant["url"].as_str().unwrap();
        let (status, body) = client.get(url).await;
        assert_eq!(status, 200, "{url}");
        assert_eq!(body.len() as u64, variant["bytes"].as_u64().unwrap());
        let digest = domain::Sha256::of(&body).to_string();
        assert_eq!(variant["sha256"], json!(digest));
    }
    assert!(record["placeholder"]["thumbhash"].is_string());
    assert_eq!(record["source"]["sha256"], json!(domain::Sha256::of(&bytes).to_string()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_no_image_is_rejected_with_its_reason() {
    let home = Home::start(Moto::shared(), Terms::default()).await;
    let client = Client::of(&home);
    let id = client.upload(b"this is no image, whatever its type says", "image/jpeg").await;
    let record: Value = client.until(&id, "rejected", Duration::from_secs(60)).await;
    assert_eq!(record["problem"]["code"], json!("unsupported_format"), "{record:#}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_erased_image_leaves_nothing_behind() {
    let home = Home::start(Moto::shared(), Terms::default()).await;
    let client = Client::of(&home);
    let id = client.upload(&photograph(), "image/jpeg").await;
    client.until(&id, "ready", Duration::from_secs(60)).await;
    let (status, _) = client.call("DELETE", &format!("/v1/images/{id}"), None).await;
    assert_eq!(status, 202);
    let bucket = &home.stack.buckets.media;
    for _ in 0..200 {
        let left = home.stack.clients.s3.list_objects_v2().bucket(bucket).send().await.unwrap();
        if left.contents().is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("objects are left");
}
