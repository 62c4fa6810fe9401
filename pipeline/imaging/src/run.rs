//! Running a plan: one pass over the rows, then the pieces one after the other, sharing every
//! intermediate that their lineages have in common. The pieces that move are made together, in one
//! pass over the pictures of the animation, when the first of them is due.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fast_image_resize::Resizer;

use crate::canvas::{Alpha, Bitmap, Canvas};
use crate::colour::{Colour, Space};
use crate::derived;
use crate::effects::Assets;
use crate::encoders::{self, Film};
use crate::fault::Fault;
use crate::formats::{Channels, Format};
use crate::gain_map::GainMap;
use crate::geometry::Size;
use crate::linear::{Lines, Reducer};
use crate::plan::{
    Budget, Lineage, Made, Part, Piece, Progress, Rendition, Step, Work, missing, retire,
};
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
    let Averages { live, kept, notes } = averages(pieces.iter(), rows)?;
    let profile = if kept { Profile::of(rows) } else { None };
    let srgb = *rows.colour() == Colour::Srgb;
    let gain_map = rows.gain_map().map(|map| Mapped { of: rows.layout().upright(), srgb, map });
    let mut studio = Studio::new(assets, profile, gain_map, live);
    let mut films: BTreeMap<usize, Result<Made, Fault>> = BTreeMap::new();
    let mut filmed = false;
    for (index, piece) in pieces.iter().enumerate() {
        // What is filmed is handed over: it would be filmed again.
        if index > 0 && !films.contains_key(&index) && budget.spent() {
            return Ok(Progress { done: index, notes: notes.into_iter().collect() });
        }
        if piece.moves() && !filmed {
            films = film(&pieces[index..], index, rows, &mut studio);
            filmed = true;
        }
        let result = match films.remove(&index) {
            Some(film) => film,
            None => studio.make(piece, &pieces[index..]),
        };
        made(piece, result);
        retire(&mut studio.live, &pieces[index + 1..]);
    }
    Ok(Progress { done: pieces.len(), notes: notes.into_iter().collect() })
}

/// The profile that goes into files whose colours are those of the source.
struct Profile {
    bytes: Arc<[u8]>,
    grey: bool,
}

impl Profile {
    fn of(rows: &dyn Rows) -> Option<Profile> {
        match rows.colour() {
            Colour::Profile(bytes) => {
                Some(Profile { bytes: bytes.clone(), grey: is_grey(rows.layout().channels) })
            }
            Colour::Srgb | Colour::Coded { .. } => None,
        }
    }

    /// An effect may have made colour of grey, about which a profile for grey says nothing.
    fn fits(&self, canvas: &Canvas) -> bool {
        self.grey == is_grey(canvas.channels)
    }
}

fn is_grey(channels: Channels) -> bool {
    channels.count() < 3
}

/// A source with a gain map.
struct Mapped {
    /// Its size, upright.
    of: Size,
    /// Its colours are sRGB.
    srgb: bool,
    map: GainMap,
}

impl Mapped {
    /// Whether the map says of a variant what it says of the source.
    fn holds(&self, rendition: &Rendition) -> bool {
        let whole = |step: &Step| matches!(step, Step::Resample(to) if to.part == Part::Whole);
        let colours = self.srgb || !self.map.is_coloured();
        rendition.format == Format::Jpeg
            && rendition.lineage.steps.iter().all(whole)
            && (colours || rendition.lineage.space == Space::Source)
    }
}

/// What was read of one picture.
struct Averages {
    /// The base of each lineage.
    live: BTreeMap<Lineage, Canvas>,
    /// Whether what is in the source's own colours follows its profile.
    kept: bool,
    notes: BTreeSet<String>,
}

