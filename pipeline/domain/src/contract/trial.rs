//! Running checks, and what comes of it.

use std::{fmt, time::Duration};

use futures::future::BoxFuture;

use super::{Adapters, Subject};
use crate::{StoreError, ports::WriteError};

/// One promise, and how it is tried.
pub struct Check {
    /// Port and check, as `objects::never_overwritten`.
    pub name: &'static str,
    /// What every adapter promises.
    pub promise: &'static str,
    /// Tries it on adapters that hold nothing yet.
    pub run: fn(Adapters) -> BoxFuture<'static, Outcome>,
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Check").field("name", &self.name).finish_non_exhaustive()
    }
}

/// How a check ended.
pub type Outcome = Result<(), Finding>;

/// Why a check did not end well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The adapter broke the promise; what was seen.
    Violated(String),
    /// This home gives no way to try it, and why.
    Untested(&'static str),
}

impl From<StoreError> for Finding {
    fn from(error: StoreError) -> Self {
        Self::Violated(format!("expected success, and the store answered: {error}"))
    }
}

impl From<WriteError> for Finding {
    fn from(error: WriteError) -> Self {
        Self::Violated(format!("expected success, and the write ended with: {error}"))
    }
}

/// A promise that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The check's name.
    pub check: &'static str,
    /// What was promised.
    pub promise: &'static str,
    /// What was seen.
    pub found: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} Found: {}", self.check, self.promise, self.found)
    }
}

/// A promise that could not be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Untested {
    /// The check's name.
    pub check: &'static str,
    /// Why.
    pub reason: &'static str,
}

impl fmt::Display for Untested {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} was not tried: {}", self.check, self.reason)
    }
}

/// What became of the checks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Checks of promises that were kept.
    pub kept: Vec<&'static str>,
    /// Promises that were broken.
    pub violations: Vec<Violation>,
    /// Promises that could not be tried on this home.
    pub untested: Vec<Untested>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kept, broken, untested) =
            (self.kept.len(), self.violations.len(), self.untested.len());
        write!(f, "{kept} promises kept, {broken} broken, {untested} not tried")?;
        self.violations.iter().try_for_each(|violation| write!(f, "\n  {violation}"))?;
        self.untested.iter().try_for_each(|untested| write!(f, "\n  {untested}"))
    }
}

/// No adapter needs so long for one check, unless it hangs.
const LONGEST: Duration = Duration::from_mins(2);

pub(super) async fn run(
    subject: &dyn Subject,
    checks: impl IntoIterator<Item = &'static Check>,
) -> Report {
    let mut report = Report::default();
    for check in checks {
        let Check { name, promise, run } = *check;
        // As a task of its own, so that an adapter that panics or hangs breaks one promise only.
        let task = tokio::spawn(tokio::time::timeout(LONGEST, run(subject.fresh().await)));
        let outcome = match task.await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(Finding::Violated(format!("no end after {LONGEST:?}"))),
            Err(lost) => Err(Finding::Violated(format!("the adapter did not live: {lost}"))),
        };
        match outcome {
            Ok(()) => report.kept.push(name),
            Err(Finding::Violated(found)) => {
                report.violations.push(Violation { check: name, promise, found });
            }
            Err(Finding::Untested(reason)) => {
                report.untested.push(Untested { check: name, reason });
            }
        }
    }
    report
}

/// A violation, unless both are the same.
pub(super) fn same<T: fmt::Debug + PartialEq>(what: &str, found: &T, wanted: &T) -> Outcome {
    if found == wanted {
        return Ok(());
    }
    Err(Finding::Violated(format!("{what}: expected {}, found {}", brief(wanted), brief(found))))
}

/// A violation, unless the answer is that there is no such thing.
pub(super) fn missing<T: fmt::Debug>(what: &str, answer: Result<T, StoreError>) -> Outcome {
    match answer {
        Err(StoreError::Missing(_)) => Ok(()),
        other => {
            Err(Finding::Violated(format!("{what}: expected Missing, found {}", brief(&other))))
        }
    }
}

/// A violation with this sentence, unless the fact holds.
macro_rules! ensure {
    ($fact:expr, $($sentence:tt)+) => {
        if !$fact {
            return Err($crate::contract::Finding::Violated(format!($($sentence)+)));
        }
    };
}
pub(super) use ensure;

/// A port's table: the name of a check's function, and the promise that it tries.
macro_rules! checks {
    ($port:literal; $($($module:ident)::+ => $promise:literal;)+) => {
        &[$($crate::contract::Check {
            name: concat!($port, "::", $crate::contract::trial::last!($($module)::+)),
            promise: $promise,
            run: |adapters| Box::pin($($module)::+(adapters)),
        }),+]
    };
}
pub(super) use checks;

/// The last word of a path, as text.
macro_rules! last {
    ($name:ident) => { stringify!($name) };
    ($_:ident :: $($rest:ident)::+) => { $crate::contract::trial::last!($($rest)::+) };
}
pub(super) use last;

/// Enough of a value to see what it is.
fn brief(value: &impl fmt::Debug) -> String {
    const MOST: usize = 600;
    let text = format!("{value:?}");
    if text.chars().count() <= MOST {
        return text;
    }
    text.chars().take(MOST).chain("…".chars()).collect()
}
