//! Adding images.

use std::collections::BTreeSet;

use super::{
    super::{Adapters, Outcome, samples, trial},
    announced, complete, create, holds, spread,
};
use crate::{
    Image, Sha256, StageName, Status,
    image::Purpose,
    ports::{Creation, Idempotency},
};

pub(super) fn request(key: &str, body: &str) -> Idempotency {
    Idempotency { key: key.to_owned(), request: Sha256::of(body.as_bytes()) }
}

fn repeated(image: &Image) -> Creation {
    Creation::Repeated(Box::new(image.clone()))
}

pub(super) async fn created_is_kept_whole(home: Adapters) -> Outcome {
    let plain = Image {
        filename: None,
        focal_point: None,
        tags: std::collections::BTreeMap::new(),
        created_at: samples::at(0) + jiff::SignedDuration::from_nanos(123_456_789),
        ..samples::pending(2)
    };
    for image in [samples::pending(1), plain] {
        create(&*home.catalog, &image).await?;
        holds(&*home.catalog, &image).await?;
    }
    Ok(())
}

pub(super) async fn created_once(home: Adapters) -> Outcome {
    let image = samples::pending(1);
    create(&*home.catalog, &image).await?;
    let other = Image { filename: Some("other.jpg".to_owned()), ..image.clone() };
    for again in [&image, &other] {
        let answer = home.catalog.create(again, None).await?;
        trial::same("the second creation", &answer, &repeated(&image))?;
        holds(&*home.catalog, &image).await?;
    }
    home.catalog.accept(image.id, &samples::source(), samples::at(1)).await?;
    let now = home.catalog.image(image.id).await?;
    trial::same("its state", &now.status, &Status::Processing)?;
    let answer = home.catalog.create(&image, None).await?;
    trial::same("the creation of what has changed", &answer, &repeated(&now))?;
    holds(&*home.catalog, &now).await
}

pub(super) async fn same_request_is_repeated(home: Adapters) -> Outcome {
    let (first, second) = (samples::pending(1), samples::pending(2));
    let request = request("key", "body");
    let answer = home.catalog.create(&first, Some(&request)).await?;
    trial::same("the first request", &answer, &Creation::Created)?;
    let answer = home.catalog.create(&second, Some(&request)).await?;
    trial::same("the same request", &answer, &repeated(&first))?;
    trial::missing("the second image", home.catalog.image(second.id).await)?;
    home.catalog.reject(first.id, &samples::problem("no image"), samples::at(1)).await?;
    let now = home.catalog.image(first.id).await?;
    let answer = home.catalog.create(&second, Some(&request)).await?;
    trial::same("the same request, later", &answer, &repeated(&now))?;
    let answer = home.catalog.create(&second, None).await?;
    trial::same("a request without a key", &answer, &Creation::Created)
}

pub(super) async fn other_request_is_refused(home: Adapters) -> Outcome {
    let (first, second) = (samples::pending(1), samples::pending(2));
    home.catalog.create(&first, Some(&request("key", "body"))).await?;
    let answer = home.catalog.create(&second, Some(&request("key", "other body"))).await?;
    trial::same("another request", &answer, &Creation::Reused)?;
    trial::missing("its image", home.catalog.image(second.id).await)?;
    let answer = home.catalog.create(&second, Some(&request("other key", "other body"))).await?;
    trial::same("another request under its own key", &answer, &Creation::Created)?;
    holds(&*home.catalog, &first).await
}

pub(super) async fn keys_are_the_tenants_own(home: Adapters) -> Outcome {
    let ours = Image { tenant: samples::tenant("ours"), ..samples::pending(1) };
    let theirs = Image { tenant: samples::tenant("theirs"), ..samples::pending(2) };
    for (image, body) in [(&ours, "body"), (&theirs, "other body")] {
        let answer = home.catalog.create(image, Some(&request("key", body))).await?;
        trial::same("the creation", &answer, &Creation::Created)?;
    }
    let third = Image { tenant: samples::tenant("theirs"), ..samples::pending(3) };
    let answer = home.catalog.create(&third, Some(&request("key", "other body"))).await?;
    trial::same("a repetition", &answer, &repeated(&theirs))
}

