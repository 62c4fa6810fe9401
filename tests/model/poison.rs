//! What kills the process that touches it.

use super::calls::{Halt, Run};

/// The process comes to this piece, or to reading the upload, and dies of it if it is poison. Dying
/// here is not bad luck but certain, so it is no [`Chance`](super::scenario::Chance).
pub(super) fn visit(run: &mut Run<'_>, name: &str) -> Result<(), Halt> {
    if run.scenario.poison == Some(name) && run.world.poisonous {
        run.world.history.deaths += 1;
        return Err(Halt::Died);
    }
    Ok(())
}
