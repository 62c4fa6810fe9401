//! The path of one upload, from the outside.

use std::time::Duration;

use super::{
    pictures::photograph,
    server::{Server, wait_for},
};

#[test]
fn an_upload_becomes_variants_that_can_be_fetched() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(&data.path().join("data"), &[]);
    let client = server.client();
    let id = client.upload(&photograph(1, 1600, 1200));

    // The stream of events ends by itself with the final record.
    let events = client.get(&format!("/v1/images/{id}/events"));
    let text = String::from_utf8(events.body).unwrap();
    let last = text.lines().rfind(|line| line.starts_with("data:")).expect("an event");
    assert!(last.contains("\"status\":\"ready\""), "{text}");

    let record = client.record(&id);
    assert_eq!(record["variants"].as_array().unwrap().len(), 6, "{record:#}");
    assert!(record["placeholder"]["thumbhash"].is_string(), "{record:#}");
    // Followed through the redirect to the immutable URL.
    let small = client.get(&format!("/i/{id}/small.jpg"));
    let small =
        if small.status == 200 { small } else { client.get(&format!("/i/{id}/small.jpeg")) };
    assert_eq!(small.status, 200);
    let small = image::load_from_memory(&small.body).unwrap();
    assert_eq!((small.width(), small.height()), (200, 150));
    // The grey of the middle survives: it is this picture, and not some picture.
    let source = image::load_from_memory(&photograph(1, 1600, 1200)).unwrap().to_rgb8();
    let mean = |picture: &image::RgbImage| {
        let sum: u64 = picture.as_raw().iter().map(|&level| u64::from(level)).sum();
        sum / picture.as_raw().len() as u64
    };
    assert!(mean(&small.to_rgb8()).abs_diff(mean(&source)) <= 3);

    wait_for("the metrics count it", Duration::from_secs(5), || {
        let done = r#"darkroom_messages_handled_total{stage="resize",outcome="done"}"#;
        (client.metric(done) >= 1).then_some(())
    });
    assert!(client.metric(r#"darkroom_images{status="ready"}"#) >= 1);
    assert!(server.terminate().success());
}

#[test]
fn what_is_no_picture_is_rejected_with_its_reason() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(&data.path().join("data"), &[]);
    let client = server.client();
    let id = client.upload(b"GIF89a, or so it says, but then there is nothing of a picture");
    let record = client.finished(&id, Duration::from_secs(20));
    assert_eq!(record["status"], "rejected");
    assert!(record["problem"]["code"].is_string(), "{record:#}");
}