pub(super) async fn unknown_is_missing(home: Adapters) -> Outcome {
    let (catalog, id, now) = (&home.catalog, samples::stranger(), samples::at(0));
    create(&**catalog, &samples::pending(1)).await?;
    let (pieces, revision) = (samples::pieces(["a.webp"]), samples::piece("a.webp").revision);
    trial::missing("image", catalog.image(id).await)?;
    trial::missing("accept", catalog.accept(id, &samples::source(), now).await)?;
    trial::missing("reject", catalog.reject(id, &samples::problem("x"), now).await)?;
    trial::missing("expire", catalog.expire(id, now).await)?;
    let expected = catalog.expect(id, &pieces, Purpose::Spread, now, now).await;
    trial::missing("expect", expected)?;
    trial::missing("record", catalog.record(id, &[samples::made("a.webp")], now).await)?;
    trial::missing("flip", catalog.flip(id, &revision, now).await)?;
    let files = BTreeSet::from(["a.webp".to_owned()]);
    trial::missing("ask", catalog.ask(id, &files, &revision, now, now).await)?;
    trial::missing("order", catalog.order(id, &pieces, &revision).await)?;
    trial::missing("nudge", catalog.nudge(id, now).await)?;
    let lost = crate::image::Start::Lost;
    trial::missing("count", catalog.count(id, StageName::Resize, &lost, now).await)?;
    let problem = samples::problem("x");
    trial::missing("give up", catalog.give_up(id, &pieces, &problem, None, now).await)?;
    trial::missing("reopen", catalog.reopen(id, &BTreeSet::new(), now).await)?;
    trial::missing("erase", catalog.erase(id, now).await)?;
    trial::missing("removed", catalog.removed(id, now).await)?;
    trial::missing("the image, after all of these", catalog.image(id).await)
}

pub(super) async fn restart_keeps_images(home: Adapters) -> Outcome {
    let catalog = &*home.catalog;
    let request = request("key", "body");
    catalog.create(&samples::pending(1), Some(&request)).await?;
    create(catalog, &samples::pending(2)).await?;
    catalog.reject(samples::id(2), &samples::problem("no image"), samples::at(1)).await?;
    let expected = samples::pieces(["a.webp", "b.webp"]);
    spread(catalog, 3, &expected).await?;
    catalog.record(samples::id(3), &[samples::made("a.webp")], samples::at(11)).await?;
    announced(catalog, 4, &samples::outcomes()).await?;
    create(catalog, &samples::pending(5)).await?;
    catalog.erase(samples::id(5), samples::at(2)).await?;
    let mut before = Vec::new();
    for number in 1..=5 {
        before.push(catalog.image(samples::id(number)).await?);
    }
    let home = home.restarted().await?;
    for image in &before {
        holds(&*home.catalog, image).await?;
    }
    let answer = home.catalog.create(&samples::pending(6), Some(&request)).await?;
    trial::same("the same request after the restart", &answer, &repeated(&before[0]))?;
    complete(&*home.catalog, samples::id(3), &[samples::made("b.webp")], 30).await.map(drop)
}

pub(super) async fn full_home_keeps_images(home: Adapters) -> Outcome {
    home.fill().await?;
    let mut there = Vec::new();
    for number in 0..200 {
        let image = samples::pending(number);
        if let Ok(Creation::Created) = home.catalog.create(&image, None).await {
            there.push(image);
        }
    }
    for image in &there {
        holds(&*home.catalog, image).await?;
    }
    let mut wanted: Vec<_> = there.iter().map(|image| image.id).collect();
    wanted.sort();
    let mut found = Vec::new();
    let mut cursor = None;
    loop {
        let page =
            home.catalog.search(&crate::query::Filter::default(), cursor.as_deref(), 50).await?;
        found.extend(page.items.into_iter().map(|image| image.id));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    found.sort();
    trial::same("what a search finds in a full home", &found, &wanted)
}
