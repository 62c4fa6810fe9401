//! The bounded models: what is in each, and what may happen in it.

use domain::Status;

use super::scenario::{
    Chance::{
        Busy, Change, Crash, Cure, Double, Erase, Lapse, Late, LoseEvent, LoseMessage, Put,
        PutLate, PutOther, Redrive, Reprocess,
    },
    Ages, Described, Known, Origin, Scenario,
};

const PLAIN: fn() -> Scenario = || Scenario {
    name: "",
    origin: Origin::Minted,
    variants: &["small.webp"],
    described: Described::No,
    poison: None,
    chances: &[],
    ages: Ages::AtRest,
    at_once: 1,
    reaches: &[],
    mutant: None,
    known: Known::default(),
};

/// One upload, two pieces made by two stages, and everything that stores, queues and workers do.
pub(super) fn join() -> Scenario {
    Scenario {
        name: "join",
        described: Described::Yes,
        chances: &[(Put, 1), (Double, 1), (Crash, 1)],
        reaches: &[Status::Ready],
        ..PLAIN()
    }
}

/// A client erases its image at any time, and may use its URL again.
pub(super) fn erasure() -> Scenario {
    Scenario {
        name: "erasure",
        chances: &[(Put, 1), (PutOther, 1), (Erase, 1), (Double, 1), (Crash, 1), (LoseEvent, 1)],
        reaches: &[Status::Ready, Status::Erased],
        ..PLAIN()
    }
}

/// Other presets come into force at any time, and all images are made by them.
pub(super) fn presets() -> Scenario {
    Scenario {
        name: "presets",
        variants: &["large.webp", "small.webp"],
        chances: &[(Put, 1), (Change, 1), (Reprocess, 1), (Crash, 1), (Double, 1)],
        reaches: &[Status::Ready],
        at_once: 2,
        ..PLAIN()
    }
}

/// A piece kills every worker that comes to it, until it is mended and redriven.
pub(super) fn poison() -> Scenario {
    Scenario {
        name: "poison",
        variants: &["large.webp", "middle.webp", "small.webp"],
        poison: Some("middle.webp"),
        chances: &[(Put, 1), (Cure, 1), (Redrive, 1), (Late, 1), (Double, 1)],
        reaches: &[Status::Ready, Status::Failed],
        ..PLAIN()
    }
}

/// An upload kills every worker that reads it.
pub(super) fn poisoned_upload() -> Scenario {
    Scenario {
        name: "poisoned upload",
        poison: Some("upload"),
        chances: &[(Put, 1), (Cure, 1), (Redrive, 1), (Double, 1), (Crash, 1)],
        reaches: &[Status::Ready, Status::Rejected],
        ..PLAIN()
    }
}

/// An object of an adopted bucket is overwritten, and its events come late and twice.
pub(super) fn adoption() -> Scenario {
    Scenario {
        name: "adoption",
        origin: Origin::Adopted,
        chances: &[(Put, 1), (PutOther, 1), (Double, 1), (Crash, 1)],
        reaches: &[Status::Ready, Status::Expired],
        ..PLAIN()
    }
}

/// What was adopted is erased, and its events come afterwards.
pub(super) fn adopted_erasure() -> Scenario {
    Scenario {
        name: "adopted erasure",
        origin: Origin::Adopted,
        chances: &[(Put, 1), (Erase, 1), (Double, 2), (Crash, 1)],
        reaches: &[Status::Ready, Status::Erased],
        ages: Ages::Anytime,
        ..PLAIN()
    }
}

/// An upload comes in time, late or never; events and messages are lost; stores are busy.
pub(super) fn expiry() -> Scenario {
    Scenario {
        name: "expiry",
        described: Described::Yes,
        chances: &[
            (Put, 1),
            (PutLate, 1),
            (LoseEvent, 1),
            (LoseMessage, 1),
            (Busy, 1),
        ],
        reaches: &[Status::Ready, Status::Expired],
        ..PLAIN()
    }
}
