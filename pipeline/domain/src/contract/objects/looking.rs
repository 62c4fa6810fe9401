//! Reading, listing, deleting and signing.

use std::ops::Range;

use bytes::Bytes;

use super::{
    super::{Adapters, Finding, Outcome, samples, trial},
    holds, list_all,
};
use crate::{
    Key, Objects, Sha256,
    key::Prefix,
    ports::{UploadTerms, Written},
    signing::{CHECKSUM_HEADER, Signed},
};

pub(super) async fn missing_is_said(home: Adapters) -> Outcome {
    let (objects, key, other) = (&home.objects, samples::upload(1), samples::upload(2));
    // A neighbour, so that there is a folder to look into.
    objects.write_if_absent(&samples::upload(3), Bytes::from_static(b"x")).await?;
    trial::missing("head", objects.head(&key).await)?;
    trial::missing("read", objects.read(&key).await)?;
    trial::missing("read_range", objects.read_range(&key, 0..1).await)?;
    trial::missing("copy", objects.copy(&key, &other).await)?;
    trial::missing("what it was copied to", objects.head(&other).await)
}

pub(super) async fn etag_follows_bytes(home: Adapters) -> Outcome {
    let (objects, key) = (&home.objects, samples::upload(1));
    objects.write_if_absent(&key, samples::bytes(1, 500)).await?;
    let first = objects.head(&key).await?.etag;
    trial::ensure!(!first.is_empty(), "the ETag is empty");
    objects.read(&key).await?;
    trial::same("the ETag after reading", &objects.head(&key).await?.etag, &first)?;
    objects.delete(&key).await?;
    objects.write_if_absent(&key, samples::bytes(2, 500)).await?;
    let second = objects.head(&key).await?.etag;
    trial::ensure!(first != second, "other bytes of the same length have the same ETag {first}");
    Ok(())
}

pub(super) async fn ranges_are_cut(home: Adapters) -> Outcome {
    let (key, bytes) = (samples::upload(1), samples::bytes(1, 1000));
    home.objects.write_if_absent(&key, bytes.clone()).await?;
    let wanted: [(Range<u64>, Range<usize>); 9] = [
        (0..1000, 0..1000),
        (0..1, 0..1),
        (10..20, 10..20),
        (999..1000, 999..1000),
        (5..5, 0..0),
        (990..5000, 990..1000),
        (0..u64::MAX, 0..1000),
        (1000..1001, 0..0),
        (4000..u64::MAX, 0..0),
    ];
    for (asked, wanted) in wanted {
        let found = home.objects.read_range(&key, asked.clone()).await?;
        trial::same(&format!("bytes {asked:?} of 1000"), &found, &bytes.slice(wanted))?;
    }
    Ok(())
}

pub(super) async fn list_is_of_one_folder(home: Adapters) -> Outcome {
    let (image, other, hash) = (samples::id(1), samples::id(2), Sha256::of(b"1"));
    let objects = &home.objects;
    let folders = [Prefix::Uploads].into_iter().chain(Prefix::of(image));
    for folder in folders.clone() {
        let found = list_all(&**objects, folder, 10).await?;
        trial::same(&format!("the empty folder {}", folder.path()), &found, &Vec::new())?;
    }
    let private = |image| match samples::variant(1, "small.webp") {
        Key::Variant { revision, file, .. } => {
            Key::Variant { image, revision, file, visibility: crate::Visibility::Private }
        }
        key => key,
    };
    let of = |image, number| {
        [
            Key::Upload { image },
            Key::Original { image, hash },
            Key::Metadata { image, hash },
            samples::variant(number, "small.webp"),
            private(image),
        ]
    };
    for key in of(image, 1).into_iter().chain(of(other, 2)) {
        objects.write_if_absent(&key, Bytes::from_static(b"x")).await?;
    }
    let mut wanted = of(image, 1).map(|key| vec![key]);
    wanted[0].push(Key::Upload { image: other });
    for (folder, wanted) in folders.zip(wanted) {
        let found = list_all(&**objects, folder, 10).await?;
        trial::same(&format!("the folder {}", folder.path()), &found, &wanted)?;
    }
    Ok(())
}

pub(super) async fn list_is_in_order(home: Adapters) -> Outcome {
    let keys = fill_folder(&*home.objects).await?;
    let folder = Prefix::Public(samples::id(1));
    for limit in [1, 2, 5, 10, 11, 100] {
        let found = list_all(&*home.objects, folder, limit).await?;
        trial::same(&format!("ten keys in pages of {limit}"), &found, &keys)?;
    }
    for (number, key) in keys.iter().enumerate() {
        let rest = home.objects.list(&folder, Some(&key.path()), 100).await?.items;
        trial::same(&format!("what is behind {key}"), &rest, &keys[number + 1..].to_vec())?;
    }
    Ok(())
}

