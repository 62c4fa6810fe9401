//! The promises of [`Parts`](crate::Parts).

use bytes::Bytes;

use super::{Adapters, Check, Outcome, crowd, samples, trial};
use crate::{
    Key, StoreError,
    parts::{CompleteError, Part, Sent},
    ports::{WriteError, Written},
};

/// Every check of this port.
pub const CHECKS: &[Check] = trial::checks! { "parts";
    parts_become_one => "Parts become one object in the order of their numbers, whatever order they came in, and nothing of them is left.";
    joined_never_overwrites => "Parts never change an object that is there.";
    one_of_many_joins => "Of any number of requests to complete one upload, one creates the object.";
    wrong_parts_make_nothing => "A part that has not come, another ETag or another length in all makes nothing, and the parts wait on.";
    the_last_copy_counts => "A part that is sent again takes the place of its first copy.";
    a_part_has_its_length => "A part of another length than announced is not taken.";
    begun_once => "An upload that was begun is found, not begun again, also by many at once.";
    given_up_leaves_nothing => "What was given up is not waiting, cannot be completed, and can be begun anew.";
    waiting_are_listed => "Objects of which parts are waiting are listed, and no others.";
    parts_are_signed => "A part's URL is another for another part, object or end.";
};

/// The parts of these bytes.
fn cut(home: &Adapters, bytes: &Bytes) -> Vec<(Part, Bytes)> {
    let (mut parts, length) = (Vec::new(), home.part_least);
    for (number, from) in (1..).zip((0..bytes.len()).step_by(length)) {
        let bytes = bytes.slice(from..bytes.len().min(from + length));
        parts.push((Part { number, offset: from as u64, length: bytes.len() as u64 }, bytes));
    }
    parts
}

async fn send(
    home: &Adapters,
    key: &Key,
    upload: &str,
    part: Part,
    bytes: &Bytes,
) -> Result<Sent, WriteError> {
    let stream = samples::stream_of(bytes, 1 << 12);
    let etag = home.parts.write(key, upload, part, stream).await?;
    Ok(Sent { number: part.number, etag })
}

/// Begins an upload and sends all of it, the last part first.
async fn send_all(home: &Adapters, key: &Key, bytes: &Bytes) -> Result<Vec<Sent>, trial::Finding> {
    let upload = home.parts.begin(key, "image/jpeg").await?;
    let mut sent = Vec::new();
    for (part, bytes) in cut(home, bytes).iter().rev() {
        sent.push(send(home, key, &upload, *part, bytes).await?);
    }
    sent.reverse();
    Ok(sent)
}

impl From<CompleteError> for trial::Finding {
    fn from(error: CompleteError) -> Self {
        Self::Violated(format!("expected success, and completing ended with: {error}"))
    }
}

async fn waits(home: &Adapters, key: &Key) -> Result<bool, StoreError> {
    Ok(home.parts.waiting(None, 100).await?.items.contains(key))
}

async fn holds(home: &Adapters, key: &Key, bytes: &Bytes) -> Outcome {
    trial::same(&format!("bytes of {key}"), &home.objects.read(key).await?, bytes)
}

async fn parts_become_one(home: Adapters) -> Outcome {
    let least = home.part_least;
    for (number, length) in [(1, 2 * least + 777), (2, least), (3, 1)] {
        let (key, bytes) = (samples::upload(number), samples::bytes(number, length));
        let sent = send_all(&home, &key, &bytes).await?;
        trial::missing("the object before its end", home.objects.head(&key).await)?;
        let written = home.parts.complete(&key, &sent, length as u64).await?;
        trial::same("the answer", &written, &Written::Created)?;
        holds(&home, &key, &bytes).await?;
        trial::ensure!(!waits(&home, &key).await?, "parts of {key} are waiting still");
    }
    Ok(())
}

async fn joined_never_overwrites(home: Adapters) -> Outcome {
    let (key, first) = (samples::upload(1), samples::bytes(1, 100));
    let second = samples::bytes(2, home.part_least + 9);
    let sent = send_all(&home, &key, &second).await?;
    home.objects.write_if_absent(&key, first.clone()).await?;
    let written = home.parts.complete(&key, &sent, second.len() as u64).await?;
    trial::same("the answer", &written, &Written::Exists)?;
    holds(&home, &key, &first).await?;
    trial::ensure!(!waits(&home, &key).await?, "parts that came too late are waiting still");
    Ok(())
}

async fn one_of_many_joins(home: Adapters) -> Outcome {
    let (key, bytes) = (samples::upload(1), samples::bytes(1, home.part_least + 9));
    let sent = send_all(&home, &key, &bytes).await?;
    let answers = crowd::at_once(4, |_| {
        let (parts, key, sent, length) =
            (home.parts.clone(), key.clone(), sent.clone(), bytes.len() as u64);
        // A late one may find nothing left to complete.
        async move { parts.complete(&key, &sent, length).await }
    })
    .await?;
    let created = answers.iter().filter(|answer| **answer == Ok(Written::Created)).count();
    trial::ensure!(created == 1, "{created} of {answers:?} created it");
    holds(&home, &key, &bytes).await
}

