//! From the outbox to a first loan.

use std::time::Duration;

use super::{
    super::{Adapters, Outcome, trial},
    AFTER, VISIBILITY, accepted, borrow_all, borrow_one, every_kind, idle, sorted,
};
use crate::{Message, StageName, message::Body};

pub(super) async fn sent_is_delivered(home: Adapters) -> Outcome {
    home.queue.send(&[]).await?;
    idle(&*home.queue, StageName::Fanout, "before any was sent").await?;
    // More than one request of the cloud's queue can carry.
    let sent: Vec<_> = (0..25).map(accepted).collect();
    home.queue.send(&sent[..1]).await?;
    home.queue.send(&sent[1..]).await?;
    for receives in 1..=2 {
        let lent = borrow_all(&*home.queue, StageName::Fanout).await?;
        for delivery in &lent {
            trial::same("how often it was lent", &delivery.receives, &receives)?;
        }
        let found = sorted(lent.into_iter().map(|delivery| delivery.message).collect());
        trial::same("what was delivered", &found, &sorted(sent.clone()))?;
        home.clock.pass(AFTER).await;
    }
    Ok(())
}

pub(super) async fn every_message_arrives_as_sent(home: Adapters) -> Outcome {
    let sent = every_kind();
    home.queue.send(&sent).await?;
    for stage in StageName::ALL {
        let lent = borrow_all(&*home.queue, stage).await?;
        let found = sorted(lent.into_iter().map(|delivery| delivery.message).collect());
        let wanted = sent.iter().filter(|message| message.stage() == stage).cloned().collect();
        trial::same(&format!("what {stage:?} was given"), &found, &sorted(wanted))?;
    }
    Ok(())
}

pub(super) async fn sent_twice_is_delivered_twice(home: Adapters) -> Outcome {
    for _ in 0..2 {
        home.queue.send(&[accepted(1)]).await?;
        let lent = borrow_one(&*home.queue, StageName::Fanout).await?;
        trial::same("what was delivered", &lent.message, &accepted(1))?;
        // Sent while the first is on loan: it may be news to whoever has the first.
        home.queue.send(&[accepted(1)]).await?;
        let again = borrow_one(&*home.queue, StageName::Fanout).await?;
        home.queue.acknowledge(&lent.receipt).await?;
        home.queue.acknowledge(&again.receipt).await?;
        home.clock.pass(AFTER).await;
        idle(&*home.queue, StageName::Fanout, "after both were acknowledged").await?;
    }
    Ok(())
}

pub(super) async fn stages_are_apart(home: Adapters) -> Outcome {
    home.queue.send(&every_kind()).await?;
    for stage in StageName::ALL {
        let lent = home.queue.receive(stage, 100, VISIBILITY).await?;
        trial::ensure!(!lent.is_empty(), "{stage:?} was given nothing");
        for delivery in lent {
            trial::same("whose message it is", &delivery.message.stage(), &stage)?;
        }
    }
    Ok(())
}

pub(super) async fn limit_is_kept(home: Adapters) -> Outcome {
    let sent: Vec<_> = (0..9).map(accepted).collect();
    home.queue.send(&sent).await?;
    let mut found = Vec::new();
    for limit in [1, 2, 3] {
        let lent = home.queue.receive(StageName::Fanout, limit, VISIBILITY).await?;
        trial::ensure!(
            lent.len() <= limit,
            "{} were lent where {limit} were asked for",
            lent.len()
        );
        found.extend(lent);
    }
    found.extend(borrow_all(&*home.queue, StageName::Fanout).await?);
    let found = sorted(found.into_iter().map(|delivery| delivery.message).collect());
    trial::same("what was lent in all", &found, &sorted(sent))
}

pub(super) async fn not_before_its_time(home: Adapters) -> Outcome {
    let now = home.clock.now();
    let second = |n: i64| now + jiff::SignedDuration::from_secs(n);
    let (late, past) = (accepted(1).not_before(second(10)), accepted(2).not_before(second(-10)));
    home.queue.send(&[late.clone(), past.clone()]).await?;
    let first = borrow_one(&*home.queue, StageName::Fanout).await?;
    trial::same("what is due at once", &first.message, &past)?;
    home.queue.acknowledge(&first.receipt).await?;
    home.clock.pass(Duration::from_secs(7)).await;
    idle(&*home.queue, StageName::Fanout, "before its time").await?;
    home.clock.pass(Duration::from_secs(4)).await;
    let second = borrow_one(&*home.queue, StageName::Fanout).await?;
    trial::same("what is due later", &second.message, &late)?;
    trial::same("how often it was lent", &second.receives, &1)
}

pub(super) async fn restart_keeps_messages(home: Adapters) -> Outcome {
    let late = home.clock.now() + jiff::SignedDuration::from_secs(20);
    let sent = [accepted(1), accepted(2), accepted(3), accepted(4).not_before(late)];
    home.queue.send(&sent[..1]).await?;
    let lent = borrow_one(&*home.queue, StageName::Fanout).await?;
    home.queue.send(&sent[1..2]).await?;
    let done = borrow_one(&*home.queue, StageName::Fanout).await?;
    home.queue.acknowledge(&done.receipt).await?;
    home.queue.send(&sent[2..]).await?;
    let home = home.restarted().await?;
    let queue = &*home.queue;
    let waiting = borrow_one(queue, StageName::Fanout).await?;
    trial::same("what had waited", &waiting.message, &sent[2])?;
    home.clock.pass(AFTER).await;
    let again = borrow_all(queue, StageName::Fanout).await?;
    let found = sorted(again.iter().map(|delivery| delivery.message.clone()).collect());
    let wanted = sorted(vec![lent.message, sent[2].clone()]);
    trial::same("what had been on loan", &found, &wanted)?;
    for delivery in again {
        trial::same("how often it was lent, over the restart", &delivery.receives, &2)?;
        queue.acknowledge(&delivery.receipt).await?;
    }
    home.clock.pass(Duration::from_secs(20)).await;
    trial::same(
        "what was for later",
        &borrow_one(queue, StageName::Fanout).await?.message,
        &sent[3],
    )
}

pub(super) async fn full_home_keeps_messages(home: Adapters) -> Outcome {
    let objects = home.fill().await?;
    let mut sent = Vec::new();
    for number in 0..200 {
        let large: Message = Body::Reprocess {
            query: crate::query::Filter::default(),
            cursor: Some(format!("{number}{}", "x".repeat(2000))),
        }
        .into();
        if home.queue.send(std::slice::from_ref(&large)).await.is_ok() {
            sent.push(large);
        }
    }
    // Lending writes as well, so there must be room for it.
    for key in objects.iter().take(3) {
        home.objects.delete(key).await?;
    }
    let lent = borrow_all(&*home.queue, StageName::Fanout).await?;
    let found: Vec<_> = lent.into_iter().map(|delivery| delivery.message).collect();
    for message in &sent {
        trial::ensure!(found.contains(message), "a message that was sent was not delivered");
    }
    Ok(())
}
