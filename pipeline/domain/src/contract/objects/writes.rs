//! Creating objects.

use bytes::Bytes;

use super::{
    super::{Adapters, Finding, Outcome, crowd, samples, trial},
    holds,
};
use crate::{
    Key, Revision, Sha256, StoreError, Visibility,
    ports::{WriteError, Written},
};

pub(super) async fn written_is_there(home: Adapters) -> Outcome {
    for (number, length) in [(1, 1), (2, 4096), (3, 300_001)] {
        let (key, bytes) = (samples::upload(number), samples::bytes(number, length));
        let written = home.objects.write_if_absent(&key, bytes.clone()).await?;
        trial::same("the answer", &written, &Written::Created)?;
        holds(&*home.objects, &key, &bytes).await?;
    }
    Ok(())
}

pub(super) async fn empty_is_an_object(home: Adapters) -> Outcome {
    let (plain, streamed) = (samples::upload(1), samples::upload(2));
    let nothing = Bytes::new();
    let written = home.objects.write_if_absent(&plain, nothing.clone()).await?;
    trial::same("the answer to a write", &written, &Written::Created)?;
    let (exactly, stream) = (samples::exactly(&nothing), samples::stream_of(&nothing, 1));
    let written = home.objects.write_stream(&streamed, &exactly, stream).await?;
    trial::same("the answer to a stream", &written, &Written::Created)?;
    for key in [plain, streamed] {
        holds(&*home.objects, &key, &nothing).await?;
        let again = home.objects.write_if_absent(&key, samples::bytes(1, 10)).await?;
        trial::same("a second write", &again, &Written::Exists)?;
        holds(&*home.objects, &key, &nothing).await?;
    }
    Ok(())
}

pub(super) async fn keys_are_apart(home: Adapters) -> Outcome {
    let (image, hash) = (samples::id(1), Sha256::of(b"1"));
    let revision = |text: &[u8]| Revision::short(Sha256::of(text));
    let variant = |file: &str, seed: &[u8], visibility| Key::Variant {
        image,
        revision: revision(seed),
        file: file.to_owned(),
        visibility,
    };
    let keys = [
        samples::upload(1),
        samples::upload(2),
        Key::Original { image, hash },
        Key::Original { image, hash: Sha256::of(b"2") },
        Key::Metadata { image, hash },
        variant("small.webp", b"1", Visibility::Public),
        variant("small.webp", b"1", Visibility::Private),
        variant("small.webp", b"2", Visibility::Public),
        variant("small.jpg", b"1", Visibility::Public),
    ];
    let bytes_of = |n: usize| samples::bytes(1, 100 + n);
    for (n, key) in keys.iter().enumerate() {
        let written = home.objects.write_if_absent(key, bytes_of(n)).await?;
        trial::same(&format!("the write of {key}"), &written, &Written::Created)?;
    }
    for (n, key) in keys.iter().enumerate() {
        holds(&*home.objects, key, &bytes_of(n)).await?;
    }
    Ok(())
}

pub(super) async fn never_overwritten(home: Adapters) -> Outcome {
    let (key, first) = (samples::upload(1), samples::bytes(1, 5000));
    home.objects.write_if_absent(&key, first.clone()).await?;
    let before = home.objects.head(&key).await?;
    for second in [first.clone(), samples::bytes(2, 5000), samples::bytes(3, 9), Bytes::new()] {
        let written = home.objects.write_if_absent(&key, second).await?;
        trial::same("a second write", &written, &Written::Exists)?;
        holds(&*home.objects, &key, &first).await?;
        trial::same("the head", &home.objects.head(&key).await?, &before)?;
    }
    Ok(())
}

pub(super) async fn one_of_many_creates(home: Adapters) -> Outcome {
    const WRITERS: usize = 16;
    for round in 0..6 {
        let key = samples::upload(round);
        let bytes_of = |n: usize| samples::bytes(u8::try_from(n).unwrap_or(0) + 1, 20_000 + n);
        let written = crowd::at_once(WRITERS, |n| {
            let (objects, key, bytes) = (home.objects.clone(), key.clone(), bytes_of(n));
            async move { objects.write_if_absent(&key, bytes).await }
        })
        .await?;
        let winner = only_creator(written)?;
        holds(&*home.objects, &key, &bytes_of(winner)).await?;
    }
    Ok(())
}

pub(super) async fn one_creates_by_any_way(home: Adapters) -> Outcome {
    const WRITERS: usize = 12;
    for round in 10..16 {
        let key = samples::upload(round);
        let bytes_of = |n: usize| samples::bytes(u8::try_from(n).unwrap_or(0) + 1, 20_000 + n);
        let from = |n: usize| samples::variant(round, &format!("{n}.jpg"));
        for n in 0..WRITERS {
            home.objects.write_if_absent(&from(n), bytes_of(n)).await?;
        }
        let written = crowd::at_once(WRITERS, |n| {
            let (objects, key, bytes, from) =
                (home.objects.clone(), key.clone(), bytes_of(n), from(n));
            async move {
                match n % 3 {
                    0 => objects.write_if_absent(&key, bytes).await,
                    1 => objects.copy(&from, &key).await,
                    _ => {
                        let exactly = samples::exactly(&bytes);
                        let stream = samples::stream_of(&bytes, 3000);
                        objects.write_stream(&key, &exactly, stream).await.map_err(as_store_error)
                    }
                }
            }
        })
        .await?;
        let winner = only_creator(written)?;
        holds(&*home.objects, &key, &bytes_of(winner)).await?;
    }
    Ok(())
}

