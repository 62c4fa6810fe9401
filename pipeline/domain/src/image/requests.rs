//! Variants that are made when somebody asks for them, once, and then kept.
//!
//! They stand beside the set that the image awaits and never in it: whatever becomes of them, the
//! image stays ready or failed, and nobody is told. Nor do they count as a sign of life of the set, so
//! that whoever asks often does not keep the sweeper away.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Image, Outcome, Status};
use crate::{PieceId, Revision};

/// A variant that somebody asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// The presets by which it was last asked for or planned: what others would make may be
    /// something else.
    pub presets: Revision,
    /// When that was, or when it was opened again: what was given up before does not end it. None
    /// where nobody has asked since its failure was forgotten.
    pub asked_at: Option<Timestamp>,
    /// The piece that it came to; none until the fan-out has planned it.
    pub piece: Option<PieceId>,
    /// How that piece ended, and the one before it, which serves until another is made.
    pub ended: BTreeMap<PieceId, Outcome>,
}

impl Request {
    /// Whether nothing more comes of it by itself.
    pub fn is_settled(&self) -> bool {
        self.piece.as_ref().is_some_and(|piece| self.ended.contains_key(piece))
    }

    fn is_for(&self, piece: &PieceId) -> bool {
        self.piece.as_ref() == Some(piece)
    }
}

/// What [`Image::ask`] found.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Asking {
    /// These files are to be asked of the fan-out now.
    Send(BTreeSet<String>),
    /// They were asked for lately: leave them their time.
    Underway,
    /// They have ended, or the image is not one to ask anything of.
    Ended,
}

impl Image {
    /// Writes down that somebody asked for these files (`hero.webp`), before the fan-out is told.
    /// What ended is asked for again only under other presets, and what was asked for after
    /// `horizon` is left its time: so however many ask, they are one. Whoever could not tell the
    /// fan-out asks once more as of the horizon, so that the next who asks does.
    pub fn ask(
        &mut self,
        files: &BTreeSet<String>,
        presets: &Revision,
        horizon: Timestamp,
        now: Timestamp,
    ) -> Asking {
        if !self.takes_requests() {
            return Asking::Ended;
        }
        let (mut send, mut underway) = (BTreeSet::new(), false);
        for file in files {
            match self.requests.get(file) {
                Some(request) if request.is_settled() && request.presets == *presets => {}
                Some(request)
                    if !request.is_settled()
                        && request.asked_at.is_some_and(|asked| asked > horizon) =>
                {
                    underway = true;
                }
                _ => drop(send.insert(file.clone())),
            }
        }
        if send.is_empty() {
            return if underway { Asking::Underway } else { Asking::Ended };
        }
        // What other presets had, and what was forgotten: nothing came of it. What is asked for by
        // these presets may still be in the queue, however long ago that was.
        self.requests.retain(|_, request| {
            let is_lately = request.asked_at.is_some_and(|asked| asked > horizon);
            let is_of_now = request.presets == *presets && request.asked_at.is_some();
            !request.ended.is_empty() || is_lately || is_of_now
        });
        for file in &send {
            let request = self.requests.entry(file.clone()).or_insert_with(|| Request {
                presets: presets.clone(),
                asked_at: None,
                piece: None,
                ended: BTreeMap::new(),
            });
            // What ended serves on, and is made anew if it has become another piece. Nor is what other
            // presets are still making the answer to this.
            if request.is_settled() || request.presets != *presets {
                request.piece = None;
            }
            request.presets.clone_from(presets);
            request.asked_at = Some(now);
        }
        self.version += 1;
        Asking::Send(send)
    }

    /// Writes down to which pieces the files that somebody asked for have come by these presets,
    /// before they are sent. Answers those that have not ended. What nobody asked for is passed over.
    pub fn order(&mut self, pieces: &BTreeSet<PieceId>, presets: &Revision) -> BTreeSet<PieceId> {
        let mut missing = BTreeSet::new();
        let mut changed = false;
        for piece in pieces {
            let Some(request) = self.requests.get_mut(&piece.name) else { continue };
            if !request.is_for(piece) {
                request.piece = Some(piece.clone());
                // That another piece failed says nothing of this one.
                let made = |outcome: &Outcome| matches!(outcome, Outcome::Made(_));
                request.ended.retain(|other, outcome| other == piece || made(outcome));
                changed = true;
            }
            // Whoever planned it may have read others than whoever asked: by those it is still open.
            if request.presets != *presets {
                request.presets.clone_from(presets);
                changed = true;
            }
            if !request.is_settled() {
                missing.insert(piece.clone());
            }
        }
        self.version += u64::from(changed);
        missing
    }

