//! AVIF (AV1 Image File Format 1.1) in the boxes of [`heif`](super::heif); AV1 by a port of dav1d to
//! Rust, without assembler and in one thread.

use re_rav1d::dav1d::pixel::{
    ColorPrimaries, MatrixCoefficients, TransferCharacteristic, YUVRange,
};
use re_rav1d::dav1d::{self, Decoder, PixelLayout, PlanarImageComponent, Settings};

use super::Header;
use super::heif::{Coded, Heif};
use super::mosaic::Canvas;
use super::yuv::{Matrix, Planes, Sampling};
use crate::fault::{Fault, FaultCode};
use crate::limits::Limits;
use crate::rows::{Picture, Rows};

/// The picture, a frame of it with its borders and its copy, alpha, and what the decoder keeps for each
/// block.
pub(crate) fn memory(header: &Header) -> u64 {
    let padded = |side: u32| u64::from(side).next_multiple_of(128) + 128;
    let pixels = padded(header.width) * padded(header.height);
    let sample = if header.depth > 8 { 2 } else { 1 };
    pixels * (sample * (3 + 4 + 1) + 6 + 3) + (8 << 20)
}

/// Decodes the primary picture, tile by tile.
pub(crate) fn open<'a>(
    bytes: &'a [u8],
    header: &Header,
    limits: &Limits,
) -> Result<Box<dyn Rows + 'a>, Fault> {
    let (heif, layout) = Heif::open(bytes, header, limits)?;
    let mut canvas = Canvas::new(&heif, layout);
    let mut points = (2, 2);
    each(&heif, &heif.primary, |frame, left, top| {
        points = frame.points();
        let matrix = match heif.nclx {
            Some(nclx) => Matrix::new(nclx.matrix, nclx.full),
            None => Matrix::new(frame.matrix(), frame.full()),
        };
        canvas.colour(
            &frame.planes(),
            matrix.ok_or_else(|| {
                Fault::unsupported("The AVIF has a colour matrix that is not read.")
            })?,
            left,
            top,
        );
        Ok(())
    })?;
    if let Some(alpha) = &heif.alpha {
        each(&heif, alpha, |frame, left, top| {
            canvas.alpha(&frame.planes(), frame.full(), left, top);
            Ok(())
        })?;
    }
    if heif.premultiplied {
        canvas.divide();
    }
    let colour = heif.colour(points.0, points.1);
    Ok(Box::new(Picture::new(layout, canvas.samples)?.coloured(colour)))
}

/// Decodes each tile of a picture and hands it out with its place.
fn each(
    heif: &Heif<'_>,
    coded: &Coded,
    mut draw: impl FnMut(&Frame, u32, u32) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut size = None;
    for (index, data) in (0_u32..).zip(heif.tiles(coded)) {
        let frame = Frame::decode(data?, coded)?;
        // All tiles are as large as the first.
        let (width, height) = *size.get_or_insert((frame.0.width(), frame.0.height()));
        let (row, column) = (index / coded.columns, index % coded.columns);
        let rows = u32::try_from(coded_rows(coded)).unwrap_or(1);
        if u64::from(width) * u64::from(coded.columns) < u64::from(coded.width)
            || u64::from(height) * u64::from(rows) < u64::from(coded.height)
        {
            return Err(Fault::damaged("The AVIF's tiles do not cover its picture."));
        }
        draw(&frame, column.saturating_mul(width), row.saturating_mul(height))?;
    }
    Ok(())
}

fn coded_rows(coded: &Coded) -> usize {
    coded.tile_count() / coded.columns.max(1) as usize
}

/// A decoded frame of AV1.
struct Frame(dav1d::Picture);

