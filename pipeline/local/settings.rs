//! The settings of `darkroom serve`: flags and environment in, checked values out.
//!
//! Every mistake is reported, not just the first: each names the flag and the variable, the value
//! given, and the form wanted.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    num::NonZeroUsize,
    path::{Path, PathBuf},
    thread::available_parallelism,
    time::Duration,
};

use api::Cors;
use clap::Args;
use domain::{forms, parts};
use imaging::Limits;

use crate::{
    capacity::{Capacity, Memory, WORKER_LEAST},
    logging::LogFormat,
    machine, presets,
};

/// `darkroom serve`'s flags, as written. They are text here, so that [`Settings::read`] can report
/// all mistakes together.
#[derive(Args, Clone, Debug, Default)]
pub struct Flags {
    /// Where to listen. Beyond loopback it takes an API key (`darkroom keys create`)
    #[arg(
        long,
        env = "DARKROOM_LISTEN",
        value_name = "ADDRESS:PORT",
        default_value = "127.0.0.1:8080"
    )]
    pub listen: String,
    /// The data directory: everything that Darkroom keeps. Made if it is not there
    #[arg(long, env = "DARKROOM_DATA", value_name = "DIR", default_value = "darkroom-data")]
    pub data: PathBuf,
    /// What clients reach this server by; upload URLs and variants' URLs begin with it
    #[arg(long, env = "DARKROOM_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,
    /// A file of presets in place of the built-in ones
    #[arg(long, env = "DARKROOM_PRESETS", value_name = "FILE")]
    pub presets: Option<PathBuf>,
    /// A web page's origin that may use the API and the upload URLs; may be repeated, or `*`
    #[arg(long, env = "DARKROOM_CORS_ORIGIN", value_name = "ORIGIN", value_delimiter = ',')]
    pub cors_origin: Vec<String>,
    /// Worker processes [default: one a core and one more, as far as the memory holds the largest
    /// picture for each; at least one]
    #[arg(long, env = "DARKROOM_WORKERS", value_name = "N")]
    pub workers: Option<String>,
    /// Memory of all workers together, for example 2GiB [default: half of the machine's, at most
    /// 1.5 GiB a worker]
    #[arg(long, env = "DARKROOM_MEMORY", value_name = "SIZE")]
    pub memory: Option<String>,
    /// Connections that may be open at a time, half of them for following images; more wait
    #[arg(long, env = "DARKROOM_CONNECTIONS", value_name = "N", default_value = "512")]
    pub connections: String,
    /// How long a worker may take over one message before it is killed, the server's own disk and
    /// database not counted; at most 75s
    #[arg(long, env = "DARKROOM_DEADLINE", value_name = "TIME", default_value = "60s")]
    pub deadline: String,
    /// How long running work may take to finish when the server is told to stop
    #[arg(long, env = "DARKROOM_DRAIN", value_name = "TIME", default_value = "20s")]
    pub drain: String,
    /// How long an upload URL is good for
    #[arg(long, env = "DARKROOM_UPLOAD_LIFETIME", value_name = "TIME", default_value = "1h")]
    pub upload_lifetime: String,
    /// The largest file that is taken, up to 5GiB. Above 100MB uploads come by parts, and every worker is
    /// given as much memory more
    #[arg(long, env = "DARKROOM_MAX_UPLOAD", value_name = "SIZE", default_value = "100MB")]
    pub max_upload: String,
    /// How log lines look: text or json
    #[arg(long, env = "DARKROOM_LOG_FORMAT", value_name = "FORMAT", default_value = "text")]
    pub log_format: String,
    /// Which log lines are written, as a filter of the `tracing` crate
    #[arg(long, env = "DARKROOM_LOG", value_name = "FILTER", default_value = "info")]
    pub log: String,
}

/// Checked settings.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The data directory.
    pub data: PathBuf,
    /// What clients reach this server by; none for the address that it listens on.
    pub public_url: Option<String>,
    /// The variants that every image gets.
    pub presets: presets::Read,
    /// Where they were read from, to look after changes.
    pub presets_file: Option<PathBuf>,
    /// Which web pages may use the API.
    pub cors: Cors,
    /// Worker processes, and the memory of each.
    pub capacity: Capacity,
    /// What stages refuse, so that a worker stays below its memory.
    pub limits: Limits,
    /// Connections that may be open at a time.
    pub connections: NonZeroUsize,
    /// What a worker may take for one message before it is killed.
    pub deadline: Duration,
    /// From being told to stop until stopping.
    pub drain: Duration,
    /// How long an upload URL is good for.
    pub upload_lifetime: Duration,
    /// How log lines look.
    pub log_format: LogFormat,
    /// Which log lines are written.
    pub log: String,
}

