//! Running a plan: one pass over the rows, then the pieces one after the other, sharing every
//! intermediate that their lineages have in common. The pieces that move are made together, in one
//! pass over the pictures of the animation, when the first of them is due.

use std::collections::{BTreeMap, BTreeSet};

use fast_image_resize::Resizer;

use crate::canvas::{Alpha, Bitmap, Canvas};
use crate::colour::{Colour, Space};
use crate::derived;
use crate::effects::Assets;
use crate::encoders::{self, Film};
use crate::fault::Fault;
use crate::formats::{Channels, Format};
use crate::linear::{Lines, Reducer};
use crate::plan::{Budget, Lineage, Made, Piece, Progress, Rendition, Step, Work, missing, retire};
use crate::rows::Rows;
use crate::steps::{self, Decided};

/// Bytes of decoded rows read at a time: they stay in the second-level cache.
const BAND: usize = 256 << 10;

pub(crate) fn run(
    pieces: &[Piece],
    rows: &mut dyn Rows,
    assets: &Assets,
    budget: &dyn Budget,
    made: &mut dyn FnMut(&Piece, Result<Made, Fault>),
) -> Result<Progress, Fault> {
    let mut notes = BTreeSet::new();
    let mut studio = Studio::new(assets, averages(pieces.iter(), rows, &mut notes)?);
    let profile = kept(rows);
    let mut films: BTreeMap<usize, Result<Made, Fault>> = BTreeMap::new();
    let mut filmed = false;
    for (index, piece) in pieces.iter().enumerate() {
        if index > 0 && budget.spent() {
            return Ok(Progress { done: index, notes: notes.into_iter().collect() });
        }
        if piece.moves() && !filmed {
            films = film(&pieces[index..], index, rows, &mut studio);
            filmed = true;
        }
        let result = match films.remove(&index) {
            Some(film) => film,
            None => studio.make(piece, &pieces[index..], profile.as_deref()),
        };
        made(piece, result);
        retire(&mut studio.live, &pieces[index + 1..]);
    }
    Ok(Progress { done: pieces.len(), notes: notes.into_iter().collect() })
}

/// The profile that goes into files whose colours are those of the source.
fn kept(rows: &dyn Rows) -> Option<Vec<u8>> {
    match rows.colour() {
        Colour::Profile(bytes) if rows.layout().channels != Channels::Cmyk => Some(bytes.to_vec()),
        _ => None,
    }
}

/// Reads one picture and averages it for each base that the pieces descend from.
fn averages<'p>(
    pieces: impl Iterator<Item = &'p Piece>,
    rows: &mut dyn Rows,
    notes: &mut BTreeSet<String>,
) -> Result<BTreeMap<Lineage, Canvas>, Fault> {
    let layout = rows.layout();
    let mut reducers: BTreeMap<Space, BTreeMap<Lineage, Reducer>> = BTreeMap::new();
    for base in pieces.map(|piece| piece.lineage().base()) {
        let same = reducers.entry(base.space).or_default();
        same.entry(base).or_insert_with_key(|base| Reducer::new(layout, base.shrink));
    }
    let mut spaces = Vec::new();
    for (space, reducers) in reducers {
        let (lines, note) = Lines::new(layout, rows.colour(), space);
        notes.extend(note);
        spaces.push((lines, reducers));
    }
    if spaces.is_empty() {
        return Ok(BTreeMap::new());
    }
    let row_bytes = layout.row_bytes();
    let mut band = vec![0; (BAND / row_bytes).clamp(1, layout.height as usize) * row_bytes];
    let mut left = layout.height as usize;
    while left > 0 {
        let read = rows.read(&mut band)?.min(left);
        if read == 0 {
            return Err(Fault::truncated(format!(
                "The picture ends {left} rows before its height of {}.",
                layout.height
            )));
        }
        for row in band.chunks_exact(row_bytes).take(read) {
            for (lines, reducers) in &mut spaces {
                let line = lines.line(row);
                for reducer in reducers.values_mut() {
                    reducer.feed(line);
                }
            }
        }
        left -= read;
    }
    let samples = layout.width as usize * layout.channels.decoded().count();
    let finished = |(base, reducer): (Lineage, Reducer)| {
        (base, reducer.finish(samples).turned(layout.orientation))
    };
    Ok(spaces.into_iter().flat_map(|(_, reducers)| reducers).map(finished).collect())
}

/// Makes all moving pieces of a list, whose first has the index `from`, in one pass over the
/// pictures, the first of which the studio holds. What is wrong with a later picture is a fault of
/// these pieces alone.
fn film(
    pieces: &[Piece],
    from: usize,
    rows: &mut dyn Rows,
    studio: &mut Studio<'_>,
) -> BTreeMap<usize, Result<Made, Fault>> {
    let mut reels: Vec<Reel<'_>> =
        (from..).zip(pieces).filter_map(|(index, piece)| Reel::new(index, piece)).collect();
    let moving: Vec<Piece> = reels.iter().map(|reel| reel.piece.clone()).collect();
    let repeats = rows.repeats();
    let mut shoot = |studio: &mut Studio<'_>, duration: u32| {
        for reel in &mut reels {
            reel.shoot(studio, &moving, repeats, duration);
        }
    };
    // The pictures of pieces that stand still are wanted afterwards.
    let still = studio.live.clone();
    shoot(studio, rows.duration_ms());
    let ended = loop {
        match rows.advance() {
            Ok(false) => break None,
            Err(fault) => break Some(fault),
            Ok(true) => {}
        }
        match averages(moving.iter(), rows, &mut BTreeSet::new()) {
            Ok(live) => studio.next(live),
            Err(fault) => break Some(fault),
        }
        shoot(studio, rows.duration_ms());
    };
    studio.live = still;
    studio.last = None;
    let end = |reel: Reel<'_>| match &ended {
        Some(fault) => (reel.index, Err(fault.clone())),
        None => (reel.index, reel.finish()),
    };
    reels.into_iter().map(end).collect()
}

