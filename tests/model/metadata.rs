//! Mirrors `metadata::Describe::describe` (`pipeline/metadata/src/lib.rs`). Reading the block by
//! ranges is one call here, because an original never changes.

use domain::{
    Failure, ImageId, Key, Message, PieceId, Status,
    image::{Outcome, Progress},
    message::Body,
    record::{Description, Metadata},
};

use super::{
    calls::{Halt, Run},
    scenario::Content,
};

/// The stage of [`Body::Describe`].
pub(super) fn describe(
    run: &mut Run<'_>,
    id: ImageId,
    piece: &PieceId,
) -> Result<Vec<Message>, Halt> {
    let image = run.image(id)?;
    let (Status::Processing, Some(source)) = (image.status, &image.source) else {
        return Ok(Vec::new());
    };
    let mut outcomes = Vec::new();
    let mut written = None;
    if image.missing.contains(piece) {
        let key = Key::Original { image: id, hash: source.sha256 };
        let of = match run.read(&key).map(Content::number) {
            Err(halt) if halt.is_missing() => {
                if run.status(id)? == Status::Erased {
                    return Ok(Vec::new());
                }
                return Err(Halt::Failed(Failure::Permanent("the kept original".to_owned())));
            }
            answer => answer?,
        };
        let facts = Content::Facts { of };
        let key = Key::Metadata { image: id, hash: facts.sha256() };
        run.write(&key, facts)?;
        written = Some(key);
        let description = Description { fields: Metadata::default(), raw: Some(facts.sha256()) };
        outcomes.push((piece.clone(), Outcome::Described(Box::new(description))));
    }
    match run.record(id, &outcomes)? {
        Progress::Complete(revision) => Ok(vec![Body::Completed { image: id, revision }.into()]),
        Progress::Underway | Progress::Ended => Ok(Vec::new()),
        Progress::Erased => {
            if let Some(key) = written {
                run.delete(&key)?;
            }
            Ok(Vec::new())
        }
    }
}
