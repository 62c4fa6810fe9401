//! What somebody asks for beside the set.

use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;

use super::{
    super::{Adapters, Finding, Outcome, crowd, samples, trial},
    announced, create, holds,
};
use crate::{
    Catalog, ImageId, Revision, Status,
    image::{Asking, Expectation, Flip, Progress, Purpose},
};

const MANY: usize = 12;

fn presets(which: &str) -> Revision {
    samples::piece(which).revision
}

fn files<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
    names.into_iter().map(str::to_owned).collect()
}

/// Asks at a second; what was asked for up to five seconds before is asked for again.
async fn ask(
    catalog: &dyn Catalog,
    id: ImageId,
    names: &BTreeSet<String>,
    which: &str,
    second: i64,
) -> Result<Asking, Finding> {
    let (horizon, now): (Timestamp, _) = (samples::at(second - 5), samples::at(second));
    Ok(catalog.ask(id, names, &presets(which), horizon, now).await?)
}

pub(super) async fn asked_for_once(home: Adapters) -> Outcome {
    let catalog = &*home.catalog;
    let (both, one) = (files(["x.webp", "y.webp"]), files(["x.webp"]));
    create(catalog, &samples::pending(2)).await?;
    let early = ask(catalog, samples::id(2), &one, "now", 30).await?;
    trial::same("asking of what was never announced", &early, &Asking::Ended)?;

    let (id, ..) = announced(catalog, 1, &[samples::made("a.webp")]).await?;
    let send = |names: &BTreeSet<String>| Asking::Send(names.clone());
    trial::same("the first time", &ask(catalog, id, &one, "now", 30).await?, &send(&one))?;
    let answer = ask(catalog, id, &both, "now", 32).await?;
    trial::same("one more", &answer, &send(&files(["y.webp"])))?;
    trial::same("lately", &ask(catalog, id, &both, "now", 34).await?, &Asking::Underway)?;
    trial::same("at the horizon", &ask(catalog, id, &both, "now", 35).await?, &send(&one))?;
    let pieces = samples::pieces(["x.webp"]);
    trial::same("the order", &catalog.order(id, &pieces, &presets("now")).await?, &pieces)?;
    catalog.record(id, &[samples::made("x.webp")], samples::at(36)).await?;
    trial::same("once made", &ask(catalog, id, &one, "now", 90).await?, &Asking::Ended)?;
    trial::same("by other presets", &ask(catalog, id, &one, "other", 91).await?, &send(&one))?;
    let there = catalog.image(id).await?;
    let piece = samples::piece("x.webp");
    let serves = there.outcomes().any(|(other, _)| *other == piece);
    trial::same("whether the first serves meanwhile", &serves, &true)?;
    // Other presets may want the same piece: then nothing is to be made.
    let answer = catalog.order(id, &pieces, &presets("other")).await?;
    trial::same("the order", &answer, &BTreeSet::new())?;
    let answer = ask(catalog, id, &one, "other", 200).await?;
    trial::same("asking by the other presets", &answer, &Asking::Ended)
}

pub(super) async fn asked_for_in_vain(home: Adapters) -> Outcome {
    let catalog = &*home.catalog;
    let (id, ..) = announced(catalog, 1, &[samples::made("a.webp")]).await?;
    let (one, other) = (files(["x.webp"]), files(["y.webp"]));
    ask(catalog, id, &other, "now", 27).await?;
    ask(catalog, id, &one, "now", 30).await?;
    // Whoever was to tell the fan-out could not.
    catalog.ask(id, &one, &presets("now"), samples::at(30), samples::at(25)).await?;
    let answer = ask(catalog, id, &one, "now", 30).await?;
    trial::same("whoever asks next", &answer, &Asking::Send(one.clone()))?;
    let answer = ask(catalog, id, &one, "now", 31).await?;
    trial::same("and the one after", &answer, &Asking::Underway)?;
    let answer = ask(catalog, id, &other, "now", 31).await?;
    trial::same("what was asked for beside it", &answer, &Asking::Underway)
}

pub(super) async fn open_under_other_presets(home: Adapters) -> Outcome {
    let catalog = &*home.catalog;
    let (id, ..) = announced(catalog, 1, &[samples::made("a.webp")]).await?;
    let (one, pieces) = (files(["x.webp"]), samples::pieces(["x.webp"]));
    ask(catalog, id, &one, "now", 30).await?;
    // The fan-out had read the presets before they changed.
    let answer = catalog.order(id, &pieces, &presets("before")).await?;
    trial::same("the order", &answer, &pieces)?;
    catalog.record(id, &[samples::made("x.webp")], samples::at(31)).await?;
    let answer = ask(catalog, id, &one, "before", 32).await?;
    trial::same("asking by the presets that planned it", &answer, &Asking::Ended)?;
    let answer = ask(catalog, id, &one, "now", 33).await?;
    trial::same("asking by those of now", &answer, &Asking::Send(one))
}

