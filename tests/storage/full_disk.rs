//! A disk that fills up: what was answered stays, what was not leaves nothing, and all goes on
//! when there is room again.

use std::{fs, time::Duration};

use bytes::Bytes;
use domain::{
    Catalog, Key, Objects, Outbox, Queue, StageName, StoreError,
    key::Prefix,
    ports::{Exactly, WriteError, Written},
};
use futures::{StreamExt, stream};
use local::{data_directory::DataDirectory, objects::LocalObjects};

use super::support::{
    Mount, accepted, assert_says_full, database, files, id, pending, signer, variant,
};

#[tokio::test]
async fn a_full_disk_leaves_no_part_of_an_object() {
    let Some(mount) = Mount::tmpfs("size=1m", "a_full_disk_leaves_no_part_of_an_object") else {
        return;
    };
    let directory = DataDirectory::open(mount.path()).expect("a directory");
    let objects = LocalObjects::open(&directory, signer()).expect("objects");
    let small = Bytes::from(vec![1; 100_000]);
    let large = Bytes::from(vec![2; 2_000_000]);

    let refused = objects.write_if_absent(&variant(1, "large.png"), large.clone()).await;
    assert_says_full(&refused.expect_err("more than the disk holds"));
    let exactly = Exactly { size: 2_000_000, sha256: None };
    let stream = stream::iter(large.chunks(65_536).map(Bytes::copy_from_slice).collect::<Vec<_>>());
    let upload = Key::Upload { image: id(1) };
    match objects.write_stream(&upload, &exactly, stream.map(Ok).boxed()).await {
        Err(WriteError::Store(error)) => assert_says_full(&error),
        other => panic!("{other:?}"),
    }
    for key in [variant(1, "large.png"), upload.clone()] {
        assert!(matches!(objects.head(&key).await, Err(StoreError::Missing(_))));
    }
    assert_eq!(files(&directory.staging()).len(), 0);
    let listed = objects.list(&Prefix::Public(id(1)), None, 9).await.expect("a page");
    assert!(listed.items.is_empty());

    assert_eq!(objects.write_if_absent(&upload, small.clone()).await, Ok(Written::Created));
    assert_eq!(objects.read(&upload).await, Ok(small));
}

#[tokio::test]
async fn a_full_disk_loses_no_message_that_was_taken() {
    let Some(mount) = Mount::tmpfs("size=1m", "a_full_disk_loses_no_message_that_was_taken") else {
        return;
    };
    let ballast = mount.path().join("ballast");
    fs::write(&ballast, vec![0; 300_000]).expect("ballast");
    let database = database(mount.path());
    database.create(&pending(1), None).await.expect("an image");
    let mut taken = 0;
    let full = loop {
        match database.send(&vec![accepted(taken); 20]).await {
            Ok(()) => taken += 1,
            Err(error) => break error,
        }
        assert!(taken < 2000, "the disk never filled up");
    };
    assert_says_full(&full);
    assert!(taken > 5, "only {taken} fitted");
    // Reading goes on.
    assert_eq!(database.image(id(1)).await.map(|image| image.id), Ok(id(1)));

    fs::remove_file(&ballast).expect("room");
    database.send(&[accepted(9999)]).await.expect("there is room again");
    let lent = database
        .receive(StageName::Fanout, 100_000, Duration::from_mins(1))
        .await
        .expect("messages");
    assert_eq!(lent.len(), usize::from(taken) * 20 + 1, "all that were taken, and no others");
}
