//! Answers of the stores, and what a home decides from them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What a store answered when it did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum StoreError {
    /// There is no such thing.
    #[error("{0} does not exist")]
    Missing(String),
    /// It is there already, or has changed since: asking again as before will not help.
    #[error("{0} is in the way")]
    Conflict(String),
    /// The store cannot now; ask again, not before the given time.
    #[error("busy: {reason}")]
    Busy {
        /// How long to wait at least.
        retry_after: Duration,
        /// What the store said.
        reason: String,
    },
    /// The store has no room for it: somebody has to make some.
    #[error("full: {0}")]
    Full(String),
    /// The store will not do it for us, now or later: credentials, policy.
    #[error("refused: {0}")]
    Refused(String),
    /// The store, or what it holds, is not as it should be.
    #[error("broken: {0}")]
    Broken(String),
}

/// What becomes of a message whose handler could not finish. A bad picture is not among these: it
/// is a result, and is recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// Try again, not before the given time.
    #[error("{reason} (tried again after {} s)", retry_after.as_secs_f32())]
    Transient {
        /// How long to wait at least.
        retry_after: Duration,
        /// What went wrong.
        reason: String,
    },
    /// There is no room for what it makes: it waits until a person makes some, however long that
    /// takes, and is never given up for it.
    #[error("{reason} (tried again after {} s)", retry_after.as_secs_f32())]
    NoRoom {
        /// How long to wait at least.
        retry_after: Duration,
        /// What the store said.
        reason: String,
    },
    /// No retry can help: to the dead letters, with the reason.
    #[error("{0}")]
    Permanent(String),
    /// The message was given to a stage that does not take it.
    #[error("{0} is not for this stage")]
    Misrouted(String),
}

/// How long to wait where the store named no time.
const PAUSE: Duration = Duration::from_secs(1);

/// A store that is full is seldom emptied within a second.
const FULL_PAUSE: Duration = Duration::from_secs(5);

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let reason = error.to_string();
        match error {
            StoreError::Busy { retry_after, .. } => Self::Transient { retry_after, reason },
            StoreError::Full(_) => Self::NoRoom { retry_after: FULL_PAUSE, reason },
            // A refusal is usually a setting that a person mends: the message waits, too.
            StoreError::Refused(_) | StoreError::Broken(_) | StoreError::Conflict(_) => {
                Self::Transient { retry_after: PAUSE, reason }
            }
            StoreError::Missing(_) => Self::Permanent(reason),
        }
    }
}
