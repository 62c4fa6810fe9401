//! The same work by `imaging`, on one thread.

use std::{
    fs,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow};
use imaging::{
    Assets, Channels, Depth, Format, Header, Layout, Limits, Made, Orientation, Picture, Presets,
    Unlimited, Whole, open,
};
use ssimulacra2::{ColorPrimaries, Rgb, TransferCharacteristic, compute_frame_ssimulacra2};

/// Reads all rows of a file.
pub(crate) fn decode(file: &[u8]) -> Result<f64> {
    let clock = Clock::start();
    let header = Header::parse(file, Whole::Yes).map_err(|error| anyhow!("{error}"))?;
    let mut rows = open(file, &header, &Limits::default())?;
    let mut band = vec![0; rows.layout().row_bytes() * 64];
    while rows.read(&mut band)? > 0 {}
    Ok(clock.ms())
}

/// RGB to the one file of a preset, in the same size. The way into linear light and back is part of it.
pub(crate) fn encode(
    pixels: &[u8],
    width: u32,
    height: u32,
    preset: &str,
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
    let mut rows = Picture::new(layout, pixels.to_vec())?;
    let mut file = None;
    let clock = Clock::start();
    plan.run(&mut rows, Assets::NONE, &Unlimited, &mut |_, made| file = Some(made))?;
    let ms = clock.ms();
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

/// The time that this thread had a core, where the system tells; else the time that passed.
struct Clock {
    start: Instant,
    busy: Option<Duration>,
}

impl Clock {
    fn start() -> Clock {
        Clock { start: Instant::now(), busy: busy() }
    }

    fn ms(&self) -> f64 {
        let busy = self.busy.zip(busy()).map(|(before, after)| after.saturating_sub(before));
        busy.unwrap_or_else(|| self.start.elapsed()).as_secs_f64() * 1000.0
    }
}

fn busy() -> Option<Duration> {
    let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}
