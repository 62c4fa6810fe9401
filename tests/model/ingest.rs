//! Mirrors `ingest::Ingest::uploaded` (`pipeline/ingest/src/lib.rs`) and `Ingest::adopted`
//! (`pipeline/ingest/src/adoption.rs`). `head` and the reads of
//! `reading::judge` are one call here: our own uploads never change, and a foreign object is
//! compared with itself afterwards.

use domain::{Code, ImageId, Key, Message, Problem, Status, image::Acceptance, message::Body};

use super::{
    answers::Found,
    calls::{Halt, Run},
    scenario::{Content, FOREIGN, Mutant, NOW, Scenario},
};

/// The stage of [`Body::Uploaded`].
pub(super) fn handle(run: &mut Run<'_>, key: &Key, etag: &str) -> Result<Vec<Message>, Halt> {
    match key {
        Key::Upload { image } => uploaded(run, *image, key),
        _ => adopted(run, key, etag),
    }
}

fn uploaded(run: &mut Run<'_>, id: ImageId, key: &Key) -> Result<Vec<Message>, Halt> {
    let status = match run.status(id) {
        Err(halt) if halt.is_missing() => return Ok(Vec::new()),
        answer => answer?,
    };
    match status {
        Status::Processing => return Ok(vec![Body::Accepted { image: id }.into()]),
        Status::Ready | Status::Failed | Status::Rejected => return Ok(Vec::new()),
        Status::Erased => {
            run.delete(key)?;
            return Ok(Vec::new());
        }
        Status::Pending | Status::Expired => {}
    }
    let content = match run.read(key) {
        Err(halt) if halt.is_missing() => return Ok(Vec::new()),
        answer => answer?,
    };
    super::poison::visit(run, "upload")?;
    match run.copy(key, &original(id, content)) {
        Err(halt) if halt.is_missing() => {}
        copied => copied?,
    }
    keep(run, id, key, content)
}

fn adopted(run: &mut Run<'_>, key: &Key, etag: &str) -> Result<Vec<Message>, Halt> {
    let Key::Foreign { version, .. } = key else { unreachable!("{key}") };
    let id = ImageId::adopted(b"secret", super::scenario::BUCKET, FOREIGN, version);
    match run.status(id) {
        Ok(Status::Processing) => return Ok(vec![Body::Accepted { image: id }.into()]),
        Ok(Status::Ready | Status::Failed | Status::Rejected | Status::Erased) => {
            return Ok(Vec::new());
        }
        Ok(Status::Pending | Status::Expired) => {}
        Err(halt) if halt.is_missing() => {}
        Err(halt) => return Err(halt),
    }
    // The bucket keeps no versions: whatever is there now is what any read of the key gives.
    match run.foreign() {
        Ok(content) if content.etag() == etag => {}
        Ok(_) => return Ok(Vec::new()),
        Err(halt) if halt.is_missing() => return Ok(Vec::new()),
        Err(halt) => return Err(halt),
    }
    let image = Scenario::fresh(id);
    if run.create(image)? == Some(Status::Erased) {
        return Ok(Vec::new());
    }
    let read = run.foreign()?;
    if run.foreign()?.etag() != etag {
        return Ok(Vec::new());
    }
    if !run.copy_foreign(&original(id, read), read)? {
        return Ok(Vec::new());
    }
    keep(run, id, key, read)
}

fn keep(
    run: &mut Run<'_>,
    image: ImageId,
    key: &Key,
    content: Content,
) -> Result<Vec<Message>, Halt> {
    let source = content.source();
    let follow = vec![Body::Accepted { image }.into()];
    if run.is(Mutant::SendBeforeRecord) {
        run.send(&follow)?;
    }
    let found = run.decide(image, |_, _, record| Found::Acceptance(record.accept(&source, NOW)))?;
    match found {
        Found::Acceptance(Acceptance::Go) if run.is(Mutant::SendBeforeRecord) => Ok(Vec::new()),
        Found::Acceptance(Acceptance::Go) => Ok(follow),
        Found::Acceptance(Acceptance::Erased) => {
            run.delete(&original(image, content))?;
            if let Key::Upload { .. } = key {
                run.delete(key)?;
            }
            Ok(Vec::new())
        }
        _ => Ok(Vec::new()),
    }
}

/// Whether an upload was given up for our own reasons, so that a redrive may read it again.
pub(super) fn given_up(problem: Option<&Problem>) -> bool {
    let ours = [Code::Crashed, Code::TimedOut, Code::KeptFailing];
    problem.is_some_and(|problem| ours.contains(&problem.code))
}

fn original(image: ImageId, content: Content) -> Key {
    Key::Original { image, hash: content.sha256() }
}