impl Settings {
    /// Checks what was given.
    pub fn read(flags: &Flags) -> Result<Self, Mistakes> {
        let mut mistakes = Mistakes::default();
        let capacity = capacity(flags, &mut mistakes);
        let connections = count("connections", &flags.connections, 65_536, &mut mistakes);
        let listen = listen(flags, &mut mistakes);
        let public_url = public_url(flags, listen, &mut mistakes);
        let mut time = |flag, text: &str, least: u64, most: u64| {
            let range = Duration::from_secs(least)..=Duration::from_secs(most);
            let time = forms::time(text).filter(|time| range.contains(time));
            time.unwrap_or_else(|| {
                let form = format!("a time from {least}s to {most}s, such as 45s, 10m, 2h or 1d");
                mistakes.add(flag, text, &form);
                Duration::ZERO
            })
        };
        // A message is lent for eight deadlines, and the sweeper takes ten minutes for the longest
        // loan there is (`domain::image::STUCK_AFTER`).
        let deadline = time("deadline", &flags.deadline, 1, 75);
        let drain = time("drain", &flags.drain, 0, 3600);
        let upload_lifetime = time("upload-lifetime", &flags.upload_lifetime, 10, 7 * 86_400);
        let log_format = flags.log_format.parse().unwrap_or_else(|()| {
            mistakes.add("log-format", &flags.log_format, "text or json");
            LogFormat::Text
        });
        if !crate::logging::is_filter(&flags.log) {
            mistakes.add("log", &flags.log, "a filter such as info, or warn,darkroom=debug");
        }
        let settings = Self {
            listen,
            data: flags.data.clone(),
            public_url,
            presets: read_presets(flags.presets.as_deref(), &mut mistakes),
            presets_file: flags.presets.clone(),
            cors: cors(flags, &mut mistakes),
            capacity,
            limits: capacity.limits(),
            connections,
            deadline,
            drain,
            upload_lifetime,
            log_format,
            log: flags.log.clone(),
        };
        if mistakes.0.is_empty() { Ok(settings) } else { Err(mistakes) }
    }
}

/// Everything that is wrong with the settings.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Mistakes(Vec<String>);

impl Mistakes {
    fn add(&mut self, flag: &str, given: &str, wanted: &str) {
        self.0.push(format!("{}: {given:?} is given, and {wanted} is wanted", names(flag)));
    }

    fn say(&mut self, flag: &str, what: &str) {
        self.0.push(format!("{}: {what}", names(flag)));
    }
}

fn names(flag: &str) -> String {
    format!("--{flag} (DARKROOM_{})", flag.to_uppercase().replace('-', "_"))
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for Mistakes {}

/// The presets, or none where they are wrong, since the server does not start then.
fn read_presets(file: Option<&Path>, mistakes: &mut Mistakes) -> presets::Read {
    presets::read(file).unwrap_or_else(|what| {
        mistakes.say("presets", &what);
        presets::Read::built_in()
    })
}

fn listen(flags: &Flags, mistakes: &mut Mistakes) -> SocketAddr {
    flags.listen.parse().unwrap_or_else(|_| {
        let form = "an IP address and a port, such as 127.0.0.1:8080 or [::1]:8080";
        mistakes.add("listen", &flags.listen, form);
        SocketAddr::from(([127, 0, 0, 1], 0))
    })
}

fn public_url(flags: &Flags, listen: SocketAddr, mistakes: &mut Mistakes) -> Option<String> {
    let Some(url) = &flags.public_url else {
        if listen.ip().is_unspecified() {
            mistakes.say(
                "public-url",
                &format!(
                    "it is needed when listening on all addresses ({}), because clients cannot \
                     reach URLs that begin with it; such as https://images.example.com",
                    listen.ip()
                ),
            );
        }
        return None;
    };
    if !is_web_url(url) {
        let form = "http:// or https:// and a host, without a query, such as \
                    https://images.example.com";
        mistakes.add("public-url", url, form);
    }
    Some(url.trim_end_matches('/').to_owned())
}

fn cors(flags: &Flags, mistakes: &mut Mistakes) -> Cors {
    flags.cors_origin.join(",").parse().unwrap_or_else(|what: String| {
        mistakes.say("cors-origin", &what);
        Cors::None
    })
}

fn is_web_url(url: &str) -> bool {
    url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).is_some_and(|rest| {
        !rest.is_empty()
            && !rest.starts_with('/')
            && rest.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'?' | b'#' | b'@'))
    })
}

fn count(flag: &str, text: &str, most: usize, mistakes: &mut Mistakes) -> NonZeroUsize {
    text.parse().ok().filter(|n: &NonZeroUsize| n.get() <= most).unwrap_or_else(|| {
        mistakes.add(flag, text, &format!("a number from 1 to {most}"));
        NonZeroUsize::MIN
    })
}

fn capacity(flags: &Flags, mistakes: &mut Mistakes) -> Capacity {
    let asked = flags.workers.as_deref().map(|text| count("workers", text, 1024, mistakes));
    let spare = Memory::Spare(machine::memory() / 2);
    let memory = match (&flags.memory, flags.memory.as_deref().and_then(forms::size)) {
        (_, Some(size)) => Memory::Asked(size),
        (None, None) => spare,
        (Some(text), None) => {
            mistakes.add("memory", text, "a size such as 800MiB or 2GiB");
            spare
        }
    };
    let cores = available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let upload = forms::size(&flags.max_upload).filter(|size| (1..=parts::LONGEST).contains(size));
    let upload = upload.unwrap_or_else(|| {
        mistakes.add("max-upload", &flags.max_upload, "a size up to 5GiB, such as 100MB or 2GiB");
        Limits::default().bytes
    });
    let capacity = Capacity::of(asked, cores, memory, upload);
    if capacity.each < WORKER_LEAST {
        let workers = capacity.workers.get();
        let least = (workers as u64 * WORKER_LEAST) >> 20;
        let given = flags.memory.as_deref().unwrap_or_default();
        mistakes.add("memory", given, &format!("at least {least}MiB for {workers} workers"));
    } else if !capacity.holds_uploads() {
        let each = capacity.each >> 20;
        let least = (WORKER_LEAST + upload).div_ceil(1 << 20);
        let form = format!(
            "less, or --memory and --workers that give each worker {least}MiB, where it has {each}"
        );
        mistakes.add("max-upload", &flags.max_upload, &form);
    }
    capacity
}

/// Whether the URL's host is this machine, and nobody else can mean us by it.
pub fn is_loopback_url(url: &str) -> bool {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = host.split('/').next().unwrap_or_default();
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']').parse();
    name == "localhost" || address.is_ok_and(is_loopback)
}

/// Whether only this machine can reach the address.
pub fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}
