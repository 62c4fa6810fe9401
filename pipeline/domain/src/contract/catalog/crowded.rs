//! Many changes at the same time.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    super::{Adapters, Finding, Outcome, crowd, samples, trial},
    complete, creating, expect, spread,
};
use crate::{
    Image, ImageId, Status,
    image::{Expectation, Flip, Progress},
    ports::Creation,
    query::Filter,
};

const MANY: u8 = 12;

pub(super) async fn creations_at_once_are_one(home: Adapters) -> Outcome {
    let request = Arc::new(creating::request("key", "body"));
    let answers = crowd::at_once(usize::from(MANY), |n| {
        let (catalog, request) = (home.catalog.clone(), request.clone());
        async move { catalog.create(&numbered(n), Some(&request)).await }
    })
    .await?;
    let mut created = Vec::new();
    let mut repeated = BTreeSet::new();
    for (n, answer) in answers.into_iter().enumerate() {
        match answer? {
            Creation::Created => created.push(numbered(n).id),
            Creation::Repeated(image) => {
                repeated.insert(image.id);
            }
            Creation::Reused => {
                return Err(Finding::Violated("an equal request was taken for another".to_owned()));
            }
        }
    }
    trial::same("how many created an image", &created.len(), &1)?;
    trial::same("what the others were told", &repeated, &created.iter().copied().collect())?;
    let there = home.catalog.search(&Filter::default(), None, 100).await?.items;
    let there: Vec<ImageId> = there.iter().map(|image| image.id).collect();
    trial::same("what is in the catalog", &there, &created)
}

pub(super) async fn records_at_once_are_all_kept(home: Adapters) -> Outcome {
    for round in 0..4 {
        let name = |n: usize| format!("{n}.webp");
        let pieces: BTreeSet<_> =
            (0..usize::from(MANY)).map(|n| samples::piece(&name(n))).collect();
        let id = spread(&*home.catalog, round, &pieces).await?;
        let before = home.catalog.image(id).await?;
        let answers = crowd::at_once(usize::from(MANY), |n| {
            let catalog = home.catalog.clone();
            async move { catalog.record(id, &[samples::made(&name(n))], samples::at(15)).await }
        })
        .await?;
        let revision = before.work.revision();
        let mut saw = 0;
        for answer in answers {
            match answer? {
                Progress::Underway => {}
                Progress::Complete(found) => {
                    trial::same("the complete revision", &found, &revision)?;
                    saw += 1;
                }
                other => {
                    let found = format!("expected progress, found {other:?}");
                    return Err(Finding::Violated(found));
                }
            }
        }
        let after = home.catalog.image(id).await?;
        let ended: BTreeSet<_> = after.work.ended.into_keys().collect();
        trial::same("what has ended", &ended, &pieces)?;
        trial::same("how many saw that it is complete", &saw, &1)?;
        let changes = after.version - before.version;
        trial::same("changes of its version", &changes, &u64::from(MANY))?;
        let again = complete(&*home.catalog, id, &[samples::made(&name(0))], 16).await?;
        trial::same("what a redelivery sees", &again, &revision)?;
    }
    Ok(())
}

pub(super) async fn spread_at_once_is_sent_once(home: Adapters) -> Outcome {
    let pieces = Arc::new(samples::pieces(["a.webp", "b.webp"]));
    for round in 0..4 {
        let image = samples::pending(round);
        super::create(&*home.catalog, &image).await?;
        home.catalog.accept(image.id, &samples::source(), samples::at(5)).await?;
        let answers = crowd::at_once(usize::from(MANY), |_| {
            let (catalog, pieces) = (home.catalog.clone(), pieces.clone());
            async move { expect(&*catalog, image.id, &pieces, 10).await }
        })
        .await?;
        let mut sent = 0;
        for answer in answers {
            match answer? {
                Expectation::Send(_) => sent += 1,
                other => trial::same("the others' answer", &other, &Expectation::Underway)?,
            }
        }
        trial::same("how many sent", &sent, &1)?;
    }
    Ok(())
}

pub(super) async fn flip_at_once_is_one(home: Adapters) -> Outcome {
    for round in 0..4 {
        let id = spread(&*home.catalog, round, &samples::pieces(["a.webp"])).await?;
        let revision = complete(&*home.catalog, id, &[samples::made("a.webp")], 15).await?;
        let answers = crowd::at_once(usize::from(MANY), |_| {
            let (catalog, revision) = (home.catalog.clone(), revision.clone());
            async move { catalog.flip(id, &revision, samples::at(20)).await }
        })
        .await?;
        let mut announced = 0;
        for answer in answers {
            match answer? {
                Flip::Now(Status::Ready) => announced += 1,
                other => trial::same("the others' answer", &other, &Flip::Before(Status::Ready))?,
            }
        }
        trial::same("how many announced it", &announced, &1)?;
    }
    Ok(())
}

pub(super) async fn erase_wins(home: Adapters) -> Outcome {
    let pieces = Arc::new(samples::pieces(["a.webp", "b.webp"]));
    for round in 0..4 {
        let id = spread(&*home.catalog, round, &pieces).await?;
        let answers = crowd::at_once(usize::from(MANY), |n| {
            let (catalog, pieces) = (home.catalog.clone(), pieces.clone());
            async move {
                match n % 4 {
                    0 if n > 0 => catalog.erase(id, samples::at(20)).await.map(drop),
                    1 => {
                        let made = [samples::made("a.webp")];
                        catalog.record(id, &made, samples::at(20)).await.map(drop)
                    }
                    2 => catalog.accept(id, &samples::source(), samples::at(20)).await.map(drop),
                    _ => catalog.reopen(id, &pieces, samples::at(20)).await.map(drop),
                }
            }
        })
        .await?;
        answers.into_iter().collect::<Result<Vec<()>, _>>()?;
        let image = home.catalog.image(id).await?;
        trial::same("its state", &image.status, &Status::Erased)?;
        trial::same("what is left of its work", &image.work, &crate::image::Work::default())?;
    }
    Ok(())
}

fn numbered(n: usize) -> Image {
    samples::pending(u8::try_from(n).unwrap_or(u8::MAX))
}
