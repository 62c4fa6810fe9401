//! What kills the process that touches it.

use domain::{Message, message::Body};

use super::{
    calls::{Halt, Run},
    scenario::Scenario,
    world::{Errand, World},
};

/// The process comes to this piece, or to reading the upload, and dies of it if it is poison. Dying
/// here is not bad luck but certain, so it is no [`Chance`](super::scenario::Chance).
pub(super) fn visit(run: &mut Run<'_>, name: &str) -> Result<(), Halt> {
    if run.scenario.poison == Some(name) && run.world.poisonous {
        run.world.history.deaths += 1;
        return Err(Halt::Died);
    }
    Ok(())
}

/// Counts copies of the poisoned work: those that fanout and redrives send anew. What resize hands
/// on to itself brings its attempts along and is the same copy.
pub(super) fn count(scenario: &Scenario, world: &mut World, sender: &Errand, message: &Message) {
    let anew = match sender {
        Errand::Request(_) => true,
        Errand::Message(by, _) => !matches!(by.body, Body::Render { .. } | Body::Uploaded { .. }),
    };
    if anew && is_in(scenario, message) {
        world.history.copies = world.history.copies.saturating_add(1);
    }
}

/// Whether carrying this out touches the poison.
pub(super) fn is_in(scenario: &Scenario, message: &Message) -> bool {
    match &message.body {
        Body::Uploaded { .. } => scenario.poison == Some("upload"),
        Body::Render { pieces, .. } => {
            pieces.iter().any(|order| scenario.poison == Some(order.piece.name.as_str()))
        }
        _ => false,
    }
}