async fn wrong_parts_make_nothing(home: Adapters) -> Outcome {
    let (key, bytes) = (samples::upload(1), samples::bytes(1, 2 * home.part_least + 9));
    let length = bytes.len() as u64;
    let upload = home.parts.begin(&key, "image/jpeg").await?;
    let (mut parts, mut sent) = (cut(&home, &bytes), Vec::new());
    let last = parts.pop();
    for (part, bytes) in &parts {
        sent.push(send(&home, &key, &upload, *part, bytes).await?);
    }
    let lost = Sent { number: 3, etag: "\"0123456789abcdef0123456789abcdef\"".to_owned() };
    let with = |sent: &[Sent], more: &Sent| [sent, std::slice::from_ref(more)].concat();
    let mut wrong = vec![(with(&sent, &lost), length), (sent.clone(), length)];
    if let Some((part, bytes)) = last {
        let third = send(&home, &key, &upload, part, &bytes).await?;
        let swapped = vec![Sent { number: 1, ..sent[1].clone() }, sent[1].clone(), third.clone()];
        sent.push(third);
        wrong.extend([(swapped, length), (sent.clone(), length + 1), (sent.clone(), length - 1)]);
    }
    for (said, length) in wrong {
        let answer = home.parts.complete(&key, &said, length).await;
        let told = matches!(answer, Err(CompleteError::Parts(_)));
        trial::ensure!(told, "{said:?} of {length} bytes: expected words, found {answer:?}");
        trial::missing("the object", home.objects.head(&key).await)?;
    }
    home.parts.complete(&key, &sent, length).await?;
    holds(&home, &key, &bytes).await
}

async fn the_last_copy_counts(home: Adapters) -> Outcome {
    let (key, bytes) = (samples::upload(1), samples::bytes(1, 900));
    let upload = home.parts.begin(&key, "image/jpeg").await?;
    let [(part, bytes)] = &cut(&home, &bytes)[..] else { return Ok(()) };
    let first = send(&home, &key, &upload, *part, &samples::bytes(2, 900)).await?;
    let second = send(&home, &key, &upload, *part, bytes).await?;
    let answer = home.parts.complete(&key, &[first], 900).await;
    let told = matches!(answer, Err(CompleteError::Parts(_)));
    trial::ensure!(told, "the first copy: expected words, found {answer:?}");
    home.parts.complete(&key, &[second], 900).await?;
    holds(&home, &key, bytes).await
}

async fn a_part_has_its_length(home: Adapters) -> Outcome {
    let (key, bytes) = (samples::upload(1), samples::bytes(1, 900));
    let upload = home.parts.begin(&key, "image/jpeg").await?;
    for length in [899, 901] {
        let part = Part { number: 1, offset: 0, length };
        let answer = send(&home, &key, &upload, part, &bytes).await;
        let told = matches!(answer, Err(WriteError::Size(_)));
        trial::ensure!(told, "900 bytes where {length} were announced: found {answer:?}");
    }
    Ok(())
}

async fn begun_once(home: Adapters) -> Outcome {
    let key = samples::upload(1);
    let begun = crowd::at_once(4, |_| {
        let (parts, key) = (home.parts.clone(), key.clone());
        async move { parts.begin(&key, "image/jpeg").await }
    })
    .await?;
    let again = home.parts.begin(&key, "image/jpeg").await?;
    let same = begun.iter().all(|upload| upload.as_ref() == Ok(&again));
    trial::ensure!(same, "begun as {begun:?} and as {again}");
    Ok(())
}

async fn given_up_leaves_nothing(home: Adapters) -> Outcome {
    let (key, bytes) = (samples::upload(1), samples::bytes(1, home.part_least + 9));
    // Nothing was begun.
    home.parts.abort(&key).await?;
    let sent = send_all(&home, &key, &bytes).await?;
    trial::ensure!(waits(&home, &key).await?, "parts that came are not waiting");
    home.parts.abort(&key).await?;
    trial::ensure!(!waits(&home, &key).await?, "what was given up is waiting");
    let answer = home.parts.complete(&key, &sent, bytes.len() as u64).await;
    let told = matches!(answer, Err(CompleteError::Parts(_)));
    trial::ensure!(told, "completing what was given up: expected words, found {answer:?}");
    trial::missing("the object", home.objects.head(&key).await)?;
    let sent = send_all(&home, &key, &bytes).await?;
    home.parts.complete(&key, &sent, bytes.len() as u64).await?;
    holds(&home, &key, &bytes).await
}

async fn waiting_are_listed(home: Adapters) -> Outcome {
    let bytes = samples::bytes(1, 100);
    for number in [1, 2, 3] {
        send_all(&home, &samples::upload(number), &bytes).await?;
    }
    home.objects.write_if_absent(&samples::upload(4), bytes).await?;
    let (mut found, mut cursor) = (Vec::new(), None);
    for _ in 0..100 {
        let page = home.parts.waiting(cursor.as_deref(), 2).await?;
        found.extend(page.items);
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    found.sort();
    found.dedup();
    let mut wanted: Vec<_> = [1, 2, 3].map(samples::upload).into();
    wanted.sort();
    trial::same("what is waiting", &found, &wanted)
}

async fn parts_are_signed(home: Adapters) -> Outcome {
    let (key, other) = (samples::upload(1), samples::upload(2));
    let upload = home.parts.begin(&key, "image/jpeg").await?;
    let others = home.parts.begin(&other, "image/jpeg").await?;
    let part = Part { number: 1, offset: 0, length: 900 };
    // Not before the present of a clock that is real.
    let end = home.clock.now() + jiff::SignedDuration::from_hours(1);
    let signed = home.parts.presign(&key, &upload, part, end).await?;
    trial::same("the method", &signed.method.as_str(), &"PUT")?;
    let later = end + jiff::SignedDuration::from_mins(1);
    let differing = [
        home.parts.presign(&other, &others, part, end).await?,
        home.parts.presign(&key, &upload, Part { number: 2, ..part }, end).await?,
        home.parts.presign(&key, &upload, Part { length: 901, ..part }, end).await?,
        home.parts.presign(&key, &upload, part, later).await?,
    ];
    for other in differing {
        trial::ensure!(other.url != signed.url, "{} allows two things", other.url);
    }
    Ok(())
}