/// A moving piece under way.
struct Reel<'p> {
    index: usize,
    piece: &'p Piece,
    rendition: &'p Rendition,
    film: Option<Result<Film, Fault>>,
    size: (u32, u32),
}

impl<'p> Reel<'p> {
    fn new(index: usize, piece: &'p Piece) -> Option<Reel<'p>> {
        match &piece.work {
            Work::Variant(rendition) if piece.moves() => {
                Some(Reel { index, piece, rendition, film: None, size: (0, 0) })
            }
            _ => None,
        }
    }

    fn shoot(&mut self, studio: &mut Studio<'_>, moving: &[Piece], repeats: u32, duration: u32) {
        if matches!(self.film, Some(Err(_))) {
            return;
        }
        let lineage = self.piece.lineage();
        let bitmap = studio
            .paint(lineage, moving)
            .and_then(|()| studio.bitmap(lineage, self.rendition.format));
        let film = self.film.take();
        let added = bitmap.and_then(|bitmap| {
            self.size = (bitmap.size.width, bitmap.size.height);
            let mut film = match film {
                Some(film) => film?,
                None => Film::new(self.rendition, bitmap.size, repeats)?,
            };
            film.add(bitmap, duration)?;
            Ok(film)
        });
        self.film = Some(added);
    }

    fn finish(self) -> Result<Made, Fault> {
        let bytes = self.film.unwrap_or_else(|| Err(unmade()))?.finish()?;
        Ok(Made::Variant { bytes, width: self.size.0, height: self.size.1 })
    }
}

/// The pictures at hand.
struct Studio<'a> {
    assets: &'a Assets,
    live: BTreeMap<Lineage, Canvas>,
    /// What was looked for and found in the first picture.
    decided: BTreeMap<Lineage, Decided>,
    resizer: Resizer,
    /// The last bitmap: the formats of one variant follow each other.
    last: Option<(Lineage, Alpha, Bitmap)>,
}

impl<'a> Studio<'a> {
    fn new(assets: &'a Assets, live: BTreeMap<Lineage, Canvas>) -> Studio<'a> {
        Studio { assets, live, decided: BTreeMap::new(), resizer: Resizer::new(), last: None }
    }

    /// The next picture of an animation; what was decided on the first one holds.
    fn next(&mut self, live: BTreeMap<Lineage, Canvas>) {
        self.live = live;
        self.last = None;
    }

    fn make(
        &mut self,
        piece: &Piece,
        rest: &[Piece],
        profile: Option<&[u8]>,
    ) -> Result<Made, Fault> {
        let lineage = piece.lineage();
        self.paint(lineage, rest)?;
        match &piece.work {
            Work::Derived { .. } => Ok(derived::derive(self.canvas(lineage)?)),
            Work::Variant(rendition) => {
                let profile = profile.filter(|_| lineage.space == Space::Source);
                let bitmap = self.bitmap(lineage, rendition.format)?;
                Ok(Made::Variant {
                    bytes: encoders::encode(bitmap, rendition, profile)?,
                    width: bitmap.size.width,
                    height: bitmap.size.height,
                })
            }
        }
    }

    /// Makes the picture of a lineage from its nearest ancestor at hand.
    fn paint(&mut self, lineage: &Lineage, rest: &[Piece]) -> Result<(), Fault> {
        for node in missing(&self.live, lineage) {
            let (Some(parent), Some(step)) = (node.parent(), node.steps.last()) else {
                continue;
            };
            let from = self.live.get(&parent).ok_or_else(unmade)?;
            let decided = self.decide(&node, step, from);
            let canvas = steps::apply(step, from, decided, self.assets, &mut self.resizer)?;
            if let Some(decided) = decided {
                self.decided.insert(node.clone(), decided);
            }
            self.live.insert(node, canvas);
            retire(&mut self.live, rest);
        }
        Ok(())
    }

    fn decide(&self, node: &Lineage, step: &Step, from: &Canvas) -> Option<Decided> {
        self.decided.get(node).copied().or_else(|| steps::decide(step, from))
    }

    fn canvas(&self, lineage: &Lineage) -> Result<&Canvas, Fault> {
        self.live.get(lineage).ok_or_else(unmade)
    }

    fn bitmap(&mut self, lineage: &Lineage, format: Format) -> Result<&Bitmap, Fault> {
        let alpha = if format.has_alpha() { Alpha::Keep } else { Alpha::Flatten };
        // Without alpha both ways to a bitmap are one.
        let alpha = if self.canvas(lineage)?.channels.has_alpha() { alpha } else { Alpha::Keep };
        let bitmap = match self.last.take() {
            Some((of, with, bitmap)) if of == *lineage && with == alpha => bitmap,
            _ => self.canvas(lineage)?.bitmap(alpha),
        };
        Ok(&self.last.insert((lineage.clone(), alpha, bitmap)).2)
    }
}

/// Lineages begin with a base, and every base is made first; a plan of another making may not.
fn unmade() -> Fault {
    Fault::damaged("The plan names a picture that it does not make.")
}
