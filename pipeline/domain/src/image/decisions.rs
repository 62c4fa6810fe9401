//! What may happen to an image: the states of the protocol, as pure decisions.
//!
//! Every adapter of the [`Catalog`](crate::Catalog) applies these functions atomically to one
//! image (or says the same in its store's own conditions), and the protocol's model explores them.
//! Each decision answers what it found, so that callers never have to look twice.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{
    Acceptance, Announced, DOUBLINGS, Expectation, Flip, Image, Outcome, Progress, Purpose,
    STUCK_AFTER, Source, Status, Work,
};
use crate::{Code, PieceId, Problem, Revision};

impl Image {
    /// The decision of ingest that these bytes are an image that we keep.
    pub fn accept(&mut self, source: &Source, now: Timestamp) -> Acceptance {
        match self.status {
            // What had expired but came after all is kept: its URL was still good when it was used.
            Status::Pending | Status::Expired => {
                self.source = Some(source.clone());
                self.problem = None;
                self.work.nudges = 0;
                self.step(Status::Processing, now);
                Acceptance::Go
            }
            Status::Processing => Acceptance::Go,
            Status::Ready | Status::Failed | Status::Rejected => Acceptance::Ended,
            Status::Erased => Acceptance::Erased,
        }
    }

    /// The decision that what arrived is not kept. True where that is its state now.
    pub fn reject(&mut self, problem: &Problem, now: Timestamp) -> bool {
        if matches!(self.status, Status::Pending | Status::Expired) {
            self.problem = Some(problem.clone());
            self.step(Status::Rejected, now);
        }
        self.status == Status::Rejected
    }

    /// The decision that nothing came. True where that is its state now.
    pub fn expire(&mut self, now: Timestamp) -> bool {
        if self.status == Status::Pending && now >= self.expires_at {
            self.problem = Some(Problem::new(
                Code::NothingArrived,
                format!("the upload URL expired at {} and nothing had arrived", self.expires_at),
            ));
            self.step(Status::Expired, now);
        }
        self.status == Status::Expired
    }

    /// Writes down which pieces are awaited, before they are sent. Pieces that ended in an earlier
    /// set and are wanted again stay ended. What was sent after `horizon` is left its time.
    pub fn expect(
        &mut self,
        pieces: &BTreeSet<PieceId>,
        purpose: Purpose,
        horizon: Timestamp,
        now: Timestamp,
    ) -> Expectation {
        let open = match (self.status, purpose) {
            (Status::Processing, _) => true,
            (Status::Ready | Status::Failed, Purpose::Reopen) => false,
            _ => return Expectation::Ended,
        };
        if purpose == Purpose::Reopen {
            self.forget_failed_requests();
        }
        let satisfied = self.work.expected == *pieces && self.work.failed().next().is_none();
        if !open && satisfied {
            return Expectation::Ended;
        }
        if self.is_promised(purpose, pieces) {
            return Expectation::Underway;
        }
        if self.work.expected != *pieces || !open {
            let ended = std::mem::take(&mut self.work.ended);
            // What ended in this set is newer than what serves; a failure is worth keeping only
            // while its own set is open.
            let failed = |outcome: &Outcome| matches!(outcome, Outcome::Failed(_));
            let served = self.serving.clone().into_iter().filter(|(_, outcome)| !failed(outcome));
            let ended = ended.into_iter().filter(|(_, outcome)| open || !failed(outcome));
            let kept = served.chain(ended).filter(|(piece, _)| pieces.contains(piece));
            // Of a first set nothing was given up before, so no clock has to be compared with another.
            let first = self.work.expected.is_empty();
            let opened_at = if first { self.work.opened_at } else { Some(now) };
            let round = if open { self.work.round } else { self.work.round + 1 };
            self.work = Work {
                expected: pieces.clone(),
                ended: kept.collect(),
                round,
                sent_at: None,
                opened_at,
                starts: BTreeMap::new(),
                nudges: 0,
                wanted_by: purpose,
            };
            self.problem = None;
            self.step(Status::Processing, now);
        }
        if purpose == Purpose::Reopen {
            self.work.wanted_by = purpose;
        }
        if self.work.is_complete() {
            return Expectation::Complete(self.work.revision());
        }
        if self.work.sent_at.is_some_and(|sent| sent > horizon) {
            return Expectation::Underway;
        }
        self.work.sent_at = Some(now);
        self.step(Status::Processing, now);
        Expectation::Send(self.work.missing().cloned().collect())
    }

    /// Whether somebody asked for another set, which a fan-out that read the presets before they
    /// changed must not take back. Where nothing comes of that set until the sweeper asks after it,
    /// the presets of now are right.
    fn is_promised(&self, purpose: Purpose, pieces: &BTreeSet<PieceId>) -> bool {
        self.work.wanted_by == Purpose::Reopen
            && purpose == Purpose::Spread
            && self.work.expected != *pieces
            && self.work.nudges == 0
    }

