//! Creating objects from streams.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures::{StreamExt, stream};

use super::{
    super::{Adapters, Outcome, crowd, samples, trial},
    holds, left_nothing,
    writes::{as_store_error, only_creator},
};
use crate::{
    Sha256, StoreError,
    ports::{ByteStream, Exactly, WriteError, Written},
};

pub(super) async fn stream_arrives_whole(home: Adapters) -> Outcome {
    for (number, length, chunk) in [(1, 1, 1), (2, 10_000, 1), (3, 200_001, 65_536)] {
        let (key, bytes) = (samples::upload(number), samples::bytes(number, length));
        let sha256 = Some(Sha256::of(&bytes)).filter(|_| number != 2);
        let exactly = Exactly { size: bytes.len() as u64, sha256 };
        let stream = samples::stream_of(&bytes, chunk);
        let written = home.objects.write_stream(&key, &exactly, stream).await?;
        trial::same("the answer", &written, &Written::Created)?;
        holds(&*home.objects, &key, &bytes).await?;
    }
    Ok(())
}

pub(super) async fn too_long_is_cut_off(home: Adapters) -> Outcome {
    const CHUNKS: usize = 1000;
    // One byte too many, at the end of a chunk and as a chunk of its own; the checksum is of the
    // bytes that were announced, so only the length is wrong.
    let bytes = samples::bytes(1, 6001);
    let announced = samples::exactly(&bytes.slice(..6000));
    for (number, chunk) in [(1, 6001), (2, 6000), (3, 100)] {
        let key = samples::upload(number);
        let stream = samples::stream_of(&bytes, chunk);
        let answer = home.objects.write_stream(&key, &announced, stream).await;
        let told = matches!(answer, Err(WriteError::Size(came)) if came > 6000);
        trial::ensure!(told, "expected that more than 6000 bytes came, found {answer:?}");
        left_nothing(&*home.objects, &key).await?;
    }
    // The rest is not waited for: whoever sends for ever would hold the store for ever.
    let taken = Arc::new(AtomicUsize::new(0));
    let counter = taken.clone();
    let long: ByteStream = stream::iter(0..CHUNKS)
        .map(move |_| {
            counter.fetch_add(1, Ordering::SeqCst);
            Ok(Bytes::from_static(&[7; 1000]))
        })
        .boxed();
    let exactly = Exactly { size: 6000, sha256: None };
    let answer = home.objects.write_stream(&samples::upload(4), &exactly, long).await;
    trial::ensure!(matches!(answer, Err(WriteError::Size(_))), "expected Size, found {answer:?}");
    let taken = taken.load(Ordering::SeqCst);
    trial::ensure!(taken < 100, "{taken} chunks were taken where 7 were enough to know");
    left_nothing(&*home.objects, &samples::upload(4)).await
}

pub(super) async fn too_short_leaves_nothing(home: Adapters) -> Outcome {
    for (number, sent) in [(1, 5999), (2, 0)] {
        let (key, bytes) = (samples::upload(number), samples::bytes(1, sent));
        // The checksum is right for what comes, so only the length is wrong.
        let exactly = Exactly { size: 6000, sha256: Some(Sha256::of(&bytes)) };
        let stream = samples::stream_of(&bytes, 1000);
        let answer = home.objects.write_stream(&key, &exactly, stream).await;
        trial::same("the answer", &answer, &Err(WriteError::Size(sent as u64)))?;
        left_nothing(&*home.objects, &key).await?;
    }
    Ok(())
}

pub(super) async fn wrong_checksum_leaves_nothing(home: Adapters) -> Outcome {
    let (key, bytes) = (samples::upload(1), samples::bytes(1, 6000));
    let sha256 = Some(Sha256::of(&samples::bytes(2, 6000)));
    let exactly = Exactly { size: 6000, sha256 };
    let stream = samples::stream_of(&bytes, 1000);
    let answer = home.objects.write_stream(&key, &exactly, stream).await;
    let wanted = Err(WriteError::Checksum(Sha256::of(&bytes)));
    trial::same("the answer", &answer, &wanted)?;
    left_nothing(&*home.objects, &key).await
}

