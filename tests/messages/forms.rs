//! Names and keys as text: reading what was written gives the same, and nothing else is read.

use std::{collections::BTreeSet, fmt::Display, str::FromStr};

use domain::{ImageId, Key, PieceId, Revision, Sha256, Tenant, Visibility};
use proptest::prelude::*;

const IMAGE: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
const HASH: &str = "9be023624ccd5846beeb5b02d9b571251ef5bd8ed820389a430d114029f58eda";

fn images() -> impl Strategy<Value = ImageId> {
    let minted =
        (0..1_u64 << 48, any::<[u8; 10]>()).prop_map(|(ms, random)| ImageId::mint(ms, &random));
    let adopted =
        (any::<[u8; 32]>(), ".*", ".*", ".*").prop_map(|(secret, bucket, key, version)| {
            ImageId::adopted(&secret, &bucket, &key, &version)
        });
    prop_oneof![minted, adopted]
}

fn hashes() -> impl Strategy<Value = Sha256> {
    any::<[u8; 32]>().prop_map(Sha256)
}

fn revisions() -> impl Strategy<Value = Revision> {
    hashes().prop_map(Revision::short)
}

fn keys() -> impl Strategy<Value = Key> {
    let visibilities = prop_oneof![Just(Visibility::Public), Just(Visibility::Private)];
    prop_oneof![
        images().prop_map(|image| Key::Upload { image }),
        (images(), any::<u16>()).prop_map(|(image, number)| Key::Part { image, number }),
        (images(), hashes()).prop_map(|(image, hash)| Key::Original { image, hash }),
        (images(), hashes()).prop_map(|(image, hash)| Key::Metadata { image, hash }),
        hashes().prop_map(|hash| Key::Asset { hash }),
        (images(), revisions(), "[a-z0-9-]{1,64}\\.[a-z0-9-]{1,8}", visibilities).prop_map(
            |(image, revision, file, visibility)| Key::Variant {
                image,
                revision,
                file,
                visibility
            }
        ),
    ]
}

fn survives<T: Display + FromStr<Err: std::fmt::Debug> + PartialEq + std::fmt::Debug>(
    value: &T,
) -> Result<(), TestCaseError> {
    let text = value.to_string();
    prop_assert_eq!(&text.parse::<T>().map_err(|e| TestCaseError::fail(format!("{e:?}")))?, value);
    Ok(())
}