impl Frame {
    /// The first frame that comes out, at the highest quality that the file has of it.
    fn decode(data: Vec<u8>, coded: &Coded) -> Result<Frame, Fault> {
        let damaged = |error: dav1d::Error| match error {
            dav1d::Error::NotEnoughMemory => {
                Fault::new(FaultCode::TooMuchMemory, "The AVIF needs more memory than there is.")
            }
            dav1d::Error::UnsupportedBitstream => {
                Fault::unsupported("The AVIF holds AV1 of a kind that is not read.")
            }
            other => Fault::damaged(format!("The AVIF is damaged: {other}.")),
        };
        let mut settings = Settings::new();
        settings.set_n_threads(1);
        settings.set_max_frame_delay(1);
        settings.set_all_layers(false);
        // A frame larger than its box says would not have been counted. Tiles of a grid may hang
        // over its edge.
        let pixels = u64::from(coded.width.next_multiple_of(64) + 64)
            * u64::from(coded.height.next_multiple_of(64) + 64);
        settings.set_frame_size_limit(u32::try_from(pixels).unwrap_or(u32::MAX));
        let mut decoder = Decoder::with_settings(&settings).map_err(damaged)?;
        let mut pending = match decoder.send_data(data, None, None, None) {
            Ok(()) => false,
            Err(dav1d::Error::Again) => true,
            Err(error) => return Err(damaged(error)),
        };
        loop {
            match decoder.get_picture() {
                Ok(picture) => return Ok(Frame(picture)),
                Err(dav1d::Error::Again) if pending => {
                    pending = match decoder.send_pending_data() {
                        Ok(()) => false,
                        Err(dav1d::Error::Again) => {
                            return Err(Fault::damaged("The AVIF's decoder makes no progress."));
                        }
                        Err(error) => return Err(damaged(error)),
                    };
                }
                Err(dav1d::Error::Again) => {
                    return Err(Fault::truncated("The AVIF ends before its picture does."));
                }
                Err(error) => return Err(damaged(error)),
            }
        }
    }

    fn planes(&self) -> Planes {
        let sampling = match self.0.pixel_layout() {
            PixelLayout::I400 => Sampling::Mono,
            PixelLayout::I420 => Sampling::Quarter,
            PixelLayout::I422 => Sampling::Half,
            PixelLayout::I444 => Sampling::Full,
        };
        let plane = |which| {
            let wide = self.0.bit_depth() > 8;
            let stride = self.0.stride(which) as usize;
            let plane = self.0.plane(which);
            if wide {
                let samples =
                    plane.as_chunks::<2>().0.iter().map(|two| u16::from_ne_bytes(*two)).collect();
                (samples, stride / 2)
            } else {
                (plane.iter().map(|byte| u16::from(*byte)).collect(), stride)
            }
        };
        let colour = |which| match sampling {
            Sampling::Mono => (Vec::new(), 0),
            _ => plane(which),
        };
        Planes {
            width: self.0.width(),
            height: self.0.height(),
            bits: u32::try_from(self.0.bit_depth()).unwrap_or(8),
            sampling,
            y: plane(PlanarImageComponent::Y),
            u: colour(PlanarImageComponent::U),
            v: colour(PlanarImageComponent::V),
        }
    }

    fn full(&self) -> bool {
        matches!(self.0.color_range(), YUVRange::Full)
    }

    /// Primaries and transfer characteristics, as numbers of H.273.
    fn points(&self) -> (u8, u8) {
        let primaries = match self.0.color_primaries() {
            ColorPrimaries::BT709 => 1,
            ColorPrimaries::BT470M => 4,
            ColorPrimaries::BT470BG => 5,
            ColorPrimaries::ST170M => 6,
            ColorPrimaries::ST240M => 7,
            ColorPrimaries::BT2020 => 9,
            ColorPrimaries::P3DCI => 11,
            ColorPrimaries::P3Display => 12,
            _ => 2,
        };
        let transfer = match self.0.transfer_characteristic() {
            TransferCharacteristic::BT470M => 4,
            TransferCharacteristic::BT470BG => 5,
            TransferCharacteristic::Linear => 8,
            TransferCharacteristic::PerceptualQuantizer => 16,
            TransferCharacteristic::HybridLogGamma => 18,
            _ => 2,
        };
        (primaries, transfer)
    }

    fn matrix(&self) -> u8 {
        match self.0.matrix_coefficients() {
            MatrixCoefficients::Identity => 0,
            MatrixCoefficients::BT709 => 1,
            MatrixCoefficients::Unspecified => 2,
            MatrixCoefficients::BT470M => 4,
            MatrixCoefficients::BT470BG => 5,
            MatrixCoefficients::ST170M => 6,
            MatrixCoefficients::ST240M => 7,
            MatrixCoefficients::YCgCo => 8,
            MatrixCoefficients::BT2020NonConstantLuminance => 9,
            _ => u8::MAX,
        }
    }
}
