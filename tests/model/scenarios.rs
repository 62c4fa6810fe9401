//! The bounded models: what is in each, and what may happen in it.

use domain::Status;

use super::scenario::{
    Chance::{
        Age, Busy, Change, Crash, Cure, Double, Erase, Lapse, Late, LoseEvent, LoseMessage, Put,
        PutLate, PutOther, Redrive, Reprocess, Request,
    },
    Described, Known, Origin, Scenario,
};

const PLAIN: fn() -> Scenario = || Scenario {
    name: "",
    origin: Origin::Minted,
    variants: &["small.webp"],
    on_request: &[],
    moved: None,
    described: Described::No,
    poison: None,
    chances: &[],
    at_once: 1,
    reaches: &[],
    mutant: None,
    known: Known::default(),
};

/// One upload, two pieces made by two stages, and all that queues and workers do to them.
pub(super) fn join() -> Scenario {
    Scenario {
        name: "join",
        described: Described::Yes,
        chances: &[(Put, 1), (Double, 1), (Crash, 1)],
        at_once: 2,
        reaches: &[Status::Ready],
        ..PLAIN()
    }
}

/// The same, one handler at a time and with more going wrong.
pub(super) fn redelivery() -> Scenario {
    Scenario {
        name: "redelivery",
        described: Described::Yes,
        chances: &[(Put, 1), (Double, 2), (Crash, 2)],
        reaches: &[Status::Ready],
        ..PLAIN()
    }
}

/// A message is lent anew while its handler is still at it.
pub(super) fn overtaking() -> Scenario {
    Scenario {
        name: "overtaking",
        chances: &[(Put, 1), (Lapse, 2)],
        at_once: 2,
        reaches: &[Status::Ready],
        ..PLAIN()
    }
}

/// A client erases its image at any time, also while handlers are at work on it.
pub(super) fn erasure() -> Scenario {
    Scenario {
        name: "erasure",
        chances: &[(Put, 1), (Erase, 1), (Crash, 1)],
        at_once: 2,
        reaches: &[Status::Ready, Status::Erased],
        ..PLAIN()
    }
}

/// An erasure is asked for once, and nobody asks again, though its process dies or is told "busy"
/// between any two of its effects.
pub(super) fn erasure_unanswered() -> Scenario {
    Scenario {
        name: "erasure unanswered",
        chances: &[(Put, 1), (Erase, 1), (Crash, 1), (Busy, 1)],
        reaches: &[Status::Ready, Status::Erased],
        ..PLAIN()
    }
}

/// An erasure's message is doubled, or lost for good.
pub(super) fn erasure_lost() -> Scenario {
    Scenario {
        name: "erasure lost",
        chances: &[(Put, 1), (Erase, 1), (Double, 1), (LoseMessage, 1)],
        reaches: &[Status::Ready, Status::Erased],
        ..PLAIN()
    }
}

/// The same where metadata is all that is made.
pub(super) fn erasure_of_metadata() -> Scenario {
    Scenario { name: "erasure of metadata", variants: &[], described: Described::Yes, ..erasure() }
}

/// What was erased is uploaded again with other bytes, and its events are doubled or lost.
pub(super) fn upload_after_erasure() -> Scenario {
    Scenario {
        name: "upload after erasure",
        chances: &[(Put, 1), (PutOther, 1), (Erase, 1), (Double, 1), (LoseEvent, 1)],
        reaches: &[Status::Ready, Status::Erased],
        ..PLAIN()
    }
}

/// Other presets come into force at any time, and all images are made by them.
pub(super) fn presets() -> Scenario {
    Scenario {
        name: "presets",
        variants: &["large.webp", "small.webp"],
        chances: &[(Put, 1), (Change, 1), (Reprocess, 1), (Crash, 1), (Late, 1)],
        reaches: &[Status::Ready],
        ..PLAIN()
    }
}

/// A fan-out that read the presets before they changed meets one that read them afterwards.
pub(super) fn presets_at_once() -> Scenario {
    Scenario {
        name: "presets at once",
        chances: &[(Put, 1), (Change, 1), (Reprocess, 1), (Crash, 1)],
        at_once: 2,
        reaches: &[Status::Ready],
        ..PLAIN()
    }
}

/// A piece kills every worker that comes to it, until it is mended and redriven.
pub(super) fn poison() -> Scenario {
    Scenario {
        name: "poison",
        variants: &["large.webp", "middle.webp", "small.webp"],
        poison: Some("middle.webp"),
        chances: &[(Put, 1), (Cure, 1), (Redrive, 1), (Late, 1)],
        reaches: &[Status::Ready, Status::Failed],
        ..PLAIN()
    }
}

