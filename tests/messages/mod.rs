//! What stands in queues, keys and records is read by every later version.

mod forms;

use std::{collections::BTreeSet, fs, path::Path, time::Duration};

use domain::{
    Body, Code, ImageId, Key, Message, PieceId, Problem, Revision, Status,
    message::{Order, SweepCursor, SweepPhase},
    query::Filter,
};
use imaging::{
    Coding, Format, Frames, Lineage, Part, Piece, Rendition, Resample, Shrink, Space, Work,
};

type Tested = Result<(), Box<dyn std::error::Error>>;

/// Messages as version 1 sent them, by hand: a file is never changed, only added.
const V1: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/messages/v1");

const BODIES: [&str; 11] = [
    "uploaded",
    "accepted",
    "describe",
    "render",
    "completed",
    "notify",
    "buried",
    "erase",
    "sweep",
    "reprocess",
    "requested",
];

fn image() -> Result<ImageId, domain::key::KeyError> {
    "01890a5d-ac96-774b-bcce-b302099a8057".parse()
}

/// The files of `v1` and what they mean.
fn v1() -> Result<Vec<(&'static str, Message)>, Box<dyn std::error::Error>> {
    let image = image()?;
    let revision: Revision = "fedcba9876543210".parse()?;
    let mut cases = buried(image)?;
    cases.extend([
        (
            "uploaded",
            Body::Uploaded {
                key: Key::Upload { image },
                bucket: None,
                size: 2_190_194,
                etag: "5d41402abc4b2a76b9719d911017c592".to_owned(),
                sequencer: None,
            }
            .into(),
        ),
        (
            "uploaded_adopted",
            Message {
                body: Body::Uploaded {
                    key: Key::Foreign {
                        key: "holiday/two words + ünï.jpg".to_owned(),
                        version: "3sL4kqtJlcpXroDTDmJ".to_owned(),
                    },
                    bucket: Some("pictures-of-old".to_owned()),
                    size: 0,
                    etag: String::new(),
                    sequencer: Some("0055AED6DCD90281E5".to_owned()),
                },
                attempts: 2,
                retries: 7,
                not_before: Some("2026-11-23T06:18:00.25Z".parse()?),
            },
        ),
        ("accepted", Body::Accepted { image }.into()),
        ("describe", Body::Describe { image, piece: "metadata@0123456789abcdef".parse()? }.into()),
        ("render", Body::Render { image, pieces: orders()? }.into()),
        (
            "render_again",
            Message { attempts: 1, ..Body::Render { image, pieces: Vec::new() }.into() },
        ),
        ("completed", Body::Completed { image, revision: revision.clone() }.into()),
        (
            "notify",
            Body::Notify { image, revision, status: Status::Ready, endpoint: "log".to_owned() }
                .into(),
        ),
        (
            "requested",
            Body::Requested { image, files: vec!["hero.avif".to_owned(), "hero.webp".to_owned()] }
                .into(),
        ),
        ("erase", Body::Erase { image, round: 0 }.into()),
        (
            "erase_again",
            Message::from(Body::Erase { image, round: 2 })
                .not_before("2026-11-23T06:48:00Z".parse()?),
        ),
        ("sweep", Body::Sweep { cursor: None }.into()),
        ("sweep_phase", sweep(SweepPhase::Processing, None)),
        ("sweep_erased", sweep(SweepPhase::Erased, Some("1763878680|x"))),
        ("sweep_cursor", sweep(SweepPhase::Uploads, Some("in/x"))),
        ("sweep_parts", sweep(SweepPhase::Parts, None)),
        (
            "sweep_pending",
            Message { retries: 1, ..sweep(SweepPhase::Pending, Some("1763878680|x")) },
        ),
        ("reprocess", Body::Reprocess { query: Filter::default(), cursor: None }.into()),
        (
            "reprocess_some",
            Body::Reprocess {
                query: Filter {
                    tenant: Some("local".parse()?),
                    status: Some(Status::Failed),
                    after: Some("2026-01-01T00:00:00Z".parse()?),
                    before: Some("2026-11-23T00:00:00Z".parse()?),
                },
                cursor: Some("opaque".to_owned()),
            }
            .into(),
        ),
    ]);
    Ok(cases)
}

fn buried(image: ImageId) -> Result<Vec<(&'static str, Message)>, Box<dyn std::error::Error>> {
    Ok(vec![
        (
            "buried",
            Body::Buried {
                image,
                pieces: vec![
                    "small.webp@0123456789abcdef".parse()?,
                    "derived@8899aabbccddeeff".parse()?,
                ],
                reason: Problem::new(Code::Crashed, "the worker was lost at each of 3 attempts"),
                at: None,
            }
            .into(),
        ),
        (
            "buried_upload",
            Body::Buried {
                image,
                pieces: Vec::new(),
                reason: Problem::new(
                    Code::KeptFailing,
                    "given up after 100 retries: the disk is full",
                ),
                at: None,
            }
            .into(),
        ),
        (
            "buried_at",
            Body::Buried {
                image,
                pieces: vec!["small.webp@0123456789abcdef".parse()?],
                reason: Problem::new(
                    Code::TimedOut,
                    "given up after 3 attempts: the worker was not done after 60s and was killed",
                ),
                at: Some("2026-11-23T06:18:00.25Z".parse()?),
            }
            .into(),
        ),
    ])
}

fn sweep(phase: SweepPhase, after: Option<&str>) -> Message {
    Body::Sweep { cursor: Some(SweepCursor { phase, after: after.map(str::to_owned) }) }.into()
}