pub(super) async fn ordered_if_asked_for(home: Adapters) -> Outcome {
    let catalog = &*home.catalog;
    let (id, ..) = announced(catalog, 1, &[samples::made("a.webp")]).await?;
    let before = catalog.image(id).await?;
    let pieces = samples::pieces(["x.webp", "y.webp"]);
    let answer = catalog.order(id, &pieces, &presets("now")).await?;
    trial::same("what nobody asked for", &answer, &BTreeSet::new())?;
    let stranger = [samples::made("x.webp")];
    let answer = catalog.record(id, &stranger, samples::at(25)).await?;
    trial::same("recording what nobody asked for", &answer, &Progress::Ended)?;
    holds(catalog, &before).await?;

    ask(catalog, id, &files(["x.webp"]), "now", 30).await?;
    let one = samples::pieces(["x.webp"]);
    for _ in 0..2 {
        let answer = catalog.order(id, &pieces, &presets("now")).await?;
        trial::same("what somebody asked for", &answer, &one)?;
    }
    catalog.record(id, &stranger, samples::at(31)).await?;
    let answer = catalog.order(id, &pieces, &presets("now")).await?;
    trial::same("what was made", &answer, &BTreeSet::new())
}

pub(super) async fn asking_leaves_the_set(home: Adapters) -> Outcome {
    let (catalog, problem) = (&*home.catalog, samples::problem("the worker was lost"));
    let (id, revision, flip) = announced(catalog, 1, &[samples::made("a.webp")]).await?;
    trial::same("the announcement", &flip, &Flip::Now(Status::Ready))?;
    let before = catalog.image(id).await?;
    let pieces = samples::pieces(["x.webp", "y.webp"]);
    ask(catalog, id, &files(["x.webp", "y.webp"]), "now", 30).await?;
    trial::same("the order", &catalog.order(id, &pieces, &presets("now")).await?, &pieces)?;
    let made = [samples::made("x.webp")];
    let answer = catalog.record(id, &made, samples::at(31)).await?;
    trial::same("recording one", &answer, &Progress::Underway)?;
    let (early, late) = (Some(samples::at(29)), Some(samples::at(32)));
    let lost = samples::pieces(["y.webp"]);
    catalog.give_up(id, &lost, &problem, early, samples::at(33)).await?;
    let open = catalog.image(id).await?.misses(&samples::piece("y.webp"));
    trial::same("whether what was given up before it was asked for is open", &open, &true)?;
    catalog.give_up(id, &lost, &problem, late, samples::at(33)).await?;
    let after = catalog.image(id).await?;
    trial::same("its state", &after.status, &Status::Ready)?;
    trial::same("its set", &after.work, &before.work)?;
    trial::same("what serves of it", &after.serving, &before.serving)?;
    trial::same("its problem", &after.problem, &None)?;
    trial::same("when the set was touched", &after.touched_at, &before.touched_at)?;
    let ended: BTreeSet<_> =
        after.requests.values().flat_map(|request| request.ended.keys().cloned()).collect();
    trial::same("what was asked for and has ended", &ended, &pieces)?;
    let answer = catalog.flip(id, &revision, samples::at(34)).await?;
    trial::same("the announcement", &answer, &Flip::Before(Status::Ready))?;
    let answer = catalog.expect(
        id,
        &before.work.expected,
        Purpose::Reopen,
        samples::at(35),
        samples::at(35),
    );
    trial::same("making the set anew", &answer.await?, &Expectation::Ended)?;
    let answer = catalog.reopen(id, &lost, samples::at(36)).await?;
    trial::same("a redrive after that, as of what may be asked for again", &answer, &false)?;
    trial::same("its state", &catalog.image(id).await?.status, &Status::Ready)
}

pub(super) async fn what_failed_waits_for_a_redrive(home: Adapters) -> Outcome {
    let (catalog, problem) = (&*home.catalog, samples::problem("the worker was lost"));
    let (id, ..) = announced(catalog, 1, &[samples::made("a.webp")]).await?;
    let (one, pieces) = (files(["x.webp"]), samples::pieces(["x.webp"]));
    ask(catalog, id, &one, "now", 30).await?;
    catalog.order(id, &pieces, &presets("now")).await?;
    catalog.give_up(id, &pieces, &problem, Some(samples::at(31)), samples::at(31)).await?;
    let answer = ask(catalog, id, &one, "now", 900).await?;
    trial::same("asking for what failed", &answer, &Asking::Ended)?;
    trial::same(
        "the order",
        &catalog.order(id, &pieces, &presets("now")).await?,
        &BTreeSet::new(),
    )?;
    trial::same("a redrive", &catalog.reopen(id, &pieces, samples::at(901)).await?, &true)?;
    trial::same("its state", &catalog.image(id).await?.status, &Status::Ready)?;
    let answer = ask(catalog, id, &one, "now", 903).await?;
    trial::same("asking after the redrive", &answer, &Asking::Underway)?;
    catalog.record(id, &[samples::made("x.webp")], samples::at(904)).await?;
    let made = catalog.image(id).await?.requests;
    let made = made.get("x.webp").is_some_and(crate::image::Request::is_settled);
    trial::same("whether it is made", &made, &true)
}

pub(super) async fn asked_for_at_once_is_once(home: Adapters) -> Outcome {
    for round in 0..4 {
        let (id, ..) = announced(&*home.catalog, round, &[samples::made("a.webp")]).await?;
        let one = Arc::new(files(["x.webp"]));
        let answers = crowd::at_once(MANY, |_| {
            let (catalog, one) = (home.catalog.clone(), one.clone());
            async move { ask(&*catalog, id, &one, "now", 30).await }
        })
        .await?;
        let mut sent = 0;
        for answer in answers {
            match answer? {
                Asking::Send(_) => sent += 1,
                other => trial::same("the others' answer", &other, &Asking::Underway)?,
            }
        }
        trial::same("how many asked the fan-out", &sent, &1)?;
    }
    Ok(())
}