/// The same with a copy more of any message, also of an obituary, at any moment.
pub(super) fn poison_in_copies() -> Scenario {
    Scenario {
        name: "poison in copies",
        variants: &["large.webp", "small.webp"],
        poison: Some("small.webp"),
        chances: &[(Put, 1), (Late, 1), (Double, 1), (Cure, 1), (Redrive, 1)],
        reaches: &[Status::Ready, Status::Failed],
        ..PLAIN()
    }
}

/// Copies of poisoned work are started at the same moment.
pub(super) fn poison_at_once() -> Scenario {
    Scenario {
        name: "poison at once",
        poison: Some("small.webp"),
        chances: &[(Put, 1), (Double, 1)],
        at_once: 2,
        reaches: &[Status::Failed],
        ..PLAIN()
    }
}

/// An upload kills every worker that reads it.
pub(super) fn poisoned_upload() -> Scenario {
    Scenario {
        name: "poisoned upload",
        poison: Some("upload"),
        chances: &[(Put, 1), (Cure, 1), (Redrive, 1), (Crash, 1), (Double, 1)],
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
        chances: &[(Put, 1), (Erase, 1), (Double, 1), (Crash, 1)],
        reaches: &[Status::Ready, Status::Erased],
        ..PLAIN()
    }
}

/// An upload comes in time, late or never; events and messages are lost; stores are busy.
pub(super) fn expiry() -> Scenario {
    Scenario {
        name: "expiry",
        described: Described::Yes,
        chances: &[(Put, 1), (PutLate, 1), (LoseEvent, 1), (LoseMessage, 1), (Busy, 1)],
        reaches: &[Status::Ready, Status::Expired],
        ..PLAIN()
    }
}

/// Time passes while there is something to be done: messages wait longer than the sweeper does, and
/// the upload URL ends at any moment.
pub(super) fn old_age() -> Scenario {
    Scenario {
        name: "old age",
        chances: &[(Put, 1), (Age, 2), (Crash, 1), (LoseMessage, 1)],
        reaches: &[Status::Ready, Status::Expired],
        ..PLAIN()
    }
}

/// Somebody asks for a variant twice, and messages and processes are doubled and lost.
pub(super) fn requests() -> Scenario {
    Scenario {
        name: "requests",
        on_request: &["hero.webp"],
        chances: &[(Request, 2), (Double, 1), (Crash, 1), (LoseMessage, 1)],
        reaches: &[Status::Ready],
        ..PLAIN()
    }
}

/// Two ask at the same moment, while workers are at it.
pub(super) fn requests_at_once() -> Scenario {
    Scenario {
        name: "requests at once",
        on_request: &["hero.webp"],
        chances: &[(Request, 2), (Crash, 1), (Lapse, 1)],
        at_once: 2,
        reaches: &[Status::Ready],
        ..PLAIN()
    }
}

/// An image is erased while somebody asks for its variants.
pub(super) fn request_and_erasure() -> Scenario {
    Scenario {
        name: "request and erasure",
        chances: &[(Request, 1), (Erase, 1), (Crash, 1)],
        reaches: &[Status::Ready, Status::Erased],
        ..requests_at_once()
    }
}

/// Presets change between two who ask, and the set is made anew meanwhile.
pub(super) fn request_and_presets() -> Scenario {
    Scenario {
        name: "request and presets",
        chances: &[(Request, 2), (Change, 1), (Reprocess, 1), (Crash, 1)],
        ..requests()
    }
}

/// What somebody asks for kills every worker, until it is mended and redriven.
pub(super) fn poisoned_request() -> Scenario {
    Scenario {
        name: "poisoned request",
        on_request: &["hero.webp", "wide.webp"],
        poison: Some("hero.webp"),
        chances: &[(Request, 2), (Cure, 1), (Redrive, 1), (Late, 1)],
        ..requests()
    }
}

/// A fan-out that read the presets before they changed meets one that read them afterwards.
pub(super) fn request_by_two_presets() -> Scenario {
    Scenario {
        name: "request by two presets",
        chances: &[(Request, 2), (Change, 1), (Double, 1)],
        ..requests_at_once()
    }
}

/// A variant killed every worker and its image failed. Since then that is mended, and the presets have
/// the same variant on request.
pub(super) fn request_of_what_failed() -> Scenario {
    Scenario {
        name: "request of what failed",
        variants: &["hero.webp", "small.webp"],
        on_request: &[],
        moved: Some("hero.webp"),
        poison: Some("hero.webp"),
        chances: &[(Request, 2), (Crash, 1), (Redrive, 1), (Late, 1)],
        reaches: &[Status::Failed, Status::Ready],
        ..requests()
    }
}
