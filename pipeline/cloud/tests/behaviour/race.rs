//! Who creates an object, where many try at once.

use domain::{
    Clock as _, ImageId, Key, Objects as _,
    ports::{UploadTerms, Written},
};

use super::cloud_home::{CloudHome, count_images, say};
use crate::harness::{client::terms, home::Terms, pictures::small};

const WRITERS: usize = 20;

/// By one presigned URL, as clients of ours would.
#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn of_twenty_uploads_to_one_url_one_wins() {
    count_images("raced for", 1);
    let home = CloudHome::start(Terms::USUAL).await;
    let created = home.client.create(terms(small(), "image/jpeg")).await;
    let put = || async { created.put(small()).await.unwrap().0 };
    let answers = futures::future::join_all((0..WRITERS).map(|_| put())).await;
    let count = |status| answers.iter().filter(|answer| **answer == status).count();
    say(&format!("{WRITERS} uploads to one URL: {} created, {} refused", count(200), count(412)));
    assert_eq!((count(200), count(412)), (1, WRITERS - 1), "{answers:?}");
    home.client.until(&created.id, "ready", super::house::PATIENCE).await;
}

/// By the adapter, as functions do: each writes other bytes, and what is there are the winner's.
#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn of_twenty_writers_of_one_key_one_wins() {
    let home = CloudHome::start(Terms::USUAL).await;
    let stack = &home.home.stack;
    let clock = std::sync::Arc::new(cloud::SystemClock);
    let through = crate::harness::moto::Stack {
        clients: crate::harness::moto::Moto::clients_at(&home.home.proxy.url),
        ..stack.clone()
    };
    let objects = through.objects(clock.clone());
    let image = ImageId::mint(1_767_225_600_000, &[7; 10]);
    let key = Key::Upload { image };
    let write = |number: usize| {
        let (objects, key) = (objects.clone(), key.clone());
        let body = format!("writer {number:02}");
        tokio::spawn(async move {
            (objects.write_if_absent(&key, body.clone().into()).await.unwrap(), body)
        })
    };
    let writers: Vec<_> = (0..WRITERS).map(write).collect();
    let mut winners = Vec::new();
    for writer in writers {
        let (written, body) = writer.await.unwrap();
        winners.extend((written == Written::Created).then_some(body));
    }
    assert_eq!(winners.len(), 1, "{winners:?}");
    assert_eq!(objects.read(&key).await.unwrap(), winners[0].as_bytes());
    // Whoever comes with a URL now is too late.
    let terms = UploadTerms {
        content_length: 3,
        content_type: "image/jpeg".to_owned(),
        checksum_sha256: None,
        expires_at: clock.now() + std::time::Duration::from_mins(5),
    };
    let signed = objects.presign_put(&key, &terms).await.unwrap();
    let upload = serde_json::json!({
        "url": signed.url,
        "headers": signed.headers.into_iter().collect::<std::collections::BTreeMap<_, _>>(),
    });
    let late = crate::harness::client::Created { id: image.to_string(), upload };
    assert_eq!(late.put(b"abc").await.unwrap().0, 412);
}
