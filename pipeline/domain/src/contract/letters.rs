//! The promises of [`DeadLetters`](crate::DeadLetters), and of what buries them.

use std::time::Duration;

use super::{
    Adapters, Check, Finding, Outcome,
    queue::{borrow_all, every_kind},
    samples, trial,
};
use crate::{Code, Message, Problem, StageName, message::Body, ports::DeadLetter};

/// Every check of this port.
pub const CHECKS: &[Check] = trial::checks! { "letters";
    buried_is_kept => "What is buried is kept with its reason until somebody takes it back.";
    buried_tells_its_image => "Burying sends what tells the image, and nothing where no image waits.";
    same_work_is_one_letter => "The same work is one letter, the newest, however often it is buried and was tried.";
    letters_are_oldest_first => "Letters are listed oldest first, in pages that hold each once.";
    taken_back_is_delivered => "A letter whose message was sent again is discarded once, and can be buried again.";
    buried_anew_is_not_discarded => "Discarding the letter that was seen leaves one that was buried since.";
    unknown_letter_is_missing => "A letter that is not there is missing, and discarding it succeeds.";
    restart_keeps_letters => "Letters and what tells their images survive that the home is stopped without warning.";
};

async fn buried_is_kept(home: Adapters) -> Outcome {
    let before = home.clock.now();
    for (n, message) in every_kind().into_iter().enumerate() {
        let reason = samples::problem(&format!("reason {n}"));
        home.queue.bury(&message, &reason).await?;
        let letter = letter_of(&home, &message).await?;
        trial::same("its reason", &letter.reason, &reason)?;
        trial::ensure!(
            (before..=home.clock.now()).contains(&letter.buried_at),
            "buried at {}, which is not now",
            letter.buried_at
        );
        let found = home.letters.letter(&letter.id).await?;
        trial::same("the letter by its name", &found, &letter)?;
    }
    home.clock.pass(Duration::from_hours(1)).await;
    let kept = all_letters(&home, 100).await?;
    trial::same("letters that are kept", &kept.len(), &every_kind().len())
}

async fn buried_tells_its_image(home: Adapters) -> Outcome {
    let reason = Problem::new(Code::Crashed, "the worker was lost");
    for message in every_kind() {
        home.queue.bury(&message, &reason).await?;
        let buried_at = letter_of(&home, &message).await?.buried_at;
        let told = borrow_all(&*home.queue, StageName::Fanout).await?;
        let bodies: Vec<_> = told.iter().map(|delivery| &delivery.message.body).collect();
        let wanted = message.obituary(&reason, buried_at);
        let wanted: Vec<_> = wanted.iter().map(|message| &message.body).collect();
        trial::same(&format!("what follows when {} is buried", message.name()), &bodies, &wanted)?;
        for delivery in told {
            home.queue.acknowledge(&delivery.receipt).await?;
        }
        for stage in [StageName::Ingest, StageName::Resize, StageName::Metadata] {
            super::queue::idle(&*home.queue, stage, "when only letters were buried").await?;
        }
    }
    Ok(())
}

async fn same_work_is_one_letter(home: Adapters) -> Outcome {
    let describe = |name: &str, attempts, retries| Message {
        attempts,
        retries,
        ..Body::Describe { image: samples::id(1), piece: samples::piece(name) }.into()
    };
    let mut last = home.clock.now();
    for (n, message) in
        [describe("a", 3, 0), describe("a", 3, 0), describe("a", 3, 7)].into_iter().enumerate()
    {
        let reason = samples::problem(&format!("reason {n}"));
        home.queue.bury(&message, &reason).await?;
        let letters = all_letters(&home, 100).await?;
        let [letter] = letters.as_slice() else {
            return Err(Finding::Violated(format!("{} letters of the same work", letters.len())));
        };
        trial::same("its message", &letter.message, &message)?;
        trial::same("its reason", &letter.reason, &reason)?;
        trial::ensure!(letter.buried_at >= last, "it says {}, not {last}", letter.buried_at);
        trial::same("the letter by its name", &home.letters.letter(&letter.id).await?, letter)?;
        home.clock.pass(Duration::from_secs(1)).await;
        last = home.clock.now();
    }
    let reason = samples::problem("another");
    home.queue.bury(&describe("b", 3, 0), &reason).await?;
    let letters = all_letters(&home, 100).await?;
    trial::same("letters of two pieces of work", &letters.len(), &2)
}