fn orders() -> Result<Vec<Order>, domain::key::KeyError> {
    let whole = Resample { width: 800, height: 600, part: Part::Whole };
    let centre = Resample { width: 200, height: 200, part: Part::Centre };
    let shrink = Shrink { across: 2, down: 2 };
    let large = Rendition {
        variant: "large".to_owned(),
        format: Format::Jpeg,
        quality: 80,
        coding: Coding::Usual,
        frames: Frames::First,
        width: 800,
        height: 600,
        lineage: Lineage { shrink, space: Space::Srgb, steps: vec![whole.into()] },
    };
    let thumb = Rendition {
        variant: "thumb".to_owned(),
        format: Format::WebP,
        quality: 1,
        coding: Coding::Usual,
        frames: Frames::First,
        width: 200,
        height: 200,
        lineage: Lineage { shrink, space: Space::Srgb, steps: vec![whole.into(), centre.into()] },
    };
    let derived =
        Lineage { shrink: Shrink { across: 40, down: 30 }, space: Space::Srgb, steps: Vec::new() };
    [
        ("large.jpeg@00112233445566ff", Work::Variant(large)),
        ("thumb.webp@8899aabbccddeeff", Work::Variant(thumb)),
        ("derived@0000000000000000", Work::Derived { lineage: derived }),
    ]
    .into_iter()
    .map(|(id, work)| {
        let id: PieceId = id.parse()?;
        Ok(Order { piece: Piece { name: id.name.clone(), work }, id })
    })
    .collect()
}

/// A new kind of message does not compile without an entry here, and then fails without a file.
fn kind(body: &Body) -> &'static str {
    match body {
        Body::Uploaded { .. } => BODIES[0],
        Body::Accepted { .. } => BODIES[1],
        Body::Describe { .. } => BODIES[2],
        Body::Render { .. } => BODIES[3],
        Body::Completed { .. } => BODIES[4],
        Body::Notify { .. } => BODIES[5],
        Body::Buried { .. } => BODIES[6],
        Body::Erase { .. } => BODIES[7],
        Body::Sweep { .. } => BODIES[8],
        Body::Reprocess { .. } => BODIES[9],
        Body::Requested { .. } => BODIES[10],
    }
}

#[test]
fn what_version_1_sent_means_what_it_meant() -> Tested {
    for (name, meant) in v1()? {
        let text = fs::read_to_string(Path::new(V1).join(name).with_extension("json"))?;
        let read: Message = serde_json::from_str(&text).map_err(|e| format!("{name}: {e}"))?;
        assert_eq!(read, meant, "{name}");
        assert_eq!(read.name(), kind(&read.body), "{name}: the name in logs is the tag");

        let written = serde_json::to_string(&read)?;
        let again: Message = serde_json::from_str(&written)?;
        assert_eq!(again, meant, "{name} is written as {written}");
    }
    Ok(())
}

#[test]
fn every_kind_of_message_and_every_file_is_among_them() -> Tested {
    let cases = v1()?;
    let kinds: BTreeSet<&str> = cases.iter().map(|(_, message)| kind(&message.body)).collect();
    assert_eq!(kinds, BTreeSet::from(BODIES));

    let tested: BTreeSet<String> = cases.iter().map(|(name, _)| format!("{name}.json")).collect();
    let files = fs::read_dir(V1)?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<Result<BTreeSet<String>, std::io::Error>>()?;
    assert_eq!(tested, files);
    Ok(())
}

/// A version that is being replaced shares the queue with the one that replaces it.
#[test]
fn fields_of_later_versions_are_passed_over() -> Tested {
    for (name, meant) in v1()? {
        let mut json = serde_json::to_value(&meant)?;
        json["of_a_later_version"] = serde_json::json!({ "any": ["thing"] });
        let read: Message = serde_json::from_value(json).map_err(|e| format!("{name}: {e}"))?;
        assert_eq!(read, meant, "{name}");
    }
    Ok(())
}

#[test]
fn what_is_no_message_is_refused() {
    for text in [
        "",
        "{}",
        "null",
        r#"{ "message": "developed", "image": "01890a5d-ac96-774b-bcce-b302099a8057" }"#,
        r#"{ "message": "Accepted", "image": "01890a5d-ac96-774b-bcce-b302099a8057" }"#,
        r#"{ "message": "accepted" }"#,
        r#"{ "message": "accepted", "image": "../../etc/passwd" }"#,
        r#"{ "message": "accepted", "image": "01890a5d-ac96-774b-bcce-b302099a8057", "attempts": -1 }"#,
        r#"{ "message": "describe", "image": "01890a5d-ac96-774b-bcce-b302099a8057", "piece": "../x@0123456789abcdef" }"#,
        r#"{ "message": "sweep", "cursor": { "phase": "everything" } }"#,
    ] {
        let read = serde_json::from_str::<Message>(text);
        assert!(read.is_err(), "{text} was read as {read:?}");
    }
}

#[test]
fn a_message_is_held_back_until_its_time_and_not_longer() -> Tested {
    let message = Message::from(Body::Accepted { image: image()? });
    let now = "2026-11-23T06:18:00Z".parse()?;
    assert_eq!(message.delay(now), Duration::ZERO);
    let later = message.clone().not_before("2026-11-23T06:18:01.5Z".parse()?);
    assert_eq!(later.delay(now), Duration::from_millis(1500));
    assert_eq!(message.not_before("2026-11-22T00:00:00Z".parse()?).delay(now), Duration::ZERO);
    Ok(())
}