    /// Adds how pieces ended, of the set and of what was asked for beside it. The latter is never
    /// what completes a set.
    pub fn record(&mut self, outcomes: &[(PieceId, Outcome)], now: Timestamp) -> Progress {
        let requested = self.record_requests(outcomes);
        match self.status {
            Status::Processing => {}
            Status::Erased => return Progress::Erased,
            _ if requested => return Progress::Underway,
            _ => return Progress::Ended,
        }
        let mut changed = false;
        let mut wanted = outcomes.is_empty();
        for (piece, outcome) in outcomes {
            if !self.work.expected.contains(piece) {
                continue;
            }
            wanted = true;
            if outcome.replaces(self.work.ended.get(piece)) {
                self.work.ended.insert(piece.clone(), outcome.clone());
                changed = true;
            }
        }
        if changed {
            self.work.nudges = 0;
            self.step(Status::Processing, now);
        }
        match (self.work.is_complete(), wanted) {
            (_, false) if requested => Progress::Underway,
            (true, _) => Progress::Complete(self.work.revision()),
            (false, true) => Progress::Underway,
            (false, false) => Progress::Ended,
        }
    }

    /// The announcement: the only way to ready and failed, once a revision.
    pub fn flip(&mut self, revision: &Revision, now: Timestamp) -> Flip {
        // Also while the next round is open: whoever announced this one may have died before
        // anybody was told.
        if self.flipped.as_ref() == Some(revision) {
            return self.flipped_as.map_or(Flip::No, Flip::Before);
        }
        let due = self.status == Status::Processing
            && self.work.is_complete()
            && self.work.revision() == *revision;
        if !due {
            return Flip::No;
        }
        self.problem = self.verdict();
        let status = if self.problem.is_none() { Status::Ready } else { Status::Failed };
        if status == Status::Ready {
            self.ready_at = Some(now);
        }
        // Where a new set failed in part, what it replaces goes on serving.
        let mut serving = self.work.ended.clone();
        for (piece, outcome) in std::mem::take(&mut self.serving) {
            let replaced = serving
                .iter()
                .any(|(other, new)| other.name == piece.name && !matches!(new, Outcome::Failed(_)));
            if !replaced && status == Status::Failed && !matches!(outcome, Outcome::Failed(_)) {
                serving.insert(piece, outcome);
            }
        }
        self.serving = serving;
        self.flipped = Some(revision.clone());
        self.flipped_as = Some(status);
        self.step(status, now);
        Flip::Now(status)
    }

    /// Why a complete set is not all there: the pieces' common reason, or a summary.
    fn verdict(&self) -> Option<Problem> {
        let (_, first) = self.work.failed().next()?;
        let (failed, all) = (self.work.failed().count(), self.work.expected.len());
        if failed == all || self.work.failed().all(|(_, problem)| problem.code == first.code) {
            return Some(first.clone());
        }
        let names: Vec<_> = self.work.failed().map(|(piece, _)| piece.name.as_str()).collect();
        Some(Problem::new(
            Code::SomePiecesFailed,
            format!("{failed} of {all} pieces failed: {}", names.join(", ")),
        ))
    }

    /// Writes down that these pieces, or, where there are none, the upload itself, were given up at
    /// this moment. What was opened again since is not ended by it.
    pub fn give_up(
        &mut self,
        pieces: &BTreeSet<PieceId>,
        reason: &Problem,
        at: Option<Timestamp>,
        now: Timestamp,
    ) -> Progress {
        let overtaken = |opened| at.zip(opened).is_some_and(|(at, opened)| at < opened);
        if !overtaken(self.work.opened_at) && pieces.is_empty() {
            self.reject(reason, now);
        }
        let opened = |piece: &PieceId| match self.request_of(piece) {
            Some(request) if self.is_on_request(piece) => request.asked_at,
            _ => self.work.opened_at,
        };
        let failed = |piece: &PieceId| (piece.clone(), Outcome::Failed(reason.clone()));
        let failed: Vec<_> =
            pieces.iter().filter(|piece| !overtaken(opened(piece))).map(failed).collect();
        self.record(&failed, now)
    }

    /// Opens what was given up, after its cause is gone. True where the work may be sent again.
    pub fn reopen(&mut self, pieces: &BTreeSet<PieceId>, now: Timestamp) -> bool {
        let requested = self.reopen_requests(pieces, now);
        self.reopen_set(pieces, now) || requested
    }

