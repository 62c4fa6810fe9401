//! Running a plan: one pass over the rows, then the pieces one after the other, sharing every
//! intermediate that their lineages have in common.

use std::collections::BTreeMap;

use fast_image_resize::Resizer;

use crate::derived;
use crate::fault::Fault;
use crate::formats::{self, Format};
use crate::linear::{Lines, Reducer};
use crate::plan::{Budget, Lineage, Made, Piece, Progress, Work, missing, retire};
use crate::resample::{Alpha, Bitmap, Canvas};
use crate::rows::Rows;

/// Bytes of decoded rows read at a time: they stay in the second-level cache.
const BAND: usize = 256 << 10;

pub(crate) fn run(
    pieces: &[Piece],
    rows: &mut dyn Rows,
    budget: &dyn Budget,
    made: &mut dyn FnMut(&Piece, Result<Made, Fault>),
) -> Result<Progress, Fault> {
    let mut studio = Studio { live: averages(pieces, rows)?, resizer: Resizer::new(), last: None };
    for (index, piece) in pieces.iter().enumerate() {
        if index > 0 && budget.spent() {
            return Ok(Progress { done: index });
        }
        let result = studio.make(piece, &pieces[index..]);
        made(piece, result);
        retire(&mut studio.live, &pieces[index + 1..]);
    }
    Ok(Progress { done: pieces.len() })
}

/// Reads the source once and averages it for each base that the pieces descend from.
fn averages(pieces: &[Piece], rows: &mut dyn Rows) -> Result<BTreeMap<Lineage, Canvas>, Fault> {
    let layout = rows.layout();
    let mut reducers: BTreeMap<Lineage, Reducer> = pieces
        .iter()
        .map(|piece| piece.lineage().base())
        .map(|base| (base.clone(), Reducer::new(layout, base.shrink)))
        .collect();
    if reducers.is_empty() {
        return Ok(BTreeMap::new());
    }
    let row_bytes = layout.row_bytes();
    let mut lines = Lines::new(layout);
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
            let line = lines.line(row);
            for reducer in reducers.values_mut() {
                reducer.feed(line);
            }
        }
        left -= read;
    }
    let samples = layout.width as usize * layout.channels.count();
    Ok(reducers
        .into_iter()
        .map(|(base, reducer)| {
            let canvas = reducer.finish(samples).turned(layout.orientation);
            (base, canvas)
        })
        .collect())
}

/// The pictures at hand.
struct Studio {
    live: BTreeMap<Lineage, Canvas>,
    resizer: Resizer,
    /// The last bitmap: the formats of one variant follow each other.
    last: Option<(Lineage, Alpha, Bitmap)>,
}

impl Studio {
    fn make(&mut self, piece: &Piece, rest: &[Piece]) -> Result<Made, Fault> {
        let lineage = piece.lineage();
        self.paint(lineage, rest)?;
        match &piece.work {
            Work::Derived { .. } => Ok(derived::derive(self.canvas(lineage)?)),
            Work::Variant(rendition) => {
                let bitmap = self.bitmap(lineage, rendition.format)?;
                Ok(Made::Variant {
                    bytes: formats::encode(bitmap, rendition.format, rendition.quality)?,
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
            let canvas = from.resampled(*step, &mut self.resizer)?;
            self.live.insert(node, canvas);
            retire(&mut self.live, rest);
        }
        Ok(())
    }

    fn canvas(&self, lineage: &Lineage) -> Result<&Canvas, Fault> {
        self.live.get(lineage).ok_or_else(unmade)
    }

    fn bitmap(&mut self, lineage: &Lineage, format: Format) -> Result<&Bitmap, Fault> {
        let alpha = match format {
            Format::Jpeg => Alpha::Flatten,
            _ => Alpha::Keep,
        };
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