proptest! {
    #[test]
    fn what_is_printed_is_read_back(
        image in images(),
        hash in hashes(),
        revision in revisions(),
        name in "[a-z0-9-]{1,40}(\\.[a-z0-9-]{1,8})?",
        tenant in "[a-z0-9_-]{1,64}",
    ) {
        survives(&image)?;
        survives(&hash)?;
        survives(&revision)?;
        survives(&PieceId { name, revision })?;
        survives(&tenant.parse::<Tenant>().map_err(|e| TestCaseError::fail(e.to_string()))?)?;
        prop_assert_eq!(Sha256::from_base64(&hash.to_base64()), Some(hash));
    }

    #[test]
    fn a_key_is_read_back_from_its_path_and_from_json(key in keys()) {
        let read = Key::parse(&key.path());
        prop_assert_eq!(read.as_ref(), Ok(&key));
        let json = serde_json::to_string(&key).map_err(|e| TestCaseError::fail(e.to_string()))?;
        let read: Key = serde_json::from_str(&json).map_err(|e| TestCaseError::fail(e.to_string()))?;
        prop_assert_eq!(read, key);
    }

    /// Of keys as alike as they can be.
    #[test]
    fn no_two_keys_share_a_path(
        images in proptest::collection::vec(images(), 2),
        hashes in proptest::collection::vec(hashes(), 2),
    ) {
        let mut keys = Vec::new();
        for &hash in &hashes {
            keys.push(Key::Asset { hash });
        }
        for &image in &images {
            keys.push(Key::Upload { image });
            keys.extend([1, 2, 11111].map(|number| Key::Part { image, number }));
            for &hash in &hashes {
                keys.extend([Key::Original { image, hash }, Key::Metadata { image, hash }]);
                for file in ["small.webp", "small.jpeg", "in.json"] {
                    for visibility in [Visibility::Public, Visibility::Private] {
                        let (revision, file) = (Revision::short(hash), file.to_owned());
                        keys.push(Key::Variant { image, revision, file, visibility });
                    }
                }
            }
        }
        let different: BTreeSet<&Key> = keys.iter().collect();
        let paths: BTreeSet<String> = keys.iter().map(Key::path).collect();
        prop_assert_eq!(paths.len(), different.len());
    }

    /// Whatever is read has one spelling: nothing is tidied up on the way.
    #[test]
    fn whatever_is_read_prints_as_it_was(text in "[a-z0-9./@A-F-]{0,80}") {
        if let Ok(key) = Key::parse(&text) { prop_assert_eq!(key.path(), text.clone()); }
        if let Ok(piece) = text.parse::<PieceId>() { prop_assert_eq!(piece.to_string(), text); }
    }

    /// One character more, less or other makes another key or none.
    #[test]
    fn no_two_texts_are_one_key(key in keys(), at in any::<prop::sample::Index>(), put in any::<char>()) {
        let path = key.path();
        let chars: Vec<char> = path.chars().collect();
        let at = at.index(chars.len());
        let splice = |middle: &[char], rest: usize| -> String {
            chars[..at].iter().chain(middle).chain(&chars[rest..]).collect()
        };
        for other in [splice(&[put], at), splice(&[], at + 1), splice(&[put], at + 1)] {
            if other != path {
                prop_assert_ne!(Key::parse(&other), Ok(key.clone()), "{} and {}", path, other);
            }
        }
    }

    #[test]
    fn an_adopted_object_has_one_id_and_no_other_object_has_it(
        secret in any::<[u8; 32]>(), a in "\\PC{0,12}", b in "\\PC{0,12}", c in "\\PC{0,12}", d in "\\PC{1,4}",
    ) {
        let id = ImageId::adopted(&secret, &a, &b, &c);
        prop_assert_eq!(id, ImageId::adopted(&secret, &a, &b, &c));
        // The bounds of the parts count, not only their text in a row.
        prop_assert_ne!(id, ImageId::adopted(&secret, &format!("{a}{d}"), &b, &c));
        prop_assert_ne!(ImageId::adopted(&secret, &format!("{a}{d}"), &b, &c), ImageId::adopted(&secret, &a, &format!("{d}{b}"), &c));
    }
}

#[test]
fn a_minted_id_is_a_uuid_of_version_7_and_sorts_by_its_moment() {
    let early = ImageId::mint(0x0189_0a5d_ac96, &[0xff; 10]);
    let late = ImageId::mint(0x0189_0a5d_ac97, &[0; 10]);
    assert!(early < late && early.to_string() < late.to_string());
    assert_eq!(&early.to_string()[..18], "01890a5d-ac96-7fff", "RFC 9562, 5.7");
}

