//! One change after the other.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    super::{Adapters, Outcome, samples, trial},
    announced, complete, create, expect, holds, spread,
};
use crate::{
    Status,
    image::{Acceptance, Expectation, Flip, Progress, Purpose},
    ports::Creation,
};

pub(super) async fn accepting(home: Adapters) -> Outcome {
    let (catalog, source) = (&*home.catalog, samples::source());
    let mut image = samples::pending(1);
    create(catalog, &image).await?;
    for second in [5, 6] {
        let answer = catalog.accept(image.id, &source, samples::at(second)).await?;
        trial::same("the answer", &answer, &Acceptance::Go)?;
        image.accept(&source, samples::at(second));
        holds(catalog, &image).await?;
    }
    trial::same("its source", &catalog.image(image.id).await?.source.as_ref(), &Some(&source))?;
    let (id, ..) = announced(catalog, 2, &[samples::made("a.webp")]).await?;
    let before = catalog.image(id).await?;
    let answer = catalog.accept(id, &source, samples::at(30)).await?;
    trial::same("the answer for what is ready", &answer, &Acceptance::Ended)?;
    holds(catalog, &before).await
}

pub(super) async fn refusing(home: Adapters) -> Outcome {
    let (catalog, problem) = (&*home.catalog, samples::problem("no image"));
    let mut image = samples::pending(1);
    create(catalog, &image).await?;
    let early =
        catalog.expire(image.id, image.expires_at - jiff::SignedDuration::from_secs(1)).await?;
    trial::same("whether it expired early", &early, &false)?;
    holds(catalog, &image).await?;
    let late = catalog.expire(image.id, image.expires_at).await?;
    trial::same("whether it expired in time", &late, &true)?;
    image.expire(image.expires_at);
    holds(catalog, &image).await?;
    for second in [4000, 4001] {
        let rejected = catalog.reject(image.id, &problem, samples::at(second)).await?;
        trial::same("whether it is rejected", &rejected, &true)?;
        image.reject(&problem, samples::at(second));
        holds(catalog, &image).await?;
    }
    let (id, ..) = announced(catalog, 2, &[samples::made("a.webp")]).await?;
    let before = catalog.image(id).await?;
    let rejected = catalog.reject(id, &problem, samples::at(30)).await?;
    trial::same("whether what is ready is rejected", &rejected, &false)?;
    let expired = catalog.expire(id, samples::at(9000)).await?;
    trial::same("whether what is ready expires", &expired, &false)?;
    holds(catalog, &before).await
}

pub(super) async fn expected_is_sent_by_horizon(home: Adapters) -> Outcome {
    let (catalog, pieces) = (&*home.catalog, samples::pieces(["a.webp", "b.webp"]));
    // Sent at 10; `expect` resends what was sent up to five seconds before.
    let id = spread(catalog, 1, &pieces).await?;
    for second in [10, 12, 14] {
        let answer = expect(catalog, id, &pieces, second).await?;
        trial::same(&format!("at {second}"), &answer, &Expectation::Underway)?;
    }
    catalog.record(id, &[samples::made("a.webp")], samples::at(14)).await?;
    let rest = Expectation::Send(samples::pieces(["b.webp"]));
    trial::same("at 15", &expect(catalog, id, &pieces, 15).await?, &rest)?;
    let answer = expect(catalog, id, &pieces, 16).await?;
    trial::same("right after sending again", &answer, &Expectation::Underway)?;
    let revision = complete(catalog, id, &[samples::made("b.webp")], 17).await?;
    let answer = expect(catalog, id, &pieces, 100).await?;
    trial::same("when all have ended", &answer, &Expectation::Complete(revision.clone()))?;
    catalog.flip(id, &revision, samples::at(101)).await?;
    let answer = expect(catalog, id, &pieces, 200).await?;
    trial::same("when it is announced", &answer, &Expectation::Ended)
}