pub(super) async fn copy_is_whole(home: Adapters) -> Outcome {
    let bytes = samples::bytes(1, 100_000);
    let (from, to) =
        (samples::upload(1), Key::Original { image: samples::id(1), hash: Sha256::of(&bytes) });
    home.objects.write_if_absent(&from, bytes.clone()).await?;
    let written = home.objects.copy(&from, &to).await?;
    trial::same("the answer", &written, &Written::Created)?;
    holds(&*home.objects, &to, &bytes).await?;
    holds(&*home.objects, &from, &bytes).await?;
    home.objects.delete(&from).await?;
    holds(&*home.objects, &to, &bytes).await
}

pub(super) async fn copy_never_overwrites(home: Adapters) -> Outcome {
    let (from, to) = (samples::upload(1), samples::upload(2));
    let (ours, theirs) = (samples::bytes(1, 700), samples::bytes(2, 900));
    home.objects.write_if_absent(&from, theirs).await?;
    home.objects.write_if_absent(&to, ours.clone()).await?;
    let written = home.objects.copy(&from, &to).await?;
    trial::same("the answer", &written, &Written::Exists)?;
    holds(&*home.objects, &to, &ours).await
}

pub(super) async fn full_store_loses_nothing(home: Adapters) -> Outcome {
    let room = home.room()?;
    let length = usize::try_from(room / 16).unwrap_or(usize::MAX).max(1);
    let mut created = Vec::new();
    let mut refused = None;
    for number in 0..40 {
        let (key, bytes) = (samples::upload(number), samples::bytes(number, length));
        let written = if number % 2 == 0 {
            home.objects.write_if_absent(&key, bytes.clone()).await
        } else {
            let (exactly, stream) = (samples::exactly(&bytes), samples::stream_of(&bytes, 65_536));
            home.objects.write_stream(&key, &exactly, stream).await.map_err(as_store_error)
        };
        match written {
            Err(StoreError::Full(_)) => {
                refused = Some((key, bytes));
                break;
            }
            answer => trial::same("the answer", &answer?, &Written::Created)?,
        }
        created.push((key, bytes));
    }
    for (key, bytes) in &created {
        holds(&*home.objects, key, bytes).await?;
    }
    let Some((key, bytes)) = refused else {
        let all = length * created.len();
        return Err(Finding::Violated(format!("{all} bytes were taken where {room} have room")));
    };
    trial::missing("what was refused", home.objects.head(&key).await)?;
    // The room of what is deleted is free again.
    for (key, _) in created.iter().take(2) {
        home.objects.delete(key).await?;
    }
    let written = home.objects.write_if_absent(&key, bytes.clone()).await?;
    trial::same("a write after room was made", &written, &Written::Created)?;
    holds(&*home.objects, &key, &bytes).await
}

pub(super) async fn restart_keeps_objects(home: Adapters) -> Outcome {
    let (written, streamed, copied) = (samples::upload(1), samples::upload(2), samples::upload(3));
    let (gone, bytes) = (samples::upload(4), samples::bytes(1, 50_000));
    home.objects.write_if_absent(&written, bytes.clone()).await?;
    let (exactly, stream) = (samples::exactly(&bytes), samples::stream_of(&bytes, 7000));
    home.objects.write_stream(&streamed, &exactly, stream).await?;
    home.objects.copy(&written, &copied).await?;
    home.objects.write_if_absent(&gone, bytes.clone()).await?;
    home.objects.delete(&gone).await?;
    let home = home.restarted().await?;
    for key in [written, streamed, copied] {
        holds(&*home.objects, &key, &bytes).await?;
        let again = home.objects.write_if_absent(&key, Bytes::new()).await?;
        trial::same("a write after the restart", &again, &Written::Exists)?;
    }
    trial::missing("what was deleted", home.objects.head(&gone).await)
}

/// Which of the writers created the object, where exactly one says so and all others found it.
pub(super) fn only_creator(written: Vec<Result<Written, StoreError>>) -> Result<usize, Finding> {
    let mut creators = Vec::new();
    for (n, written) in written.into_iter().enumerate() {
        if written? == Written::Created {
            creators.push(n);
        }
    }
    match creators[..] {
        [winner] => Ok(winner),
        _ => Err(Finding::Violated(format!(
            "expected one writer that created the object, found {}",
            creators.len()
        ))),
    }
}

/// The store's answer to a stream that is right by construction.
pub(super) fn as_store_error(error: WriteError) -> StoreError {
    match error {
        WriteError::Store(error) => error,
        wrong @ (WriteError::Size(_) | WriteError::Checksum(_)) => {
            StoreError::Broken(format!("a right stream was refused: {wrong}"))
        }
    }
}
