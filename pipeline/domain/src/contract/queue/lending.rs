//! Loans and receipts.

use std::{collections::BTreeSet, time::Duration};

use super::{
    super::{Adapters, Outcome, crowd, trial},
    AFTER, VISIBILITY, accepted, borrow_all, borrow_one, idle, sorted,
};
use crate::StageName;

const STAGE: StageName = StageName::Fanout;

pub(super) async fn hidden_while_lent(home: Adapters) -> Outcome {
    home.queue.send(&[accepted(1)]).await?;
    let lent = borrow_one(&*home.queue, STAGE).await?;
    idle(&*home.queue, STAGE, "right after it was lent").await?;
    home.clock.pass(VISIBILITY / 2).await;
    idle(&*home.queue, STAGE, "in the middle of its visibility time").await?;
    home.queue.acknowledge(&lent.receipt).await?;
    Ok(())
}

pub(super) async fn lent_again_when_not_acknowledged(home: Adapters) -> Outcome {
    home.queue.send(&[accepted(1)]).await?;
    let mut receipts = BTreeSet::new();
    for receives in 1..=4 {
        let lent = borrow_one(&*home.queue, STAGE).await?;
        trial::same("what is lent", &lent.message, &accepted(1))?;
        trial::same("how often it was lent", &lent.receives, &receives)?;
        trial::ensure!(receipts.insert(lent.receipt), "two loans have the same receipt");
        home.clock.pass(AFTER).await;
    }
    Ok(())
}

pub(super) async fn acknowledged_is_gone(home: Adapters) -> Outcome {
    let sent = [accepted(1), accepted(2), accepted(3)];
    home.queue.send(&sent).await?;
    let lent = borrow_all(&*home.queue, STAGE).await?;
    for delivery in lent.iter().filter(|delivery| delivery.message == sent[1]) {
        home.queue.acknowledge(&delivery.receipt).await?;
        // Whoever acknowledges cannot know whether its first answer was lost.
        home.queue.acknowledge(&delivery.receipt).await?;
    }
    home.clock.pass(AFTER).await;
    let again = borrow_all(&*home.queue, STAGE).await?;
    let found = sorted(again.iter().map(|delivery| delivery.message.clone()).collect());
    trial::same("what is left", &found, &sorted(vec![sent[0].clone(), sent[2].clone()]))?;
    for delivery in again {
        home.queue.acknowledge(&delivery.receipt).await?;
    }
    home.clock.pass(AFTER * 100).await;
    idle(&*home.queue, STAGE, "after all were acknowledged").await
}

pub(super) async fn overtaken_receipt_acknowledges_nothing(home: Adapters) -> Outcome {
    home.queue.send(&[accepted(1)]).await?;
    let old = borrow_one(&*home.queue, STAGE).await?;
    home.clock.pass(AFTER).await;
    borrow_one(&*home.queue, STAGE).await?;
    // Some stores answer this with an error; what counts is what it does.
    let _ = home.queue.acknowledge(&old.receipt).await;
    home.clock.pass(AFTER).await;
    let third = borrow_one(&*home.queue, STAGE).await?;
    trial::same("how often it was lent", &third.receives, &3)?;
    home.queue.acknowledge(&third.receipt).await?;
    home.clock.pass(AFTER).await;
    idle(&*home.queue, STAGE, "after the newest receipt acknowledged it").await
}

pub(super) async fn overtaken_receipt_hides_nothing(home: Adapters) -> Outcome {
    home.queue.send(&[accepted(1)]).await?;
    let old = borrow_one(&*home.queue, STAGE).await?;
    home.clock.pass(AFTER).await;
    borrow_one(&*home.queue, STAGE).await?;
    let _ = home.queue.hide(&old.receipt, Duration::ZERO).await;
    idle(&*home.queue, STAGE, "after an old receipt gave it back").await?;
    let _ = home.queue.hide(&old.receipt, AFTER * 10).await;
    home.clock.pass(AFTER).await;
    borrow_one(&*home.queue, STAGE).await.map(drop)
}

pub(super) async fn hiding_counts_from_now(home: Adapters) -> Outcome {
    home.queue.send(&[accepted(1)]).await?;
    let lent = borrow_one(&*home.queue, STAGE).await?;
    for _ in 0..3 {
        home.clock.pass(VISIBILITY / 2).await;
        home.queue.hide(&lent.receipt, VISIBILITY).await?;
    }
    home.clock.pass(VISIBILITY / 2).await;
    idle(&*home.queue, STAGE, "while its loan was prolonged").await?;
    home.clock.pass(AFTER).await;
    let again = borrow_one(&*home.queue, STAGE).await?;
    trial::same("how often it was lent", &again.receives, &2)
}

pub(super) async fn giving_back_lends_at_once(home: Adapters) -> Outcome {
    home.queue.send(&[accepted(1)]).await?;
    for receives in 1..=3 {
        let lent = borrow_one(&*home.queue, STAGE).await?;
        trial::same("how often it was lent", &lent.receives, &receives)?;
        home.queue.hide(&lent.receipt, Duration::ZERO).await?;
    }
    Ok(())
}

pub(super) async fn lent_to_one_at_a_time(home: Adapters) -> Outcome {
    const BORROWERS: usize = 12;
    for _ in 0..4 {
        let sent: Vec<_> = (0..20).map(accepted).collect();
        home.queue.send(&sent).await?;
        let lent = crowd::at_once(BORROWERS, |_| {
            let queue = home.queue.clone();
            async move { queue.receive(STAGE, 3, VISIBILITY).await }
        })
        .await?;
        let mut all = Vec::new();
        for lent in lent {
            all.extend(lent?);
        }
        all.extend(borrow_all(&*home.queue, STAGE).await?);
        let found = sorted(all.iter().map(|delivery| delivery.message.clone()).collect());
        trial::same("what all borrowers have together", &found, &sorted(sent))?;
        for delivery in all {
            home.queue.acknowledge(&delivery.receipt).await?;
        }
    }
    Ok(())
}
