//! A picture laid into a larger box.

use fast_image_resize::Resizer;

use crate::canvas::Canvas;
use crate::effects::blurred;
use crate::fault::Fault;
use crate::geometry::{Point, Size};
use crate::plan::Backdrop;
use crate::resample::resampled;
use crate::steps::with;

/// How strongly a picture behind itself is blurred: the standard deviation in shares of the box's
/// longer side.
const BLUR: f64 = 0.03;

/// The box, filled with the backdrop, and the picture over it at a point of the room that is left.
/// A picture larger than the box is cut by it.
pub(super) fn padded(
    canvas: &Canvas,
    within: Size,
    at: Point,
    background: Backdrop,
    resizer: &mut Resizer,
) -> Result<Canvas, Fault> {
    let mut out = match background {
        Backdrop::Color(colour) => {
            let channels = with(canvas.channels, colour);
            let mut out = Canvas::empty(within, channels);
            let fill = channels.of(colour);
            for pixel in out.samples.chunks_exact_mut(channels.count()) {
                pixel.copy_from_slice(&fill[..channels.count()]);
            }
            out
        }
        Backdrop::Blurred => {
            let part = canvas.extent.around(Point::CENTRE, within);
            let filled = resampled(canvas, part, within, resizer)?;
            blurred(&filled, BLUR * f64::from(within.width.max(within.height)))
        }
    };
    let over = canvas.widened(out.channels);
    let place = |share: f64, room: u32| (share.clamp(0.0, 1.0) * f64::from(room)).round();
    let left = place(at.x.get(), within.width.saturating_sub(over.size.width));
    let top = place(at.y.get(), within.height.saturating_sub(over.size.height));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole numbers within the box"
    )]
    out.lay(&over, left as u32, top as u32);
    Ok(out)
}