#[test]
fn hostile_keys_are_refused() {
    let revision = "0123456789abcdef";
    let upper = HASH.to_uppercase();
    let long = "a".repeat(1_000_000);
    for path in [
        String::new(),
        "/".to_owned(),
        "in".to_owned(),
        "in/".to_owned(),
        format!("in/{IMAGE}/"),
        format!("/in/{IMAGE}"),
        format!("in//{IMAGE}"),
        format!("IN/{IMAGE}"),
        format!("in/{}", IMAGE.to_uppercase()),
        format!("in/{}", IMAGE.replace('-', "")),
        format!("in/{{{IMAGE}}}"),
        format!("in/urn:uuid:{IMAGE}"),
        format!("in/{IMAGE}\0"),
        format!("in/{IMAGE}\n"),
        format!("in/{IMAGE}%2e"),
        format!("x/{IMAGE}"),
        "in/../o".to_owned(),
        format!("in/../in/{IMAGE}"),
        format!("in/{IMAGE}/../{IMAGE}"),
        format!("in\\{IMAGE}"),
        format!("o/{IMAGE}"),
        format!("o/{IMAGE}/"),
        format!("o/{IMAGE}/{upper}"),
        format!("o/{IMAGE}/{}", &HASH[1..]),
        format!("o/{IMAGE}/{HASH}/"),
        format!("o/{IMAGE}/{HASH}.json"),
        format!("m/{IMAGE}/{HASH}"),
        format!("m/{IMAGE}/{HASH}.JSON"),
        format!("m/{IMAGE}/{upper}.json"),
        "a/".to_owned(),
        format!("a/{IMAGE}"),
        format!("a/{upper}"),
        format!("a/{HASH}/"),
        format!("a/{HASH}.png"),
        format!("a/{IMAGE}/{HASH}"),
        format!("v/{IMAGE}/{revision}"),
        format!("v/{IMAGE}/{revision}/"),
        format!("v/{IMAGE}/{revision}/small"),
        format!("v/{IMAGE}/{revision}/.webp"),
        format!("v/{IMAGE}/{revision}/small."),
        format!("v/{IMAGE}/{revision}/Small.webp"),
        format!("v/{IMAGE}/{revision}/small.webp.jpeg"),
        format!("v/{IMAGE}/{revision}/../../../secret.webp"),
        format!("v/{IMAGE}/{revision}/..webp"),
        format!("v/{IMAGE}/{revision}/small.webp/"),
        format!("v/{IMAGE}/{revision}/sm%61ll.webp"),
        format!("v/{IMAGE}/{revision}/smäll.webp"),
        format!("v/{IMAGE}/{revision}/{long}.webp"),
        format!("v/{IMAGE}/0123456789ABCDEF/small.webp"),
        format!("v/{IMAGE}/0123456789abcde/small.webp"),
        format!("v/{IMAGE}//small.webp"),
        long.clone(),
        format!("in/{long}"),
        "/".repeat(1_000_000),
    ] {
        let read = Key::parse(&path);
        assert!(read.is_err(), "{path:.200} was read as {read:?}");
    }
}

#[test]
fn hostile_names_are_refused() {
    let long = "a".repeat(1_000_000);
    for text in ["", " ", "../x", "a/b", "A", "a b", "a.b", "ä", &long[..65], &long] {
        assert!(text.parse::<Tenant>().is_err(), "tenant {text:.80}");
    }
    for text in [
        "",
        &HASH[1..],
        &format!("{HASH}0"),
        &HASH.to_uppercase(),
        &format!("0x{}", &HASH[2..]),
        &long,
    ] {
        assert!(text.parse::<Sha256>().is_err(), "sha256 {text:.80}");
    }
    for text in [
        "",
        "0123456789abcde",
        "0123456789abcdef0",
        "0123456789ABCDEF",
        "0123456789abcdeg",
        "٠123456789abcde",
    ] {
        assert!(text.parse::<Revision>().is_err(), "revision {text}");
    }
    for text in [
        "small.webp",
        "small.webp@",
        "@0123456789abcdef",
        "small.webp@0123456789abcdef@0123456789abcdef",
        ".@0123456789abcdef",
        "..@0123456789abcdef",
        "a/b@0123456789abcdef",
        "Small.webp@0123456789abcdef",
        "small.webp@0123456789ABCDEF",
        &format!("{}@0123456789abcdef", &long[..129]),
    ] {
        assert!(text.parse::<PieceId>().is_err(), "piece {text:.80}");
    }
    for text in ["AAAA", "", &long, "m+AjYkzNWEa+61sC2bVxJR71vY7YIDiaQw0RQCn1jto"] {
        assert_eq!(Sha256::from_base64(text), None, "base64 {text:.80}");
    }
}

/// What is refused is quoted, but not at any length: it ends in logs and answers.
#[test]
fn an_error_quotes_a_little_of_what_it_refuses() {
    let said = Key::parse(&"x".repeat(1_000_000)).map_err(|e| e.to_string());
    let said = said.expect_err("a million x are no key");
    assert!(said.contains("xxx") && said.len() < 300, "{} bytes", said.len());
}
