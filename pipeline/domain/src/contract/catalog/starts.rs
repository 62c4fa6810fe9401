//! Three starts an image.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    super::{Adapters, Outcome, crowd, samples, trial},
    announced, create, spread,
};
use crate::{StageName, image::Start};

pub(super) async fn starts_are_counted(home: Adapters) -> Outcome {
    let (catalog, resize) = (&*home.catalog, StageName::Resize);
    let pieces = samples::pieces(["a.webp", "b.webp"]);
    let id = spread(catalog, 1, &pieces).await?;
    let begins = |attempts| Start::Begins { pieces: pieces.clone(), attempts };
    let lost = catalog.count(id, resize, &Start::Lost, samples::at(11)).await?;
    trial::same("after the first was lost", &lost, &Some(1))?;
    let answer = catalog.count(id, resize, &begins(0), samples::at(12)).await?;
    trial::same("before a copy that knows of none", &answer, &Some(1))?;
    let answer = catalog.count(id, resize, &Start::Ended, samples::at(13)).await?;
    trial::same("after it ended", &answer, &Some(1))?;
    for (second, attempts, before) in [(14, 1, 1), (15, 0, 2), (16, 0, 3), (17, 2, 3)] {
        let answer = catalog.count(id, resize, &begins(attempts), samples::at(second)).await?;
        trial::same(&format!("at {second}"), &answer, &Some(before))?;
    }
    let other = catalog.count(id, StageName::Metadata, &begins(0), samples::at(18)).await?;
    trial::same("another stage", &other, &Some(0))?;
    let kept = catalog.image(id).await?.work.starts(resize);
    trial::same("what is kept", &kept, &3)?;
    let strange = Start::Begins { pieces: samples::pieces(["x.webp"]), attempts: 1 };
    let answer = catalog.count(id, resize, &strange, samples::at(19)).await?;
    trial::same("pieces that nobody awaits", &answer, &None)?;

    let given_up = samples::problem("the worker was lost");
    catalog.give_up(id, &pieces, &given_up, Some(samples::at(20)), samples::at(20)).await?;
    catalog.reopen(id, &pieces, samples::at(30)).await?;
    let answer = catalog.count(id, resize, &begins(0), samples::at(31)).await?;
    trial::same("after it was opened again", &answer, &Some(0))?;

    // An upload is counted before it is an image, and nothing is once it was announced.
    let upload = Start::Begins { pieces: BTreeSet::new(), attempts: 1 };
    create(catalog, &samples::pending(2)).await?;
    for before in [1, 2, 3] {
        let now = samples::at(11);
        let answer = catalog.count(samples::id(2), StageName::Ingest, &upload, now).await?;
        trial::same("an upload", &answer, &Some(before))?;
    }
    let (ready, ..) = announced(catalog, 3, &[samples::made("a.webp")]).await?;
    for start in [upload, begins(1), Start::Lost, Start::Ended] {
        let answer = catalog.count(ready, resize, &start, samples::at(40)).await?;
        trial::same("a start that nobody waits for", &answer, &None)?;
    }
    Ok(())
}

pub(super) async fn starts_at_once_are_three(home: Adapters) -> Outcome {
    let pieces = samples::pieces(["a.webp"]);
    let id = spread(&*home.catalog, 1, &pieces).await?;
    home.catalog.count(id, StageName::Resize, &Start::Lost, samples::at(11)).await?;
    let answers = crowd::at_once(12, |_| {
        let (catalog, pieces) = (Arc::clone(&home.catalog), pieces.clone());
        async move {
            let begins = Start::Begins { pieces, attempts: 0 };
            catalog.count(id, StageName::Resize, &begins, samples::at(12)).await
        }
    });
    let mut left = Vec::new();
    for answer in answers.await? {
        left.extend(answer?.filter(|before| *before < crate::stage::MAX_ATTEMPTS));
    }
    left.sort_unstable();
    trial::same("starts before those that begin", &left, &vec![1, 2])
}
