//! What becomes of an image after it was erased.

use jiff::SignedDuration;

use super::{
    super::{Adapters, Finding, Outcome, samples, trial},
    announced,
};
use crate::{Catalog, ImageId, Status};

pub(super) async fn erased_is_due_until_removed(home: Adapters) -> Outcome {
    let catalog = &*home.catalog;
    let second = SignedDuration::from_secs(1);
    let (id, ..) = announced(catalog, 1, &[samples::made("a.webp")]).await?;
    trial::same(
        "a removal without an erasure",
        &catalog.removed(id, samples::at(25)).await?,
        &false,
    )?;
    catalog.erase(id, samples::at(30)).await?;
    let mut waits = Vec::new();
    let mut last = samples::at(30);
    for _ in 0..3 {
        let Some(due) = catalog.image(id).await?.due_at() else {
            return Err(Finding::Violated("an erased image is never due".to_owned()));
        };
        let found = catalog.due(Status::Erased, due, None, 10).await?.items;
        trial::same("erased at the moment itself", &found, &Vec::new())?;
        let found = catalog.due(Status::Erased, due + second, None, 10).await?.items;
        trial::same("erased a second later", &found, &vec![id])?;
        trial::same("a nudge too early", &catalog.nudge(id, due - second).await?, &false)?;
        trial::same("a nudge in time", &catalog.nudge(id, due).await?, &true)?;
        waits.push(due.duration_since(last));
        last = due;
    }
    trial::ensure!(waits[0] < waits[1] && waits[1] < waits[2], "it is left alone for {waits:?}");
    trial::same("the removal", &catalog.removed(id, last + second).await?, &true)?;
    trial::same("the removal again", &catalog.removed(id, last + second * 2).await?, &true)?;
    trial::same("when", &catalog.image(id).await?.removed_at, &Some(last + second))?;
    trial::same("due after it", &ever_due(catalog).await?, &Vec::new())?;
    let late = catalog.nudge(id, samples::at(90_000_000)).await?;
    trial::same("a nudge after it", &late, &false)?;
    // Erasing it again changes nothing.
    catalog.erase(id, last + second * 3).await?;
    trial::same("due after another erasure", &ever_due(catalog).await?, &Vec::new())
}

async fn ever_due(catalog: &dyn Catalog) -> Result<Vec<ImageId>, Finding> {
    Ok(catalog.due(Status::Erased, samples::at(90_000_000), None, 10).await?.items)
}
