//! Where the eye goes first: the part of a picture that a crop should keep.

use crate::canvas::{Canvas, Rectangle};
use crate::geometry::{Point, Size};

/// The largest part of the aspect of `size` that holds most of what draws the eye.
pub(crate) fn part(canvas: &Canvas, size: Size) -> Rectangle {
    canvas.extent.around(Point::CENTRE, size)
}