pub(super) async fn failing_stream_leaves_nothing(home: Adapters) -> Outcome {
    let failure = StoreError::Busy {
        retry_after: Duration::from_secs(3),
        reason: "the client went away".to_owned(),
    };
    // After nothing, after a part, and after the last byte.
    for (number, whole) in [(1, 0), (2, 2), (3, 6)] {
        let (key, bytes) = (samples::upload(number), samples::bytes(1, 6000));
        let part: Vec<_> = bytes.chunks(1000).take(whole).map(Bytes::copy_from_slice).collect();
        let stream =
            stream::iter(part.into_iter().map(Ok)).chain(stream::iter([Err(failure.clone())]));
        let exactly = samples::exactly(&bytes);
        let answer = home.objects.write_stream(&key, &exactly, stream.boxed()).await;
        trial::same("the answer", &answer, &Err(WriteError::Store(failure.clone())))?;
        left_nothing(&*home.objects, &key).await?;
    }
    Ok(())
}

pub(super) async fn given_up_stream_leaves_nothing(home: Adapters) -> Outcome {
    let bytes = samples::bytes(1, 6000);
    let exactly = samples::exactly(&bytes);
    for (number, came) in [(1, 0), (2, 3000), (3, 6000)] {
        let key = samples::upload(number);
        // Some bytes come, then nothing more, not even the end.
        let (asked, waiting) = tokio::sync::oneshot::channel();
        let silence = stream::once(async move {
            // Whoever listens has given up already where this fails.
            let _ = asked.send(());
            std::future::pending().await
        });
        let stream = samples::stream_of(&bytes.slice(..came), 500).chain(silence).boxed();
        let ended = tokio::select! {
            answer = home.objects.write_stream(&key, &exactly, stream) => Some(answer),
            _ = waiting => None,
        };
        trial::ensure!(
            ended.is_none(),
            "expected to wait for the end of a stream, found {ended:?} before it"
        );
        left_nothing(&*home.objects, &key).await?;
    }
    Ok(())
}

pub(super) async fn stream_never_overwrites(home: Adapters) -> Outcome {
    let (key, first) = (samples::upload(1), samples::bytes(1, 5000));
    home.objects.write_if_absent(&key, first.clone()).await?;
    for second in [first.clone(), samples::bytes(2, 5000), samples::bytes(3, 9)] {
        let (exactly, stream) = (samples::exactly(&second), samples::stream_of(&second, 1000));
        let written = home.objects.write_stream(&key, &exactly, stream).await?;
        trial::same("a right stream", &written, &Written::Exists)?;
        holds(&*home.objects, &key, &first).await?;
    }
    // What a wrong stream is told first, that it is wrong or that it is late, is the store's choice.
    let exactly = samples::exactly(&samples::bytes(4, 100));
    let stream = samples::stream_of(&samples::bytes(5, 99), 10);
    let answer = home.objects.write_stream(&key, &exactly, stream).await;
    trial::ensure!(answer != Ok(Written::Created), "a wrong stream created an object again");
    holds(&*home.objects, &key, &first).await
}

pub(super) async fn one_of_many_streams_creates(home: Adapters) -> Outcome {
    const WRITERS: usize = 12;
    for round in 0..4 {
        let key = samples::upload(round);
        let bytes_of = |n: usize| samples::bytes(u8::try_from(n).unwrap_or(0) + 1, 30_000 + n);
        let written = crowd::at_once(WRITERS, |n| {
            let (objects, key, bytes) = (home.objects.clone(), key.clone(), bytes_of(n));
            async move {
                let (exactly, stream) =
                    (samples::exactly(&bytes), samples::stream_of(&bytes, 4096));
                objects.write_stream(&key, &exactly, stream).await.map_err(as_store_error)
            }
        })
        .await?;
        let winner = only_creator(written)?;
        holds(&*home.objects, &key, &bytes_of(winner)).await?;
    }
    Ok(())
}
