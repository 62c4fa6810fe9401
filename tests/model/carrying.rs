//! Mirrors `domain::stage::carry`, `settle` and `redrive`, and the API's erase route: admit, begin,
//! handle, send what follows, acknowledge last. [`admit`] and [`judge`] are the product's own.

use domain::{
    Code, Image, ImageId, Message, Problem,
    message::Body,
    ports::{DeadLetter, Delivery},
    stage::{Admission, Verdict, admit, judge},
};

use super::{
    answers::Found,
    calls::{Halt, Run},
    fanout, ingest, metadata, mutants, requests, resize,
    scenario::{Mutant, NOW, Scenario},
    starts,
    world::{Request, Shared, World},
};

/// Carries a delivery through its stage.
pub(super) fn carry(run: &mut Run<'_>, message: &Shared<Message>, loan: u32) -> Result<(), Halt> {
    let delivery =
        Delivery { message: Message::clone(message), receipt: String::new(), receives: loan };
    let verdict = match admit(&delivery) {
        Admission::Bury(message, problem) => Verdict::Bury(message, problem),
        Admission::Start(started) => started_with(run, started.message)?,
    };
    let acknowledge = |world: &mut World| acknowledge(world, message, loan);
    if run.is(Mutant::AcknowledgeBeforeSend) {
        run.at_home(acknowledge)?;
        return settle(run, verdict);
    }
    settle(run, verdict)?;
    run.at_home(acknowledge)
}

/// Begins, handles and ends: `domain::stage::carry` after its admission.
fn started_with(run: &mut Run<'_>, mut message: Message) -> Result<Verdict, Halt> {
    let counted = match starts::begin(run, &mut message) {
        Ok((counted, true)) => counted,
        Ok((_, false)) => {
            let detail = "the worker was lost at each of 3 attempts";
            return Ok(Verdict::Bury(message, Problem::new(Code::Crashed, detail)));
        }
        Err(Halt::Store(error)) => return Ok(judge(&message, Err(error.into()), NOW)),
        Err(halt) => return Err(halt),
    };
    let answer = match handle(run, &message) {
        Ok(follow) => Ok(follow),
        Err(Halt::Store(error)) => Err(error.into()),
        Err(Halt::Failed(failure)) => Err(failure),
        Err(Halt::Died) => {
            starts::lost(run, &message, counted);
            return Err(Halt::Died);
        }
        Err(Halt::Paused) => return Err(Halt::Paused),
    };
    starts::ended(run, &message, counted)?;
    Ok(judge(&message, answer, NOW))
}

fn handle(run: &mut Run<'_>, message: &Message) -> Result<Vec<Message>, Halt> {
    match &message.body {
        Body::Uploaded { key, etag, .. } => ingest::handle(run, key, etag),
        Body::Describe { image, piece } => metadata::describe(run, *image, piece),
        Body::Render { image, pieces } => resize::render(run, *image, pieces, message.attempts),
        Body::Accepted { .. }
        | Body::Completed { .. }
        | Body::Requested { .. }
        | Body::Notify { .. }
        | Body::Buried { .. }
        | Body::Erase { .. }
        | Body::Sweep { .. }
        | Body::Reprocess { .. } => fanout::handle(run, message),
    }
}

fn settle(run: &mut Run<'_>, verdict: Verdict) -> Result<(), Halt> {
    match verdict {
        Verdict::Send(messages) => run.send(&messages),
        Verdict::Bury(message, problem) => run.at_home(|world| bury(world, &message, &problem)),
    }
}

/// [`Outbox::bury`](domain::Outbox::bury).
fn bury(world: &mut World, message: &Message, reason: &Problem) {
    let bare: Message = message.body.clone().into();
    let at = world.tick();
    world.letters.insert(DeadLetter::name(message), (Shared::new(bare), world.ticks));
    match message.obituary(reason, at) {
        Some(obituary) => world.enqueue(&obituary),
        // It waits for the sweeper.
        None => world.history.lossy = true,
    }
}

/// [`Queue::acknowledge`](domain::Queue::acknowledge): a receipt that was overtaken changes nothing.
fn acknowledge(world: &mut World, message: &Shared<Message>, loan: u32) {
    let lent = |post: &super::world::Post| post.message == *message && post.receives == loan;
    if let Some(at) = world.queue.iter().rposition(lent) {
        world.queue.remove(at);
    }
}

/// Carries out a request to the API.
pub(super) fn serve(run: &mut Run<'_>, request: Request) -> Result<(), Halt> {
    match request {
        Request::Erase(image) => erase(run, image)?,
        Request::Redrive => redrive(run)?,
        Request::Variant(image) => requests::ask(run, image)?,
    }
    run.at_home(|world| {
        world.unanswered.remove(&request);
    })
}

/// `domain::stage::erase`.
fn erase(run: &mut Run<'_>, image: ImageId) -> Result<(), Halt> {
    mutants::erase(run, image)?;
    run.list(|key| key.image() == Some(image))?;
    run.send_or_fail(&[Body::Erase { image, round: 0 }.into()])
}

/// `domain::stage::redrive`, of every letter.
fn redrive(run: &mut Run<'_>) -> Result<(), Halt> {
    for (message, buried) in run.letters()? {
        let wanted = match message.work() {
            Some((image, pieces)) => {
                let pieces = pieces.into_iter().collect();
                let open = |_: &Scenario, world: &mut World, record: &mut Image| {
                    let opened = record.reopen(&pieces, world.tick());
                    if opened {
                        world.history.deaths = 0;
                    }
                    Found::Whether(opened)
                };
                run.decide(image, open)? == Found::Whether(true)
            }
            None => true,
        };
        if wanted {
            run.send(&[message.body.clone().into()])?;
        }
        let name = DeadLetter::name(&message);
        run.at_home(|world| {
            if world.letters.get(&name).is_some_and(|(_, newest)| *newest == buried) {
                world.letters.remove(&name);
            }
        })?;
    }
    Ok(())
}