pub(super) async fn recorded_is_a_set(home: Adapters) -> Outcome {
    let catalog = &*home.catalog;
    let id = spread(catalog, 1, &samples::pieces(["a.webp", "b.webp", "c.webp"])).await?;
    // As many records as pieces are awaited, and still two are missing.
    for second in [11, 12, 13, 14] {
        let answer = catalog.record(id, &[samples::made("a.webp")], samples::at(second)).await?;
        trial::same("the same piece again", &answer, &Progress::Underway)?;
    }
    let image = catalog.image(id).await?;
    trial::same("pieces that ended", &image.work.ended.len(), &1)?;
    trial::same("when it was last touched", &image.touched_at, &samples::at(11))?;
    let stranger = [samples::made("d.webp")];
    let answer = catalog.record(id, &stranger, samples::at(15)).await?;
    trial::same("a piece that nobody awaits", &answer, &Progress::Ended)?;
    let both = [samples::made("b.webp"), samples::made("c.webp")];
    let revision = complete(catalog, id, &both, 16).await?;
    let answer = catalog.record(id, &both[..1], samples::at(17)).await?;
    trial::same("a redelivery sees it too", &answer, &Progress::Complete(revision.clone()))?;
    let wanted: BTreeSet<_> =
        ["a.webp", "b.webp", "c.webp"].into_iter().map(samples::piece).collect();
    let ended: BTreeSet<_> = catalog.image(id).await?.work.ended.into_keys().collect();
    trial::same("what has ended", &ended, &wanted)?;
    catalog.flip(id, &revision, samples::at(18)).await?;
    let answer = catalog.record(id, &both[..1], samples::at(19)).await?;
    trial::same("a record after the announcement", &answer, &Progress::Ended)
}

pub(super) async fn outcomes_are_kept_whole(home: Adapters) -> Outcome {
    let outcomes = samples::outcomes();
    let pieces = outcomes.iter().map(|(piece, _)| piece.clone()).collect();
    let id = spread(&*home.catalog, 1, &pieces).await?;
    complete(&*home.catalog, id, &outcomes, 15).await?;
    let kept = home.catalog.image(id).await?.work.ended;
    trial::same("the outcomes", &kept, &outcomes.into_iter().collect::<BTreeMap<_, _>>())
}

pub(super) async fn flipped_once(home: Adapters) -> Outcome {
    let catalog = &*home.catalog;
    let id = spread(catalog, 1, &samples::pieces(["a.webp", "b.webp"])).await?;
    let before = catalog.image(id).await?;
    let revision = before.work.revision();
    let answer = catalog.flip(id, &revision, samples::at(11)).await?;
    trial::same("before it is complete", &answer, &Flip::No)?;
    holds(catalog, &before).await?;
    complete(catalog, id, &[samples::made("a.webp"), samples::made("b.webp")], 15).await?;
    let answer = catalog.flip(id, &samples::piece("x").revision, samples::at(16)).await?;
    trial::same("another revision", &answer, &Flip::No)?;
    let answer = catalog.flip(id, &revision, samples::at(20)).await?;
    trial::same("the first time", &answer, &Flip::Now(Status::Ready))?;
    let ready = catalog.image(id).await?;
    trial::same("its state", &ready.status, &Status::Ready)?;
    trial::same("since when", &ready.ready_at, &Some(samples::at(20)))?;
    for second in [21, 500] {
        let answer = catalog.flip(id, &revision, samples::at(second)).await?;
        trial::same("the second time", &answer, &Flip::Before(Status::Ready))?;
        holds(catalog, &ready).await?;
    }
    Ok(())
}

pub(super) async fn reopened_is_another_round(home: Adapters) -> Outcome {
    let catalog = &*home.catalog;
    let outcomes = [samples::made("a.webp"), samples::failed("b.webp")];
    let (id, first, flip) = announced(catalog, 1, &outcomes).await?;
    trial::same("the announcement", &flip, &Flip::Now(Status::Failed))?;
    let none = catalog.reopen(id, &samples::pieces(["a.webp"]), samples::at(25)).await?;
    trial::same("whether what was made is opened again", &none, &false)?;
    let again = catalog.reopen(id, &samples::pieces(["b.webp"]), samples::at(30)).await?;
    trial::same("whether what failed is opened again", &again, &true)?;
    let answer = catalog.flip(id, &first, samples::at(31)).await?;
    let before = Flip::Before(Status::Failed);
    trial::same("the old revision while the new one is open", &answer, &before)?;
    let second = complete(catalog, id, &[samples::made("b.webp")], 35).await?;
    trial::ensure!(second != first, "both rounds have the revision {first}");
    let answer = catalog.flip(id, &second, samples::at(40)).await?;
    trial::same("the second announcement", &answer, &Flip::Now(Status::Ready))
}

