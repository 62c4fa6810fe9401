//! The same work by `imaging`, on one thread.

use anyhow::{Context as _, Result, anyhow};
use cpu_time::ThreadTime;
use imaging::{
    Assets, Channels, Depth, Format, Header, Layout, Limits, Made, Orientation, Picture, Presets,
    Unlimited, Whole, open,
};
use ssimulacra2::{ColorPrimaries, Rgb, TransferCharacteristic, compute_frame_ssimulacra2};

/// Reads all rows of a file, so many times; milliseconds of each.
pub(crate) fn decode(file: &[u8], times: u32) -> Result<f64> {
    let clock = ThreadTime::now();
    for _ in 0..times {
        let header = Header::parse(file, Whole::Yes).map_err(|error| anyhow!("{error}"))?;
        let mut rows = open(file, &header, &Limits::default())?;
        let mut band = vec![0; rows.layout().row_bytes() * 64];
        while rows.read(&mut band)? > 0 {}
    }
    Ok(clock.elapsed().as_secs_f64() * 1000.0 / f64::from(times))
}

/// RGB to the one file of a preset, in the same size, so many times. The way into linear light and back
/// is part of it.
pub(crate) fn encode(
    pixels: &[u8],
    (width, height): (u32, u32),
    preset: &str,
    times: u32,
) -> Result<(f64, Vec<u8>)> {
    let presets = Presets::parse(&format!("[variants.one]\nwidth = 65535\n{preset}\n"))?;
    let header = Header {
        format: Format::Png,
        width,
        height,
        orientation: Orientation::Upright,
        frames: 1,
        channels: Channels::Rgb,
        depth: 8,
        progressive: false,
    };
    let layout = Layout {
        width,
        height,
        channels: Channels::Rgb,
        depth: Depth::Eight,
        orientation: Orientation::Upright,
    };
    let mut plan = presets.plan(&header);
    plan.pieces.retain(|piece| piece.format().is_some());
    let mut file = None;
    let clock = ThreadTime::now();
    for _ in 0..times {
        let mut rows = Picture::new(layout, pixels.to_vec())?;
        plan.run(&mut rows, Assets::NONE, &Unlimited, &mut |_, made| file = Some(made))?;
    }
    let ms = clock.elapsed().as_secs_f64() * 1000.0 / f64::from(times);
    match file.context("nothing was made")?? {
        Made::Variant { bytes, .. } => Ok((ms, bytes)),
        Made::Derived { .. } => Err(anyhow!("no file was made")),
    }
}

/// SSIMULACRA2 of two pictures of RGB.
pub(crate) fn score(source: &[u8], shown: &[u8], width: u32, height: u32) -> Result<f64> {
    let picture = |pixels: &[u8]| {
        let (pixels, _) = pixels.as_chunks::<3>();
        let floats =
            pixels.iter().map(|pixel| pixel.map(|value| f32::from(value) / 255.0)).collect();
        let (width, height) = (width as usize, height as usize);
        Rgb::new(floats, width, height, TransferCharacteristic::SRGB, ColorPrimaries::BT709)
            .map_err(|error| anyhow!("{error:?}"))
    };
    compute_frame_ssimulacra2(picture(source)?, picture(shown)?)
        .map_err(|error| anyhow!("{error:?}"))
}
