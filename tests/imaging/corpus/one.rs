//! One file, read as the pipeline does: what comes of it, and the picture in a few cells, so that
//! another decoder's can be laid beside it.

use std::time::{Duration, Instant};

use imaging::colour::Colour;
use imaging::{Channels, Depth, Fault, Header, HeaderError, Layout, Limits, Whole, open};

/// Most columns and rows of cells.
const CELLS: usize = 32;

/// What came of a file.
pub struct Outcome {
    /// `ready`, or the code of its fault.
    pub code: String,
    pub detail: String,
    pub format: String,
    /// Upright.
    pub width: u32,
    pub height: u32,
    pub frames: u32,
    /// Of the decoded rows, upright.
    pub cells: Option<Cells>,
    /// The samples are as sRGB: no profile, no code points.
    pub plain: bool,
    /// Of one core.
    pub ms: u128,
}

/// Averages of blocks, in 0–255 of the source's own encoding; colour is multiplied by alpha.
pub struct Cells {
    pub columns: usize,
    pub rows: usize,
    pub channels: usize,
    pub values: Vec<f64>,
}

pub fn read(file: &[u8]) -> Outcome {
    let (start, busy) = (Instant::now(), on_cpu());
    let mut outcome = Outcome {
        code: "ready".into(),
        detail: String::new(),
        format: "-".into(),
        width: 0,
        height: 0,
        frames: 0,
        cells: None,
        plain: true,
        ms: 0,
    };
    if let Err(fault) = decode(file, &mut outcome) {
        outcome.code = fault.code.as_str().into();
        outcome.detail = fault.detail;
    }
    let spent = busy.zip(on_cpu()).map(|(before, after)| after.saturating_sub(before));
    outcome.ms = spent.unwrap_or_else(|| start.elapsed()).as_millis();
    outcome
}

fn decode(file: &[u8], outcome: &mut Outcome) -> Result<(), Fault> {
    let limits = Limits::default();
    limits.check_bytes(file.len() as u64)?;
    let header = match Header::parse(file, Whole::Yes) {
        Ok(header) => header,
        Err(HeaderError::Fault(fault)) => return Err(fault),
        Err(HeaderError::NeedMore) => panic!("all of the file was given"),
    };
    outcome.format = header.format.name().into();
    (outcome.width, outcome.height) = header.upright();
    outcome.frames = header.frames;
    limits.check(&header)?;
    let mut rows = open(file, &header, &limits)?;
    let layout = rows.layout();
    outcome.plain = *rows.colour() == Colour::Srgb;
    let mut sums = Sums::new(layout);
    let mut band = vec![0; layout.row_bytes() * (65_536 / layout.row_bytes()).clamp(1, 64)];
    loop {
        let read = rows.read(&mut band)?;
        if read == 0 {
            break;
        }
        for row in band.chunks_exact(layout.row_bytes()).take(read) {
            sums.add(row);
        }
    }
    assert_eq!(sums.next, layout.height as usize, "all rows, or a fault");
    outcome.cells = Some(sums.finish());
    Ok(())
}

struct Sums {
    layout: Layout,
    columns: usize,
    rows: usize,
    values: Vec<f64>,
    counts: Vec<f64>,
    next: usize,
}

impl Sums {
    fn new(layout: Layout) -> Sums {
        let (columns, rows) = (CELLS.min(layout.width as usize), CELLS.min(layout.height as usize));
        let values = vec![0.0; columns * rows * layout.channels.count()];
        Sums { layout, columns, rows, values, counts: vec![0.0; columns * rows], next: 0 }
    }

    fn add(&mut self, row: &[u8]) {
        let channels = self.layout.channels.count();
        let sample = |index: usize| match self.layout.depth {
            Depth::Eight => f64::from(row[index]),
            Depth::Sixteen => {
                f64::from(u16::from_ne_bytes([row[2 * index], row[2 * index + 1]])) / 257.0
            }
        };
        let alpha = matches!(self.layout.channels, Channels::GreyAlpha | Channels::Rgba);
        let y = self.next * self.rows / self.layout.height as usize;
        for x in 0..self.layout.width as usize {
            let cell = y * self.columns + x * self.columns / self.layout.width as usize;
            self.counts[cell] += 1.0;
            let cover = if alpha { sample(x * channels + channels - 1) / 255.0 } else { 1.0 };
            for channel in 0..channels {
                let last = alpha && channel == channels - 1;
                let value = sample(x * channels + channel) * if last { 1.0 } else { cover };
                self.values[cell * channels + channel] += value;
            }
        }
        self.next += 1;
    }

    /// Averages, turned upright.
    fn finish(self) -> Cells {
        let channels = self.layout.channels.count();
        let number = self.layout.orientation.exif();
        let turned = self.layout.orientation.swaps_sides();
        let (columns, rows) =
            if turned { (self.rows, self.columns) } else { (self.columns, self.rows) };
        let mut values = Vec::new();
        for y in 0..rows {
            for x in 0..columns {
                let (right, down) = (columns - 1 - x, rows - 1 - y);
                let (x, y) = match number {
                    2 => (right, y),
                    3 => (right, down),
                    4 => (x, down),
                    5 => (y, x),
                    6 => (y, right),
                    7 => (down, right),
                    8 => (down, x),
                    _ => (x, y),
                };
                let cell = y * self.columns + x;
                for channel in 0..channels {
                    values.push(self.values[cell * channels + channel] / self.counts[cell]);
                }
            }
        }
        Cells { columns, rows, channels, values }
    }
}

impl Outcome {
    /// One line of fields between tabs, the cells last.
    pub fn line(&self) -> String {
        let cells = self.cells.as_ref().map_or("-".into(), |cells| {
            let values: Vec<String> = cells.values.iter().map(|v| format!("{v:.2}")).collect();
            format!("{} {} {} {}", cells.columns, cells.rows, cells.channels, values.join(" "))
        });
        let Outcome { code, format, width, height, frames, plain, ms, .. } = self;
        let detail = self.detail.replace(['\t', '\n'], " ");
        format!(
            "{code}\t{format}\t{width}x{height}\t{frames}\t{plain}\t{ms}\t{}\t{detail}\t{cells}",
            peak_mb()
        )
    }
}

/// How long this thread had a core, where the system says: what else runs does not count then.
pub fn on_cpu() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

/// The most memory that this process held so far, in MB; 0 where the system does not say.
pub fn peak_mb() -> u64 {
    std::fs::read_to_string("/proc/self/status")
        .ok()
        .and_then(|text| {
            let line = text.lines().find(|line| line.starts_with("VmHWM:"))?.to_owned();
            line.split_whitespace().nth(1)?.parse::<u64>().ok()
        })
        .map_or(0, |kilobytes| kilobytes / 1024)
}
