//! Text as coverage, by the one font that is compiled in: nothing of the system has a part in it.

use std::sync::LazyLock;

use ab_glyph::{Font as _, FontRef, GlyphId, PxScale, ScaleFont as _, point};

use crate::canvas::Canvas;
use crate::formats::Channels;
use crate::geometry::Size;

/// Inter Medium 4.0 by The Inter Project Authors under the SIL Open Font License 1.1, which lies
/// beside it, cut down to Latin, Greek, Cyrillic and common signs.
static FONT: LazyLock<FontRef<'static>> =
    LazyLock::new(|| match FontRef::try_from_slice(include_bytes!("Inter-Medium.subset.otf")) {
        Ok(font) => font,
        Err(error) => unreachable!("a test sets text in the font that is compiled in: {error}"),
    });

/// Whether the font has a character.
pub(super) fn has(character: char) -> bool {
    FONT.glyph_id(character) != GlyphId(0)
}

/// Lines of text in a size.
pub(super) struct Setting<'t> {
    text: &'t str,
    /// Pixels of an em.
    em: f32,
}

impl<'t> Setting<'t> {
    pub(super) fn new(text: &'t str, em: f32) -> Setting<'t> {
        Setting { text, em }
    }

    /// The same no larger than a room.
    pub(super) fn within(self, room: Size) -> Setting<'t> {
        let (width, height) = self.extent();
        let fits = |room: u32, taken: f32| {
            #[expect(clippy::cast_precision_loss, reason = "sides are below 2²⁴")]
            let room = room as f32;
            if taken > room { room / taken } else { 1.0 }
        };
        let scale = fits(room.width, width).min(fits(room.height, height));
        Setting { em: self.em * scale, ..self }
    }

    /// Pixels of an em.
    pub(super) fn em(&self) -> f32 {
        self.em
    }

    /// What `ab_glyph` calls the scale is the height from ascent to descent.
    fn scale(&self) -> PxScale {
        let em = FONT.units_per_em().unwrap_or(1_000.0);
        PxScale::from(self.em * FONT.height_unscaled() / em)
    }

    /// Columns and rows, in fractions of pixels.
    fn extent(&self) -> (f32, f32) {
        let font = FONT.as_scaled(self.scale());
        let width = self
            .text
            .lines()
            .map(|line| line.chars().map(|c| font.h_advance(font.glyph_id(c))).sum::<f32>())
            .fold(0.0, f32::max);
        #[expect(clippy::cast_precision_loss, reason = "a few lines")]
        let lines = self.text.lines().count() as f32;
        (width, lines * font.height())
    }

    /// The size in whole pixels.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "casts of floats are cut to the range"
    )]
    pub(super) fn size(&self) -> Size {
        let (width, height) = self.extent();
        Size::new(width.ceil() as u32, height.ceil() as u32)
    }

    /// How much of each pixel the text covers, with a border of `around` pixels for what spreads
    /// out from it.
    pub(super) fn coverage(&self, around: u32) -> Canvas {
        let size = self.size();
        let size = Size::new(size.width + 2 * around, size.height + 2 * around);
        let mut canvas = Canvas::empty(size, Channels::Grey);
        let font = FONT.as_scaled(self.scale());
        #[expect(clippy::cast_precision_loss, reason = "sides are below 2²⁴")]
        let border = around as f32;
        let mut baseline = border + font.ascent();
        for line in self.text.lines() {
            let mut pen = border;
            for character in line.chars() {
                let id = font.glyph_id(character);
                let glyph = id.with_scale_and_position(self.scale(), point(pen, baseline));
                pen += font.h_advance(id);
                if let Some(outline) = FONT.outline_glyph(glyph) {
                    draw(&mut canvas, &outline);
                }
            }
            baseline += font.height();
        }
        canvas
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "places near the canvas, and coverage of 0–1"
)]
fn draw(canvas: &mut Canvas, outline: &ab_glyph::OutlinedGlyph) {
    let bounds = outline.px_bounds();
    let (left, top) = (bounds.min.x as i64, bounds.min.y as i64);
    let (width, height) = (i64::from(canvas.size.width), i64::from(canvas.size.height));
    outline.draw(|x, y, coverage| {
        let (x, y) = (left + i64::from(x), top + i64::from(y));
        if (0..width).contains(&x) && (0..height).contains(&y) {
            let at = (y * width + x) as usize;
            let more = (coverage * 65_535.0 + 0.5) as u16;
            if let Some(sample) = canvas.samples.get_mut(at) {
                *sample = sample.saturating_add(more);
            }
        }
    });
}