pub(super) async fn given_up_before_it_was_opened(home: Adapters) -> Outcome {
    let (catalog, problem) = (&*home.catalog, samples::problem("the worker was lost"));
    let (both, one) = (samples::pieces(["a.webp", "b.webp"]), samples::pieces(["b.webp"]));
    let id = spread(catalog, 1, &both).await?;
    catalog.record(id, &[samples::made("a.webp")], samples::at(14)).await?;
    let first = catalog.image(id).await?.work.revision();
    let (early, late) = (Some(samples::at(15)), Some(samples::at(35)));
    let answer = catalog.give_up(id, &one, &problem, early, samples::at(16)).await?;
    trial::same("giving up the last piece", &answer, &Progress::Complete(first.clone()))?;
    let flip = catalog.flip(id, &first, samples::at(20)).await?;
    trial::same("the announcement", &flip, &Flip::Now(Status::Failed))?;
    trial::same("opening it", &catalog.reopen(id, &one, samples::at(30)).await?, &true)?;
    let open = catalog.image(id).await?;
    let answer = catalog.give_up(id, &one, &problem, early, samples::at(31)).await?;
    trial::same("what was given up before that", &answer, &Progress::Underway)?;
    holds(catalog, &open).await?;
    let answer = catalog.give_up(id, &one, &problem, late, samples::at(36)).await?;
    let second = open.work.revision();
    trial::same("what was given up since", &answer, &Progress::Complete(second))?;

    // The same for an upload that could not be read, and for messages that do not say when.
    let (id, nothing) = (samples::pending(2).id, BTreeSet::new());
    create(catalog, &samples::pending(2)).await?;
    catalog.give_up(id, &nothing, &problem, early, samples::at(16)).await?;
    trial::same("its state", &catalog.image(id).await?.status, &Status::Rejected)?;
    trial::same("opening it", &catalog.reopen(id, &nothing, samples::at(30)).await?, &true)?;
    let open = catalog.image(id).await?;
    catalog.give_up(id, &nothing, &problem, early, samples::at(31)).await?;
    holds(catalog, &open).await?;
    catalog.give_up(id, &nothing, &problem, None, samples::at(36)).await?;
    trial::same("its state", &catalog.image(id).await?.status, &Status::Rejected)
}

pub(super) async fn erased_stays_erased(home: Adapters) -> Outcome {
    let (catalog, problem) = (&*home.catalog, samples::problem("late"));
    let made = [samples::made("a.webp")];
    let (id, revision, _) = announced(catalog, 1, &made).await?;
    let other = spread(catalog, 2, &samples::pieces(["a.webp"])).await?;
    for id in [id, other] {
        let tombstone = catalog.erase(id, samples::at(30)).await?;
        trial::same("its state", &tombstone.status, &Status::Erased)?;
        trial::same("since when", &tombstone.erased_at, &Some(samples::at(30)))?;
        let said = (&tombstone.filename, tombstone.tags.len(), &tombstone.source);
        trial::same("what is left of what was said", &said, &(&None, 0, &None))?;
        holds(catalog, &tombstone).await?;
        let pieces = samples::pieces(["a.webp"]);
        let now = samples::at(40);
        let answer = catalog.record(id, &made, now).await?;
        trial::same("a late record", &answer, &Progress::Erased)?;
        let answer = catalog.accept(id, &samples::source(), now).await?;
        trial::same("a late upload", &answer, &Acceptance::Erased)?;
        let answer = catalog.expect(id, &pieces, Purpose::Reopen, now, now).await?;
        trial::same("a late fan-out", &answer, &Expectation::Ended)?;
        trial::same("a late flip", &catalog.flip(id, &revision, now).await?, &Flip::No)?;
        trial::same("a redrive", &catalog.reopen(id, &pieces, now).await?, &false)?;
        trial::same("a late refusal", &catalog.reject(id, &problem, now).await?, &false)?;
        trial::same("a late sweep", &catalog.expire(id, samples::at(9000)).await?, &false)?;
        trial::same("erasing again", &catalog.erase(id, now).await?, &tombstone)?;
        let number = if id == other { 2 } else { 1 };
        let answer = catalog.create(&samples::pending(number), None).await?;
        let wanted = Creation::Repeated(Box::new(tombstone.clone()));
        trial::same("creating it again", &answer, &wanted)?;
        holds(catalog, &tombstone).await?;
    }
    Ok(())
}