pub(super) async fn list_outlives_deletion(home: Adapters) -> Outcome {
    let keys = fill_folder(&*home.objects).await?;
    let folder = Prefix::Public(samples::id(1));
    let (mut found, mut cursor) = (Vec::new(), None);
    while found.len() < keys.len() {
        let page = home.objects.list(&folder, cursor.as_deref(), 3).await?;
        for key in &page.items {
            home.objects.delete(key).await?;
        }
        found.extend(page.items);
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    trial::same("what was listed and deleted", &found, &keys)?;
    let left = list_all(&*home.objects, folder, 100).await?;
    trial::same("what is left", &left, &Vec::new())
}

pub(super) async fn deleted_is_gone(home: Adapters) -> Outcome {
    let (objects, key) = (&home.objects, samples::upload(1));
    objects.delete(&key).await?;
    objects.write_if_absent(&key, samples::bytes(1, 100)).await?;
    let (neighbour, bytes) = (samples::upload(2), samples::bytes(2, 100));
    objects.write_if_absent(&neighbour, bytes.clone()).await?;
    objects.delete(&key).await?;
    trial::missing("head", objects.head(&key).await)?;
    trial::missing("read", objects.read(&key).await)?;
    objects.delete(&key).await?;
    holds(&**objects, &neighbour, &bytes).await?;
    let again = samples::bytes(3, 50);
    let written = objects.write_if_absent(&key, again.clone()).await?;
    trial::same("a write after deletion", &written, &Written::Created)?;
    holds(&**objects, &key, &again).await
}

pub(super) async fn put_is_signed(home: Adapters) -> Outcome {
    let key = samples::upload(1);
    let sum = Sha256::of(b"upload");
    let now = home.clock.now();
    // URLs speak in whole seconds.
    let end = |minutes: i64| {
        let end = now + jiff::SignedDuration::from_mins(minutes);
        jiff::Timestamp::from_second(end.as_second()).unwrap_or(end)
    };
    let terms = UploadTerms {
        content_length: 1234,
        content_type: "image/jpeg".to_owned(),
        checksum_sha256: Some(sum),
        expires_at: end(10),
    };
    let signed = home.objects.presign_put(&key, &terms).await?;
    trial::same("the method", &signed.method.as_str(), &"PUT")?;
    names_key(&signed.url, &key)?;
    let header = |signed: &Signed, name: &str| {
        let found = signed.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.clone())
    };
    let content_type = header(&signed, "content-type");
    trial::same("the header Content-Type", &content_type.as_deref(), &Some("image/jpeg"))?;
    trial::same(
        "the header of the checksum",
        &header(&signed, CHECKSUM_HEADER),
        &Some(sum.to_base64()),
    )?;
    trial::same("its end", &signed.expires_at, &terms.expires_at)?;
    let others = [
        (key.clone(), UploadTerms { content_length: 1235, ..terms.clone() }),
        (key.clone(), UploadTerms { expires_at: end(11), ..terms.clone() }),
        (samples::upload(2), terms.clone()),
    ];
    for (key, terms) in others {
        let other = home.objects.presign_put(&key, &terms).await?;
        trial::ensure!(other.url != signed.url, "the same URL for other terms: {key}, {terms:?}");
    }
    // These two stand in headers, so the URL has to bind them.
    let others = [
        UploadTerms { content_type: "image/png".to_owned(), ..terms.clone() },
        UploadTerms { checksum_sha256: Some(Sha256::of(b"other")), ..terms.clone() },
        UploadTerms { checksum_sha256: None, ..terms.clone() },
    ];
    for terms in others {
        let other = home.objects.presign_put(&key, &terms).await?;
        trial::ensure!(other.url != signed.url, "the URL does not bind the headers of {terms:?}");
    }
    Ok(())
}

pub(super) async fn get_is_signed(home: Adapters) -> Outcome {
    let (key, other) = (samples::variant(1, "small.webp"), samples::variant(1, "small.jpg"));
    let now = home.clock.now();
    let end = |minutes: i64| now + jiff::SignedDuration::from_mins(minutes);
    let url = home.objects.presign_get(&key, end(10)).await?;
    names_key(&url, &key)?;
    let later = home.objects.presign_get(&key, end(11)).await?;
    trial::ensure!(later != url, "the same URL for another end: {url}");
    let other = home.objects.presign_get(&other, end(10)).await?;
    trial::ensure!(other != url, "the same URL for another key: {url}");
    Ok(())
}

fn names_key(url: &str, key: &Key) -> Outcome {
    let absolute = url.starts_with("http://") || url.starts_with("https://");
    let path = url.split(['?', '#']).next().unwrap_or_default();
    trial::ensure!(
        absolute && path.ends_with(&format!("/{}", key.path())) && url.len() > path.len() + 1,
        "expected an absolute URL with the path {key} and a signed query, found {url}"
    );
    Ok(())
}

/// Ten keys of one image and one of another, written out of order; the ten, in order of paths.
async fn fill_folder(objects: &dyn Objects) -> Result<Vec<Key>, Finding> {
    let mut keys: Vec<_> =
        (0..10).map(|n| samples::variant(1, &format!("{}.jpg", "x".repeat(n + 1)))).collect();
    let order = [7, 0, 9, 3, 1, 8, 2, 6, 4, 5];
    for n in order {
        objects.write_if_absent(&keys[n], Bytes::from_static(b"x")).await?;
    }
    objects.write_if_absent(&samples::variant(2, "x.jpg"), Bytes::from_static(b"x")).await?;
    keys.sort_by_key(Key::path);
    Ok(keys)
}
