//! Objects as files, in both ways of giving them their names.

use std::{fs, sync::Arc};

use bytes::Bytes;
use domain::{
    Key, Objects, Revision, Sha256, StoreError, Visibility,
    key::Prefix,
    ports::{ByteStream, Exactly, WriteError, Written},
};
use futures::{StreamExt, stream};
use local::{
    data_directory::{DataDirectory, DataDirectoryError},
    objects::{LocalObjects, Placement},
};

use super::support::{Mount, files, id, objects, signer, temporary, variant};

const WAYS: [Placement; 2] = [Placement::Link, Placement::Rename];

fn streamed(chunks: Vec<Result<Bytes, StoreError>>) -> ByteStream {
    stream::iter(chunks).boxed()
}

#[tokio::test]
async fn creates_and_never_overwrites() {
    for way in WAYS {
        let (objects, directory, _root) = objects(way);
        let key = variant(1, "small.webp");
        let first = Bytes::from_static(b"first");
        assert_eq!(objects.write_if_absent(&key, first.clone()).await, Ok(Written::Created));
        let second = Bytes::from_static(b"second");
        assert_eq!(objects.write_if_absent(&key, second.clone()).await, Ok(Written::Exists));
        let exactly = Exactly { size: 6, sha256: None };
        let stream = streamed(vec![Ok(second)]);
        assert_eq!(objects.write_stream(&key, &exactly, stream).await, Ok(Written::Exists));
        let other = Key::Upload { image: id(2) };
        objects.write_if_absent(&other, Bytes::from_static(b"other")).await.expect("another");
        assert_eq!(objects.copy(&other, &key).await, Ok(Written::Exists));
        assert_eq!(objects.read(&key).await, Ok(first));
        assert_eq!(files(&directory.staging()).len(), 0, "{way:?}: nothing is left in staging");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_writers_creates() {
    for way in WAYS {
        let (objects, _directory, _root) = objects(way);
        let objects = Arc::new(objects);
        for round in 0..20 {
            let writers = (0..16_u8).map(|n| {
                let objects = Arc::clone(&objects);
                tokio::spawn(async move {
                    let key = variant(round, "small.webp");
                    objects.write_if_absent(&key, Bytes::from(vec![n; 5000])).await
                })
            });
            let written = futures::future::join_all(writers).await;
            let created: Vec<_> = (0..)
                .zip(&written)
                .filter(|(_, it)| matches!(it, Ok(Ok(Written::Created))))
                .map(|(n, _)| n)
                .collect();
            assert!(written.iter().all(|it| matches!(it, Ok(Ok(_)))), "{way:?}: {written:?}");
            assert_eq!(created.len(), 1, "{way:?}: {written:?}");
            let stored = objects.read(&variant(round, "small.webp")).await.expect("the object");
            assert_eq!(stored, vec![created[0]; 5000], "{way:?}: the creator's bytes");
        }
    }
}

#[tokio::test]
async fn takes_a_stream_that_is_exactly_as_announced() {
    for way in WAYS {
        let (objects, directory, _root) = objects(way);
        let key = Key::Upload { image: id(1) };
        // Larger than what is gathered before the disk is asked, and not in even pieces.
        let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| n.to_le_bytes()[1]).collect();
        let exactly = Exactly { size: 3_000_000, sha256: Some(Sha256::of(&bytes)) };
        let chunks = bytes.chunks(70_001).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
        let written = objects.write_stream(&key, &exactly, streamed(chunks)).await;
        assert_eq!(written, Ok(Written::Created));
        assert!(objects.read(&key).await.expect("the upload") == bytes);
        assert_eq!(files(&directory.staging()).len(), 0);
    }
}

#[tokio::test]
async fn leaves_nothing_of_a_stream_that_is_not() {
    let lost = StoreError::Busy {
        retry_after: std::time::Duration::from_secs(1),
        reason: "the client has gone".to_owned(),
    };
    let sum = Sha256::of(b"abcdef");
    let chunk = |text: &'static str| Ok(Bytes::from_static(text.as_bytes()));
    let cases = [
        (4, None, vec![chunk("abc"), chunk("def")], WriteError::Size(6)),
        (7, None, vec![chunk("abc"), chunk("def")], WriteError::Size(6)),
        (6, Some(Sha256::of(b"x")), vec![chunk("abcdef")], WriteError::Checksum(sum)),
        (6, None, vec![chunk("abc"), Err(lost.clone())], WriteError::Store(lost)),
    ];
    for way in WAYS {
        let (objects, directory, _root) = objects(way);
        for (size, sha256, chunks, expected) in &cases {
            let key = Key::Upload { image: id(1) };
            let exactly = Exactly { size: *size, sha256: *sha256 };
            let written = objects.write_stream(&key, &exactly, streamed(chunks.clone())).await;
            assert_eq!(written.as_ref(), Err(expected));
            assert_eq!(files(directory.root()).len(), 3, "marker, lock and secret only");
        }
    }
}

#[tokio::test]
async fn asks_for_no_byte_behind_the_first_too_many() {
    let (objects, _directory, _root) = objects(Placement::Link);
    let asked = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let endless = stream::repeat_with(move || {
        count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Ok(Bytes::from_static(&[0; 10]))
    });
    let exactly = Exactly { size: 95, sha256: None };
    let written =
        objects.write_stream(&Key::Upload { image: id(1) }, &exactly, endless.boxed()).await;
    assert_eq!(written, Err(WriteError::Size(100)));
    assert_eq!(asked.load(std::sync::atomic::Ordering::Relaxed), 10);
}

#[tokio::test]
async fn leaves_nothing_when_the_caller_goes_away() {
    let (objects, directory, _root) = objects(Placement::Link);
    let stalled = stream::iter([Ok(Bytes::from(vec![0; 300_000]))]).chain(stream::pending());
    let exactly = Exactly { size: 600_000, sha256: None };
    let key = Key::Upload { image: id(1) };
    let write = objects.write_stream(&key, &exactly, stalled.boxed());
    tokio::time::timeout(std::time::Duration::from_millis(300), write).await.expect_err("no end");
    assert_eq!(files(&directory.staging()).len(), 0);
}

#[tokio::test]
async fn empties_staging_at_the_start() {
    let root = temporary();
    let directory = DataDirectory::open(root.path()).expect("a directory");
    fs::write(directory.staging().join("0"), "half an upload").expect("a leftover");
    let objects = LocalObjects::open(&directory, signer()).expect("objects");
    assert_eq!(files(&directory.staging()).len(), 0);
    let written = objects.write_if_absent(&variant(1, "a.png"), Bytes::new()).await;
    assert_eq!(written, Ok(Written::Created));
}

#[test]
fn finds_out_how_the_file_system_names_files() {
    let root = temporary();
    let directory = DataDirectory::open(root.path()).expect("a directory");
    let probed = Placement::probe(&directory.objects_root(), &directory.staging());
    assert_eq!(probed.expect("a probe"), Placement::Link, "every file system of CI has hard links");
    assert_eq!(files(&directory.objects_root()).len(), 0, "the probe leaves nothing");
}

#[test]
fn refuses_a_staging_that_is_on_another_file_system() {
    let name = "refuses_a_staging_that_is_on_another_file_system";
    let Some(mount) = Mount::tmpfs("size=64k", name) else { return };
    let root = temporary();
    std::os::unix::fs::symlink(mount.path(), root.path().join("linked")).expect("a link");
    let directory = DataDirectory::open(&root.path().join("data")).expect("a directory");
    fs::remove_dir(directory.staging()).expect("staging");
    std::os::unix::fs::symlink(mount.path(), directory.staging()).expect("a link");
    let refused = LocalObjects::open(&directory, signer()).err();
    assert!(matches!(refused, Some(DataDirectoryError::TwoFileSystems { .. })), "{refused:?}");
}

#[tokio::test]
async fn lists_in_order_and_by_pages_whatever_else_lies_there() {
    let (objects, directory, _root) = objects(Placement::Link);
    for number in [5, 3, 9, 1, 7] {
        let key = Key::Upload { image: id(number) };
        objects.write_if_absent(&key, Bytes::from_static(b"x")).await.expect("an upload");
    }
    fs::write(directory.objects_root().join("in/.DS_Store"), "").expect("a stranger");
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let page = objects.list(&Prefix::Uploads, cursor.as_deref(), 2).await.expect("a page");
        assert!(page.items.len() <= 2);
        seen.extend(page.items);
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    let expected: Vec<_> = [1, 3, 5, 7, 9].map(|n| Key::Upload { image: id(n) }).into();
    assert_eq!(seen, expected);
    let nobody = objects.list(&Prefix::Public(id(1)), None, 9).await.expect("an empty page");
    assert_eq!((nobody.items, nobody.next), (Vec::new(), None));
}

#[tokio::test]
async fn removes_the_directories_that_it_made() {
    for way in WAYS {
        let (objects, directory, _root) = objects(way);
        let keys = [variant(1, "small.webp"), variant(1, "large.webp")];
        for key in &keys {
            objects.write_if_absent(key, Bytes::from_static(b"x")).await.expect("a variant");
        }
        for key in &keys {
            assert_eq!(objects.delete(key).await, Ok(()));
            assert_eq!(objects.delete(key).await, Ok(()), "success also where there is none");
        }
        let left = fs::read_dir(directory.objects_root().join("v")).expect("a folder").count();
        assert_eq!(left, 0, "an erased image leaves not even its id");
        let written = objects.write_if_absent(&keys[0], Bytes::from_static(b"y")).await;
        assert_eq!(written, Ok(Written::Created), "and the directories are made again");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writes_while_directories_come_and_go() {
    for way in WAYS {
        let (objects, _directory, _root) = objects(way);
        let objects = Arc::new(objects);
        let tasks = (0..8_u8).map(|n| {
            let objects = Arc::clone(&objects);
            tokio::spawn(async move {
                let key = variant(1, &format!("v{n}.png"));
                for _ in 0..30 {
                    let written = objects.write_if_absent(&key, Bytes::from(vec![n; 100])).await;
                    assert_eq!(written, Ok(Written::Created));
                    assert_eq!(objects.read(&key).await.map(|bytes| bytes.len()), Ok(100));
                    assert_eq!(objects.delete(&key).await, Ok(()));
                }
            })
        });
        for ended in futures::future::join_all(tasks).await {
            ended.expect("a writer");
        }
    }
}

#[tokio::test]
async fn survives_a_directory_that_somebody_cleared_away() {
    let (objects, directory, _root) = objects(Placement::Link);
    objects.write_if_absent(&variant(1, "a.png"), Bytes::new()).await.expect("a variant");
    fs::remove_dir_all(directory.objects_root().join(format!("v/{}", id(1)))).expect("removed");
    let written = objects.write_if_absent(&variant(1, "a.png"), Bytes::new()).await;
    assert_eq!(written, Ok(Written::Created));
}

#[tokio::test]
async fn refuses_keys_that_are_not_of_its_layout() {
    let (objects, directory, _root) = objects(Placement::Link);
    let adopted = Key::Foreign { key: "holiday.jpg".to_owned(), version: "1".to_owned() };
    let climbing = Key::Variant {
        image: id(1),
        revision: Revision::short(Sha256::of(b"x")),
        file: "../../../../secret".to_owned(),
        visibility: Visibility::Public,
    };
    for key in [adopted, climbing] {
        let refused = |error| matches!(error, StoreError::Refused(_));
        assert!(objects.write_if_absent(&key, Bytes::new()).await.is_err_and(refused));
        assert!(objects.read(&key).await.is_err_and(refused));
        assert!(objects.head(&key).await.is_err_and(refused));
        assert!(objects.delete(&key).await.is_err_and(refused));
    }
    assert!(directory.root().join("secret").exists());
}
