//! What of the catalog the contract leaves to its home.

use domain::{
    Catalog, Image, ImageId, Sha256, Tenant,
    image::Announced,
    ports::{Creation, Idempotency},
    query::Filter,
};
use jiff::{SignedDuration, Timestamp};

use crate::harness::moto::{Moto, Stack};

/// An upload that is created so many hours after the first.
fn image(hours: i64, tenant: &str) -> Image {
    let now = Timestamp::constant(1_790_000_000, 0) + SignedDuration::from_hours(hours);
    let id = ImageId::mint(u64::try_from(now.as_millisecond()).unwrap(), Sha256::of(tenant.as_bytes()).0[..10].try_into().unwrap());
    let announced =
        Announced { content_length: 1, content_type: "image/png".to_owned(), checksum_sha256: None };
    let until = now + SignedDuration::from_hours(1);
    Image::pending(id, tenant.parse::<Tenant>().unwrap(), announced, now, until)
}

/// `DynamoDB` may take days to remove what has expired.
#[tokio::test]
async fn a_request_is_forgotten_after_a_day() {
    let catalog = Stack::make(Moto::shared()).await.catalog();
    let request = |body: &str| Idempotency { key: "1".to_owned(), request: Sha256::of(body.as_bytes()) };
    let mut made = Vec::new();
    for (hours, body, expected) in
        [(0, "a", None), (23, "a", Some(0)), (23, "b", Some(9)), (25, "b", None), (48, "b", Some(1))]
    {
        let image = image(hours, "local");
        let answer = catalog.create(&image, Some(&request(body))).await.unwrap();
        match (answer, expected) {
            (Creation::Created, None) => made.push(image.id),
            (Creation::Repeated(before), Some(first)) => assert_eq!(before.id, made[first]),
            (Creation::Reused, Some(9)) => {}
            (answer, expected) => panic!("{hours} h, {body}: {answer:?}, not {expected:?}"),
        }
    }
    assert_eq!(made.len(), 2);
}

#[tokio::test]
async fn everybody_s_images_are_found_whatever_they_are_called() {
    let stack = Stack::make(Moto::shared()).await;
    let catalog = stack.catalog();
    let names = ["-", "0", "_z", "a-b", "zz"];
    for (hours, name) in (0..).zip(names) {
        let answer = catalog.create(&image(hours, name), None).await.unwrap();
        assert!(matches!(answer, Creation::Created), "{name}: {answer:?}");
    }
    // Another process, which has seen none of them.
    let found = stack.catalog().search(&Filter::default(), None, 100).await.unwrap().items;
    let found: Vec<_> = found.iter().rev().map(|image| image.tenant.to_string()).collect();
    assert_eq!(found, names);
}