    fn reopen_set(&mut self, pieces: &BTreeSet<PieceId>, now: Timestamp) -> bool {
        match self.status {
            // The upload itself was given up...
            Status::Rejected if pieces.is_empty() => {
                self.problem = None;
                self.work.open(now);
                self.step(Status::Pending, now);
                true
            }
            // ... or is about to be.
            Status::Pending | Status::Expired if pieces.is_empty() => {
                self.work.open(now);
                self.step(self.status, now);
                true
            }
            Status::Ready | Status::Failed if self.work.expected.is_superset(pieces) => {
                self.work.ended.retain(|piece, outcome| {
                    !(pieces.contains(piece) && matches!(outcome, Outcome::Failed(_)))
                });
                if self.work.missing().next().is_none() {
                    return false;
                }
                self.work.round += 1;
                self.work.sent_at = Some(now);
                self.work.open(now);
                self.problem = None;
                self.step(Status::Processing, now);
                true
            }
            Status::Processing => {
                self.work.ended.retain(|piece, outcome| {
                    !(pieces.contains(piece) && matches!(outcome, Outcome::Failed(_)))
                });
                let wanted = self.work.missing().any(|piece| pieces.contains(piece));
                if wanted {
                    self.work.open(now);
                    self.step(Status::Processing, now);
                }
                wanted
            }
            _ => false,
        }
    }

    /// Erases it, for good: a tombstone stays, so that nothing late brings it back; of what the
    /// client or the picture said, nothing does. True where it was not erased before.
    pub fn erase(&mut self, now: Timestamp) -> bool {
        if self.status == Status::Erased {
            return false;
        }
        self.erased_at = Some(now);
        self.ready_at = None;
        self.announced =
            Announced { content_length: 0, content_type: String::new(), checksum_sha256: None };
        self.filename = None;
        self.tags = BTreeMap::new();
        self.focal_point = None;
        self.source = None;
        self.work = Work::default();
        self.flipped = None;
        self.flipped_as = None;
        self.serving = BTreeMap::new();
        self.requests = BTreeMap::new();
        self.problem = None;
        self.step(Status::Erased, now);
        true
    }

    /// Writes down that the last round of its erasure has removed every object: until then the
    /// sweeper has it repeated. True where that is so now.
    pub fn removed(&mut self, now: Timestamp) -> bool {
        if self.status != Status::Erased {
            return false;
        }
        if self.removed_at.is_none() {
            self.removed_at = Some(now);
            self.step(Status::Erased, now);
        }
        true
    }

    /// Writes down that the sweeper is about to say again what is to be done for it. It may merely
    /// wait in a long queue, so it is left alone twice as long as before from now on, until
    /// something comes of it. True where it is to be said.
    pub fn nudge(&mut self, now: Timestamp) -> bool {
        let waits = self.is_open() || self.is_being_removed();
        let at_work = self.status == Status::Processing || self.is_being_removed();
        let left_alone = at_work || self.work.nudges > 0;
        if !waits || (left_alone && now < self.stuck_at()) {
            return false;
        }
        self.work.nudges = self.work.nudges.saturating_add(1);
        self.step(self.status, now);
        true
    }

    /// When the sweeper is to look after it; none where nothing more is to happen.
    pub fn due_at(&self) -> Option<Timestamp> {
        match self.status {
            Status::Pending if self.work.nudges > 0 => Some(self.expires_at.max(self.stuck_at())),
            Status::Pending => Some(self.expires_at),
            Status::Processing => Some(self.stuck_at()),
            Status::Erased if self.is_being_removed() => Some(self.stuck_at()),
            _ => None,
        }
    }

    /// The pieces whose outcomes describe the image now: the announced set, or, before the first
    /// is announced, what has been made so far.
    pub fn visible(&self) -> &BTreeMap<PieceId, Outcome> {
        if self.flipped.is_some() { &self.serving } else { &self.work.ended }
    }

    /// Whether it was erased and its objects may still be there: whoever was to say so may have died,
    /// or what was said was given up.
    fn is_being_removed(&self) -> bool {
        self.status == Status::Erased && self.removed_at.is_none()
    }

    fn stuck_at(&self) -> Timestamp {
        let patience = STUCK_AFTER * (1 << self.work.nudges.min(DOUBLINGS));
        self.touched_at.checked_add(patience).unwrap_or(Timestamp::MAX)
    }

    pub(super) fn step(&mut self, to: Status, now: Timestamp) {
        self.status = to;
        self.version += 1;
        self.touched_at = now;
    }
}

impl Outcome {
    /// Whether it is written down where this was before. A piece ends once; only a failure gives way
    /// to the piece itself, since a late success is worth more than the report that it was given up.
    pub(super) fn replaces(&self, before: Option<&Self>) -> bool {
        match before {
            None => true,
            Some(Self::Failed(_)) => !matches!(self, Self::Failed(_)),
            Some(_) => false,
        }
    }
}
