//! Uploads, good and bad.

use serde_json::{Value, json};

use super::{
    cloud_home::count_images,
    house::{House, PATIENCE, Plan, in_both, shown},
};
use crate::harness::{
    client::terms,
    home::Terms,
    pictures::{bmp_head, fixture, long, photograph},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn records_and_bytes_are_the_same_in_both_homes() {
    const PICTURES: [(&str, &str); 6] = [
        ("progressive.jpg", "image/jpeg"),
        ("cmyk.jpg", "image/jpeg"),
        ("alpha.webp", "image/webp"),
        ("animated.gif", "image/gif"),
        ("deep.png", "image/png"),
        ("plain.jxl", "image/jxl"),
    ];
    count_images("alike", PICTURES.len());
    in_both(Plan::default(), async |house: &dyn House| {
        let mut all = Vec::new();
        for (name, content_type) in PICTURES {
            let id = house.client().upload(&fixture(name), content_type).await;
            let shown = shown(house, &id).await;
            assert_eq!(shown.record["status"], "ready", "{name}: {shown:?}");
            all.push((shown, house.stored(&id).await));
        }
        all
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_long_file_comes_by_parts() {
    let file = long();
    count_images("by parts", 1);
    in_both(Plan { terms: Terms::LONG, ..Plan::default() }, async |house: &dyn House| {
        let wanted = terms(&file, "image/bmp");
        let parts = house.client().create(wanted).await.upload["parts"].as_array().map(Vec::len);
        let id = house.client().upload(&file, "image/bmp").await;
        let shown = shown(house, &id).await;
        assert_eq!(shown.record["status"], "ready", "{shown:?}");
        (parts, shown)
    })
    .await;
}

/// What is refused before there are any bytes.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_announced_wrongly_is_refused_alike() {
    in_both(Plan::default(), async |house: &dyn House| {
        let announced = [
            json!({ "content_length": 0, "content_type": "image/jpeg" }),
            json!({ "content_length": 300_000_000, "content_type": "image/jpeg" }),
            json!({ "content_length": -1, "content_type": "image/jpeg" }),
            json!({ "content_length": 10, "content_type": "no type" }),
            json!({ "content_length": 10, "content_type": "image/jpeg", "checksum_sha256": "x" }),
            json!({ "content_length": 10, "content_type": "image/jpeg", "colour": "red" }),
        ];
        let mut told = Vec::new();
        for wanted in announced {
            told.push(house.client().call("POST", "/v1/uploads", Some(wanted)).await);
        }
        let codes: Vec<_> =
            told.iter().map(|(status, said)| (*status, said["code"].clone())).collect();
        assert_eq!(codes[0].1, "empty", "{told:#?}");
        assert_eq!(codes[1], (413, json!("too_large")));
        assert!(codes[2..].iter().all(|(status, _)| *status == 400), "{codes:?}");
        codes
    })
    .await;
}

/// What is refused for its bytes. Where the bucket refuses a PUT by its signature, one machine does so by
/// its own; moto looks at no signature, so here ingest is who tells: size and checksum. Another type, an
/// expired or a foreign URL nobody but the bucket can tell: `uploads.rs` has them on a strict S3.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn bad_bytes_are_refused_alike() {
    let photo = photograph();
    let half = photo[..photo.len() / 2].to_vec();
    let mut bomb = bmp_head(60_000, 60_000);
    bomb.resize(4_096, 0);
    let sized = |length: usize| json!({ "content_length": length, "content_type": "image/jpeg" });
    let summed = json!({
        "content_length": photo.len(), "content_type": "image/jpeg",
        "checksum_sha256": domain::Sha256::of(b"others").to_base64(),
    });
    let garbage = b"this is no image, whatever its type says".to_vec();
    let noise: Vec<u8> = photo[..200]
        .iter()
        .copied()
        .chain((0..5_000_u32).map(|n| u8::try_from(n * 7 % 251).unwrap()))
        .collect();
    let tries: Vec<(&str, Value, Vec<u8>, &str)> = vec![
        ("more bytes than announced", sized(photo.len() - 1), photo.clone(), "size_mismatch"),
        ("fewer bytes than announced", sized(photo.len()), half.clone(), "size_mismatch"),
        ("other bytes than announced", summed, photo.clone(), "checksum_mismatch"),
        ("garbage", sized(garbage.len()), garbage, "unsupported_format"),
        ("a bomb", sized(bomb.len()), bomb, "too_many_pixels"),
        ("half a picture", sized(half.len()), half, "truncated"),
        ("a head, and noise", sized(noise.len()), noise, "truncated"),
    ];
    count_images("bad bytes", tries.len() + 1);
    in_both(Plan::default(), async |house: &dyn House| {
        let mut all = Vec::new();
        for (what, wanted, bytes, code) in &tries {
            let created = house.client().create(wanted.clone()).await;
            let (status, said) = created.put(bytes).await.unwrap();
            let told = if status < 300 {
                let record = house.client().ended(&created.id, PATIENCE).await;
                record["problem"]["code"].clone()
            } else {
                serde_json::from_str::<Value>(&said).unwrap()["code"].clone()
            };
            assert_eq!(told, *code, "{what}");
            all.push((*what, told));
        }
        // A URL that was used.
        let created = house.client().create(sized(photo.len())).await;
        let first = created.put(&photo).await.unwrap().0;
        let second = created.put(&photo).await.unwrap().0;
        let third = created.put(&photo[..10]).await.unwrap().0;
        assert_eq!((first, second), (200, 412));
        assert!(third >= 400, "{third}");
        (all, shown(house, &created.id).await)
    })
    .await;
}
