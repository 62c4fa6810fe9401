//! How variants look: SSIMULACRA2 (Jon Sneyers, Cloudinary), 100 at most, of a variant against the
//! PNG of the same size. `benches/quality` measures with it, too.

use imaging::{Channels, Depth, Format, Header, Limits, Whole, open};
use ssimulacra2::{ColorPrimaries, Rgb, TransferCharacteristic, compute_frame_ssimulacra2};

use super::made::variants;

/// A photograph in one size, as a PNG and as what is seen of it.
pub(crate) struct Subject {
    file: Vec<u8>,
    seen: Rgb,
}

impl Subject {
    /// Brought into a box.
    pub(crate) fn new(file: &[u8], side: u32) -> Subject {
        let file = made(file, side, Format::Png, 80);
        Subject { seen: pixels(&file), file }
    }

    /// How it looks as presets with this quality write it, and in how many bytes.
    pub(crate) fn look(&self, format: Format, quality: u8) -> (f64, usize) {
        let variant = made(&self.file, u32::from(u16::MAX), format, quality);
        let score = compute_frame_ssimulacra2(self.seen.clone(), pixels(&variant)).unwrap();
        (score, variant.len())
    }
}

fn made(file: &[u8], side: u32, format: Format, quality: u8) -> Vec<u8> {
    let text = format!(
        "[variants.one]\nwidth = {side}\nheight = {side}\nformats = [\"{}\"]\nquality = {quality}",
        format.name()
    );
    let header = Header::parse(file, Whole::Yes).unwrap();
    variants(&text, file, &header).0.remove(0).1
}

/// Decoded by the crate itself, which other tests hold to other decoders.
fn pixels(file: &[u8]) -> Rgb {
    let header = Header::parse(file, Whole::Yes).unwrap();
    let mut rows = open(file, &header, &Limits::default()).unwrap();
    let layout = rows.layout();
    assert_eq!((layout.channels, layout.depth), (Channels::Rgb, Depth::Eight));
    let mut samples = vec![0; layout.row_bytes() * layout.height as usize];
    let mut at = 0;
    while at < samples.len() {
        let read = rows.read(&mut samples[at..at + layout.row_bytes()]).unwrap();
        assert!(read > 0, "the picture ends before its last row");
        at += read * layout.row_bytes();
    }
    let (colours, _) = samples.as_chunks::<3>();
    let data = colours.iter().map(|rgb| rgb.map(|value| f32::from(value) / 255.0)).collect();
    let (width, height) = (layout.width as usize, layout.height as usize);
    Rgb::new(data, width, height, TransferCharacteristic::SRGB, ColorPrimaries::BT709).unwrap()
}