async fn letters_are_oldest_first(home: Adapters) -> Outcome {
    let work = |number: u8| -> Message {
        Body::Describe { image: samples::id(number), piece: samples::piece("metadata") }.into()
    };
    // Three at a time share their moment.
    for number in 0..9 {
        home.queue.bury(&work(number), &samples::problem("x")).await?;
        if number % 3 == 2 {
            home.clock.pass(Duration::from_secs(1)).await;
        }
    }
    for limit in [1, 2, 3, 4, 9, 100] {
        let letters = all_letters(&home, limit).await?;
        let moments: Vec<_> = letters.iter().map(|letter| letter.buried_at).collect();
        trial::ensure!(moments.is_sorted(), "pages of {limit} are not oldest first: {moments:?}");
        let mut found: Vec<_> = letters.iter().map(|letter| letter.message.image()).collect();
        found.sort();
        let wanted: Vec<_> = (0..9).map(|number| Some(samples::id(number))).collect();
        trial::same(&format!("letters in pages of {limit}"), &found, &wanted)?;
    }
    // Taking back what one page shows hides nothing from the next.
    let (mut taken, mut cursor) = (0, None);
    while taken <= 9 {
        let page = home.letters.letters(cursor.as_deref(), 2).await?;
        for letter in &page.items {
            home.letters.discard(&letter.id, letter.buried_at).await?;
        }
        taken += page.items.len();
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    trial::same("letters that were taken back", &taken, &9)
}

async fn taken_back_is_delivered(home: Adapters) -> Outcome {
    let message: Message =
        Body::Describe { image: samples::id(1), piece: samples::piece("metadata") }.into();
    for round in 0..2 {
        home.queue.bury(&message, &samples::problem("x")).await?;
        let letter = letter_of(&home, &message).await?;
        let again: Message = letter.message.body.into();
        home.queue.send(std::slice::from_ref(&again)).await?;
        home.letters.discard(&letter.id, letter.buried_at).await?;
        trial::missing("the letter", home.letters.letter(&letter.id).await)?;
        let left = all_letters(&home, 100).await?.len();
        trial::same(&format!("letters after round {round}"), &left, &0)?;
        let lent = borrow_all(&*home.queue, StageName::Metadata).await?;
        let found: Vec<_> = lent.iter().map(|delivery| &delivery.message).collect();
        trial::same("what is delivered", &found, &vec![&message])?;
        for delivery in lent {
            home.queue.acknowledge(&delivery.receipt).await?;
        }
    }
    Ok(())
}

async fn buried_anew_is_not_discarded(home: Adapters) -> Outcome {
    let message: Message =
        Body::Describe { image: samples::id(1), piece: samples::piece("metadata") }.into();
    home.queue.bury(&message, &samples::problem("first")).await?;
    let seen = letter_of(&home, &message).await?;
    home.clock.pass(Duration::from_secs(1)).await;
    home.queue.bury(&message, &samples::problem("second")).await?;
    let newer = letter_of(&home, &message).await?;
    home.letters.discard(&seen.id, seen.buried_at).await?;
    trial::same("the letter", &home.letters.letter(&seen.id).await?, &newer)?;
    home.letters.discard(&newer.id, newer.buried_at).await?;
    trial::missing("the letter", home.letters.letter(&newer.id).await)
}

async fn unknown_letter_is_missing(home: Adapters) -> Outcome {
    let message: Message = Body::Accepted { image: samples::id(1) }.into();
    home.queue.bury(&message, &samples::problem("x")).await?;
    trial::missing("a letter", home.letters.letter("0123456789abcdef").await)?;
    home.letters.discard("0123456789abcdef", home.clock.now()).await?;
    letter_of(&home, &message).await.map(drop)
}

async fn restart_keeps_letters(home: Adapters) -> Outcome {
    let work = |number: u8| -> Message {
        Body::Describe { image: samples::id(number), piece: samples::piece("metadata") }.into()
    };
    let reason = samples::problem("x");
    home.queue.bury(&work(1), &reason).await?;
    home.queue.bury(&work(2), &reason).await?;
    let (kept, gone) = (letter_of(&home, &work(1)).await?, letter_of(&home, &work(2)).await?);
    home.letters.discard(&gone.id, gone.buried_at).await?;
    let home = home.restarted().await?;
    trial::same("the letters", &all_letters(&home, 10).await?, &vec![kept])?;
    let told = borrow_all(&*home.queue, StageName::Fanout).await?;
    trial::same("obituaries that wait", &told.len(), &2)
}

async fn all_letters(home: &Adapters, limit: usize) -> Result<Vec<DeadLetter>, Finding> {
    let (mut found, mut cursor) = (Vec::new(), None);
    for _ in 0..1000 {
        let page = home.letters.letters(cursor.as_deref(), limit).await?;
        trial::ensure!(page.items.len() <= limit, "a page of {limit} holds {}", page.items.len());
        found.extend(page.items);
        cursor = page.next;
        if cursor.is_none() {
            return Ok(found);
        }
    }
    Err(Finding::Violated("the letters have no last page".to_owned()))
}

async fn letter_of(home: &Adapters, message: &Message) -> Result<DeadLetter, Finding> {
    let letters = all_letters(home, 100).await?;
    letters.into_iter().find(|letter| letter.message == *message).ok_or_else(|| {
        Finding::Violated(format!("{} was buried and is not among the letters", message.name()))
    })
}