/// Reads one picture and averages it for each base that the pieces descend from.
fn averages<'p>(
    pieces: impl Iterator<Item = &'p Piece>,
    rows: &mut dyn Rows,
) -> Result<Averages, Fault> {
    let layout = rows.layout();
    let mut reducers: BTreeMap<Space, BTreeMap<Lineage, Reducer>> = BTreeMap::new();
    for base in pieces.map(|piece| piece.lineage().base()) {
        let same = reducers.entry(base.space).or_default();
        same.entry(base).or_insert_with_key(|base| Reducer::new(layout, base.shrink));
    }
    let mut spaces = Vec::new();
    for (space, reducers) in reducers {
        spaces.push((Lines::new(layout, rows.colour(), space), reducers));
    }
    let kept = spaces.iter().any(|(lines, _)| lines.reading().kept);
    let notes = spaces.iter().filter_map(|(lines, _)| lines.reading().note.clone()).collect();
    if spaces.is_empty() {
        return Ok(Averages { live: BTreeMap::new(), kept, notes });
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
                let line = lines.line(row)?;
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
    let live = spaces.into_iter().flat_map(|(_, reducers)| reducers).map(finished).collect();
    Ok(Averages { live, kept, notes })
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
    // False where none can be made any more.
    let mut shoot = |studio: &mut Studio<'_>, duration: u32| {
        for reel in &mut reels {
            reel.shoot(studio, &moving, repeats, duration);
        }
        reels.iter().any(|reel| !matches!(reel.film, Some(Err(_))))
    };
    // The pictures of pieces that stand still are wanted afterwards.
    let still = studio.live.clone();
    let mut going = shoot(studio, rows.duration_ms());
    let ended = loop {
        if !going {
            break None;
        }
        match rows.advance() {
            Ok(false) => break None,
            Err(fault) => break Some(fault),
            Ok(true) => {}
        }
        match averages(moving.iter(), rows) {
            Ok(averages) => studio.next(averages.live),
            Err(fault) => break Some(fault),
        }
        going = shoot(studio, rows.duration_ms());
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
    profile: Option<Arc<[u8]>>,
}

impl<'p> Reel<'p> {
    fn new(index: usize, piece: &'p Piece) -> Option<Reel<'p>> {
        match &piece.work {
            Work::Variant(rendition) if piece.moves() => {
                Some(Reel { index, piece, rendition, film: None, size: (0, 0), profile: None })
            }
            _ => None,
        }
    }

    fn shoot(&mut self, studio: &mut Studio<'_>, moving: &[Piece], repeats: u32, duration: u32) {
        if matches!(self.film, Some(Err(_))) {
            return;
        }
        let lineage = self.piece.lineage();
        let painted = studio.paint(lineage, moving).and_then(|()| studio.profile(lineage));
        let bitmap = painted.and_then(|profile| {
            self.profile = profile;
            studio.bitmap(lineage, self.rendition.format)
        });
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
        let film = self.film.unwrap_or_else(|| Err(unmade()))?;
        let bytes = film.finish(self.profile.as_deref())?;
        Ok(Made::Variant { bytes, width: self.size.0, height: self.size.1 })
    }
}

/// The pictures at hand.
struct Studio<'a> {
    assets: &'a Assets,
    /// The source's, where it is good.
    profile: Option<Profile>,
    gain_map: Option<Mapped>,
    live: BTreeMap<Lineage, Canvas>,
    /// What was looked for and found in the first picture.
    decided: BTreeMap<Lineage, Decided>,
    resizer: Resizer,
    /// The last bitmap: the formats of one variant follow each other.
    last: Option<(Lineage, Alpha, Bitmap)>,
}

impl<'a> Studio<'a> {
    fn new(
        assets: &'a Assets,
        profile: Option<Profile>,
        gain_map: Option<Mapped>,
        live: BTreeMap<Lineage, Canvas>,
    ) -> Studio<'a> {
        let (decided, resizer) = (BTreeMap::new(), Resizer::new());
        Studio { assets, profile, gain_map, live, decided, resizer, last: None }
    }

    /// The file with the source's gain map, which is kept where that is cheap: in a JPEG that shows
    /// all of the picture as it is.
    fn mapped(
        &mut self,
        file: Vec<u8>,
        size: Size,
        rendition: &Rendition,
    ) -> Result<Vec<u8>, Fault> {
        match &self.gain_map {
            Some(mapped) if mapped.holds(rendition) => {
                let fitted = mapped.map.fitted(mapped.of, size, &mut self.resizer)?;
                encoders::with_gain_map(&file, &fitted, mapped.map.meaning)
            }
            _ => Ok(file),
        }
    }

    /// The profile of a picture that is at hand.
    fn profile(&self, lineage: &Lineage) -> Result<Option<Arc<[u8]>>, Fault> {
        let canvas = self.canvas(lineage)?;
        let kept = self.profile.as_ref().filter(|_| lineage.space == Space::Source);
        Ok(kept.filter(|profile| profile.fits(canvas)).map(|profile| profile.bytes.clone()))
    }

    /// The next picture of an animation; what was decided on the first one holds.
    fn next(&mut self, live: BTreeMap<Lineage, Canvas>) {
        self.live = live;
        self.last = None;
    }

    fn make(&mut self, piece: &Piece, rest: &[Piece]) -> Result<Made, Fault> {
        let lineage = piece.lineage();
        self.paint(lineage, rest)?;
        match &piece.work {
            Work::Derived { .. } => Ok(derived::derive(self.canvas(lineage)?)),
            Work::Variant(rendition) => {
                let profile = self.profile(lineage)?;
                let bitmap = self.bitmap(lineage, rendition.format)?;
                let size = bitmap.size;
                let file = encoders::encode(bitmap, rendition, profile.as_deref())?;
                Ok(Made::Variant {
                    bytes: self.mapped(file, size, rendition)?,
                    width: size.width,
                    height: size.height,
                })
            }
        }
    }

    /// Makes the picture of a lineage from its nearest ancestor at hand.
    fn paint(&mut self, lineage: &Lineage, rest: &[Piece]) -> Result<(), Fault> {
        if self.last.as_ref().is_some_and(|(of, ..)| of != lineage) {
            self.last = None;
        }
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
        let same = |last: &(Lineage, Alpha, Bitmap)| last.0 == *lineage && last.1 == alpha;
        let bitmap = match self.last.take().filter(same) {
            Some((.., bitmap)) => bitmap,
            None => self.canvas(lineage)?.bitmap(alpha),
        };
        Ok(&self.last.insert((lineage.clone(), alpha, bitmap)).2)
    }
}

/// Lineages begin with a base, and every base is made first; a plan of another making may not.
fn unmade() -> Fault {
    Fault::damaged("The plan names a picture that it does not make.")
}