    /// Whether this piece is to be made: as one of the set, or because somebody asked for it.
    pub fn misses(&self, piece: &PieceId) -> bool {
        let of_the_set = self.status == Status::Processing
            && self.work.expected.contains(piece)
            && !self.work.ended.contains_key(piece);
        of_the_set || self.request_of(piece).is_some_and(|request| !request.is_settled())
    }

    /// Whether this piece is made because somebody asked for it, and for nothing else: also one of a
    /// set that was announced without it.
    pub fn is_on_request(&self, piece: &PieceId) -> bool {
        let of_an_open_set =
            self.status == Status::Processing && self.work.expected.contains(piece);
        !of_an_open_set && self.request_of(piece).is_some()
    }

    /// How all that can be shown has ended: [what is visible](Image::visible) of the set, and what
    /// somebody asked for beside it.
    pub fn outcomes(&self) -> impl Iterator<Item = (&PieceId, &Outcome)> {
        let set = self.visible();
        let made: BTreeSet<&str> = set
            .iter()
            .filter(|(_, outcome)| matches!(outcome, Outcome::Made(_)))
            .map(|(piece, _)| piece.name.as_str())
            .collect();
        let asked = self.requests.values().flat_map(|request| &request.ended);
        // That the set failed to make a piece is nothing to whoever has it.
        let came_later = |piece: &PieceId| {
            let request = self.requests.get(&piece.name);
            let outcome = request.and_then(|request| request.ended.get(piece));
            outcome.is_some_and(|outcome| matches!(outcome, Outcome::Made(_)))
        };
        let set = set.iter().filter(move |(piece, outcome)| {
            !(matches!(outcome, Outcome::Failed(_)) && came_later(piece))
        });
        set.chain(asked.filter(move |(piece, _)| !made.contains(piece.name.as_str())))
    }

    /// Whether variants may be asked for: it was announced once, and not erased since.
    fn takes_requests(&self) -> bool {
        self.flipped.is_some()
            && matches!(self.status, Status::Processing | Status::Ready | Status::Failed)
    }

    pub(super) fn request_of(&self, piece: &PieceId) -> Option<&Request> {
        self.requests.get(&piece.name).filter(|request| request.is_for(piece))
    }

    /// Adds how pieces that somebody asked for ended. True where there are such among these.
    pub(super) fn record_requests(&mut self, outcomes: &[(PieceId, Outcome)]) -> bool {
        let (mut wanted, mut changed) = (false, false);
        for (piece, outcome) in outcomes {
            let request = self.requests.get_mut(&piece.name);
            let Some(request) = request.filter(|request| request.is_for(piece)) else { continue };
            wanted = true;
            if !outcome.replaces(request.ended.get(piece)) {
                continue;
            }
            // Where it failed, what it was to replace goes on serving.
            if !matches!(outcome, Outcome::Failed(_)) {
                request.ended.clear();
            }
            request.ended.insert(piece.clone(), outcome.clone());
            changed = true;
        }
        self.version += u64::from(changed);
        wanted
    }

    /// Opens again those of these pieces that somebody asked for and that were not made. True where
    /// there are any.
    pub(super) fn reopen_requests(&mut self, pieces: &BTreeSet<PieceId>, now: Timestamp) -> bool {
        let mut opened = false;
        for piece in pieces {
            let request = self.requests.get_mut(&piece.name);
            let Some(request) = request.filter(|request| request.is_for(piece)) else { continue };
            if let None | Some(Outcome::Failed(_)) = request.ended.get(piece) {
                request.ended.remove(piece);
                request.asked_at = Some(now);
                opened = true;
            }
        }
        self.version += u64::from(opened);
        opened
    }

    /// Somebody wants the image made anew: what failed may be asked for again.
    pub(super) fn forget_failed_requests(&mut self) {
        for request in self.requests.values_mut() {
            let before = request.ended.len();
            request.ended.retain(|_, outcome| !matches!(outcome, Outcome::Failed(_)));
            if request.ended.len() < before {
                request.piece = None;
                request.asked_at = None;
                self.version += 1;
            }
        }
    }
}
