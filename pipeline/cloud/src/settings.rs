//! The environment of a function or of the worker, read once and completely: all that is wrong is said
//! together.

mod forms;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    num::NonZeroUsize,
    str::FromStr,
    thread::available_parallelism,
    time::Duration,
};

use api::Cors;
use domain::{
    StageName, Tenant, Visibility,
    forms::{size, time},
};
use imaging::Limits;

use self::forms::{arn, memory, place};
use crate::{BucketStyle, Buckets, QueueUrls, logging};

/// What a deployment decides, and by which variable.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `DARKROOM_UPLOADS_BUCKET`, `DARKROOM_MEDIA_BUCKET`, `DARKROOM_ADOPTED_BUCKET`.
    pub buckets: Buckets,
    /// `DARKROOM_TABLE`.
    pub table: String,
    /// `DARKROOM_QUEUE_INGEST` and so on, by URL.
    pub queues: QueueUrls,
    /// `DARKROOM_DEAD_LETTERS_ARN`: the queue of what was received too often.
    pub dead_letters: Option<String>,
    /// `DARKROOM_PUBLIC_URL`: what clients reach the API by.
    pub public_url: String,
    /// `DARKROOM_SECRET`.
    pub secret: String,
    /// `DARKROOM_PRESETS`: a file in the package, or `s3://bucket/key`; built in where there is none.
    pub presets: Option<String>,
    /// `DARKROOM_PRESETS_EVERY`: how often an object of presets is looked at again, in seconds.
    pub presets_every: Duration,
    /// `DARKROOM_VISIBILITY`: the longest visibility time of the queues, in seconds.
    pub visibility: Duration,
    /// `DARKROOM_CORS`.
    pub cors: Cors,
    /// `DARKROOM_ADOPTED_TENANT`, `DARKROOM_ADOPTED_VISIBILITY`.
    pub adopted_as: (Tenant, Visibility),
    /// `DARKROOM_LOG`.
    pub log: String,
    /// `DARKROOM_MAX_UPLOAD`, and what fits into `DARKROOM_PICTURE_MEMORY`: the memory of the function that
    /// makes variants, which those that plan for it have to know. Where it is not set, the function's own
    /// (`AWS_LAMBDA_FUNCTION_MEMORY_SIZE`), or that of a lane of the worker.
    pub limits: Limits,
    /// Whether an endpoint other than AWS's own is set for S3.
    pub bucket_style: BucketStyle,
    /// Where the page sends uploads and fetches signed objects.
    pub object_origins: Vec<String>,
}

/// Everything that is wrong with an environment, a line each.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct SettingsError(Vec<String>);

/// What is decided for a worker besides, and by which variable.
#[derive(Clone, Debug)]
pub struct WorkerSettings {
    /// What functions are told, too.
    pub home: Settings,
    /// `DARKROOM_STAGES`: those whose queues it works for.
    pub stages: BTreeSet<StageName>,
    /// `DARKROOM_WORKERS`: pictures that are worked on at a time. One a core, as far as the memory holds the
    /// largest picture for each, where nothing is said; `DARKROOM_MEMORY` is what they share.
    pub lanes: NonZeroUsize,
    /// `DARKROOM_DRAIN`: from being told to stop until stopping.
    pub drain: Duration,
    /// `DARKROOM_HEALTH`: where it says how it is.
    pub health: SocketAddr,
}

/// Memory of a process that no picture gets: the program, its connections and its heap.
const OWN: u64 = 96 << 20;

impl Settings {
    /// Those of this process.
    pub fn from_env() -> Result<Self, SettingsError> {
        Self::from(&std::env::vars().collect())
    }

    /// Those of an environment.
    pub fn from(environment: &BTreeMap<String, String>) -> Result<Self, SettingsError> {
        let mut read = Reader { environment, wrong: Vec::new() };
        let settings = Self::read(&mut read);
        read.done(settings)
    }

    fn read(read: &mut Reader<'_>) -> Self {
        let queue = |stage: StageName| format!("DARKROOM_QUEUE_{}", stage.as_str().to_uppercase());
        let queues = StageName::ALL
            .into_iter()
            .map(|stage| (stage, read.url(&queue(stage), "the URL of an SQS queue")))
            .collect();
        let buckets = Buckets {
            uploads: read.needed("DARKROOM_UPLOADS_BUCKET", "the bucket that clients upload to"),
            media: read.needed("DARKROOM_MEDIA_BUCKET", "the bucket of originals and variants"),
            adopted: read.text("DARKROOM_ADOPTED_BUCKET"),
        };
        if buckets.uploads == buckets.media && !buckets.media.is_empty() {
            read.wrong.push(
                "DARKROOM_UPLOADS_BUCKET and DARKROOM_MEDIA_BUCKET are one bucket: what is written \
                 would come back as uploads"
                    .to_owned(),
            );
        }
        if buckets
            .adopted
            .as_ref()
            .is_some_and(|own| [&buckets.uploads, &buckets.media].contains(&own))
        {
            read.wrong.push(
                "DARKROOM_ADOPTED_BUCKET is one of our own: what is made of its pictures would be adopted \
                 again"
                    .to_owned(),
            );
        }
        let memory = read.parsed("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "megabytes", None::<u64>);
        let memory = picture_memory(read).or(memory.map(|megabytes| megabytes << 20));
        let upload = max_upload(read);
        if memory.is_some_and(|memory| memory < OWN + LANE_LEAST + upload.saturating_sub(USUAL)) {
            read.wrong.push(format!(
                "DARKROOM_MAX_UPLOAD is {upload} bytes, which a function has to hold beside a picture: set \
                 DARKROOM_PICTURE_MEMORY, and the memory of the function that makes variants, to {} MiB or \
                 more",
                (OWN + LANE_LEAST + upload).div_ceil(1 << 20)
            ));
        }
        let endpoint = read.text("AWS_ENDPOINT_URL_S3").or_else(|| read.text("AWS_ENDPOINT_URL"));
        let region = read.text("AWS_REGION").unwrap_or_else(|| "us-east-1".to_owned());
        let object_origins = match &endpoint {
            Some(url) => vec![url.trim_end_matches('/').to_owned()],
            None => [&buckets.uploads, &buckets.media]
                .map(|bucket| format!("https://{bucket}.s3.{region}.amazonaws.com"))
                .into(),
        };
        let settings = Self {
            buckets,
            table: read.needed("DARKROOM_TABLE", "the name of a DynamoDB table"),
            queues,
            dead_letters: read.read("DARKROOM_DEAD_LETTERS_ARN", "the ARN of a queue, arn:…", arn),
            public_url: read.url("DARKROOM_PUBLIC_URL", "a URL such as https://images.example"),
            secret: read.needed("DARKROOM_SECRET", "32 random characters or more, kept secret"),
            presets: read.read("DARKROOM_PRESETS", "a file, or s3://bucket/key", place),
            presets_every: Duration::from_secs(
                read.parsed("DARKROOM_PRESETS_EVERY", "seconds", Some(60)).unwrap_or_default(),
            ),
            visibility: Duration::from_secs(
                read.parsed("DARKROOM_VISIBILITY", "seconds", Some(600)).unwrap_or_default(),
            ),
            cors: read
                .parsed("DARKROOM_CORS", "none, * or origins", Some(Cors::None))
                .unwrap_or_default(),
            adopted_as: (
                read.parsed("DARKROOM_ADOPTED_TENANT", "a tenant's name", Some(Tenant::local()))
                    .unwrap_or_else(Tenant::local),
                match read.text("DARKROOM_ADOPTED_VISIBILITY").as_deref() {
                    None | Some("private") => Visibility::Private,
                    Some("public") => Visibility::Public,
                    Some(other) => {
                        read.wrong(
                            "DARKROOM_ADOPTED_VISIBILITY",
                            other,
                            "public or private",
                            "neither",
                        );
                        Visibility::Private
                    }
                },
            ),
            log: read
                .read("DARKROOM_LOG", "a filter such as info, or warn,cloud=debug", logging::filter)
                .unwrap_or_else(|| "info".to_owned()),
            limits: match memory {
                Some(memory) => Limits::within(memory.saturating_sub(OWN), upload),
                None => Limits { bytes: upload, ..Limits::default() },
            },
            bucket_style: match endpoint {
                Some(_) => BucketStyle::Path,
                None => BucketStyle::Host,
            },
            object_origins,
        };
        if !settings.secret.is_empty() && settings.secret.len() < 32 {
            read.wrong.push(format!(
                "DARKROOM_SECRET has {} characters; 32 are the least",
                settings.secret.len()
            ));
        }
        settings
    }
}

/// The least that a lane is given: a photograph of twelve megapixels fits, though not every one.
const LANE_LEAST: u64 = 64 << 20;

impl WorkerSettings {
    /// Those of this process.
    pub fn from_env() -> Result<Self, SettingsError> {
        Self::from(&std::env::vars().collect())
    }

    /// Those of an environment.
    pub fn from(environment: &BTreeMap<String, String>) -> Result<Self, SettingsError> {
        let mut read = Reader { environment, wrong: Vec::new() };
        let home = Settings::read(&mut read);
        let (lanes, each) = lanes(&mut read);
        let beside = home.limits.bytes.saturating_sub(USUAL);
        if each >= LANE_LEAST && each < LANE_LEAST + beside {
            let least = (lanes.get() as u64 * (LANE_LEAST + beside) + OWN) >> 20;
            read.wrong.push(format!(
                "DARKROOM_MAX_UPLOAD is {} bytes, which {lanes} pictures at a time (DARKROOM_WORKERS) have \
                 no memory for: set DARKROOM_MEMORY to {least}MiB or more",
                home.limits.bytes
            ));
        }
        let settings = Self {
            home: Settings { limits: Limits::within(each, home.limits.bytes), ..home },
            stages: stages(&mut read),
            lanes,
            drain: drain(&mut read),
            health: read
                .parsed(
                    "DARKROOM_HEALTH",
                    "an IP address and a port, such as 127.0.0.1:8081 or [::1]:8081",
                    Some(SocketAddr::from(([127, 0, 0, 1], 8081))),
                )
                .unwrap_or(SocketAddr::from(([127, 0, 0, 1], 0))),
        };
        read.done(settings)
    }
}

fn stages(read: &mut Reader<'_>) -> BTreeSet<StageName> {
    const NAME: &str = "DARKROOM_STAGES";
    let Some(text) = read.text(NAME) else { return StageName::ALL.into() };
    let mut stages = BTreeSet::new();
    for word in text.split(',').map(str::trim) {
        if let Some(stage) = StageName::ALL.into_iter().find(|stage| stage.as_str() == word) {
            stages.insert(stage);
        } else {
            let wanted = "a list such as ingest,fanout,resize,metadata";
            read.wrong(NAME, &text, wanted, &format!("{word:?} is no stage"));
        }
    }
    stages
}

/// How many, and the bytes of each: what is left of the memory, shared out evenly.
fn lanes(read: &mut Reader<'_>) -> (NonZeroUsize, u64) {
    let size = |text: &str| size(text).ok_or("a number and a unit are missing");
    let given = read.read("DARKROOM_MEMORY", "a size such as 800MiB or 2GiB", size);
    // A worker seldom shares its machine or its container with anything but the system.
    let all = given.unwrap_or_else(|| memory() / 4 * 3).saturating_sub(OWN);
    let count = |text: &str| match text.parse::<NonZeroUsize>() {
        Ok(count) if count.get() <= 1024 => Ok(count),
        Ok(_) => Err("it is more".to_owned()),
        Err(error) => Err(error.to_string()),
    };
    let asked = read.read("DARKROOM_WORKERS", "a number from 1 to 1024", count);
    let usual = Limits::default();
    let affordable = usize::try_from(all / (usual.bytes + usual.memory)).unwrap_or(usize::MAX);
    let cores = available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let lanes = asked
        .unwrap_or_else(|| cores.min(NonZeroUsize::new(affordable).unwrap_or(NonZeroUsize::MIN)));
    let each = all / lanes.get() as u64;
    if each < LANE_LEAST {
        let least = (lanes.get() as u64 * LANE_LEAST + OWN) >> 20;
        read.wrong.push(format!(
            "DARKROOM_MEMORY is {}, which is too little for {lanes} pictures at a time \
             (DARKROOM_WORKERS): {least}MiB are the least",
            read.text("DARKROOM_MEMORY").unwrap_or_else(|| "not set".to_owned()),
        ));
    }
    (lanes, each)
}

fn drain(read: &mut Reader<'_>) -> Duration {
    let usual = Duration::from_secs(90);
    let range = Duration::from_secs(10)..=Duration::from_hours(1);
    let time = |text: &str| match time(text) {
        Some(time) if range.contains(&time) => Ok(time),
        Some(_) => Err("it is out of these bounds"),
        None => Err("a number and a unit are missing"),
    };
    let wanted = "a time from 10s to 1h, such as 45s or 2m";
    read.read("DARKROOM_DRAIN", wanted, time).unwrap_or(usual)
}

/// The largest upload where nothing is said.
const USUAL: u64 = domain::parts::WHOLE_MOST;

fn max_upload(read: &mut Reader<'_>) -> u64 {
    let size = |text: &str| match size(text) {
        Some(size) if (1..=domain::parts::LONGEST).contains(&size) => Ok(size),
        Some(_) => Err("it is out of these bounds"),
        None => Err("a number and a unit are missing"),
    };
    read.read("DARKROOM_MAX_UPLOAD", "a size up to 5GiB, such as 100MB", size).unwrap_or(USUAL)
}

fn picture_memory(read: &mut Reader<'_>) -> Option<u64> {
    let size = |text: &str| size(text).ok_or("a number and a unit are missing");
    read.read("DARKROOM_PICTURE_MEMORY", "a size such as 1769MiB", size)
}

struct Reader<'a> {
    environment: &'a BTreeMap<String, String>,
    wrong: Vec<String>,
}

impl Reader<'_> {
    fn text(&self, name: &str) -> Option<String> {
        self.environment.get(name).map(|value| value.trim().to_owned()).filter(|v| !v.is_empty())
    }

    fn needed(&mut self, name: &str, what: &str) -> String {
        self.text(name).unwrap_or_else(|| {
            self.wrong.push(format!("{name} is not set: {what}"));
            String::new()
        })
    }

    fn url(&mut self, name: &str, what: &str) -> String {
        let text = self.needed(name, what);
        if !text.is_empty() && !["https://", "http://"].iter().any(|it| text.starts_with(it)) {
            self.wrong(name, &text, what, "it begins with neither https:// nor http://");
        }
        text
    }

    fn parsed<T: FromStr>(&mut self, name: &str, what: &str, usual: Option<T>) -> Option<T>
    where
        T::Err: std::fmt::Display,
    {
        self.read(name, what, T::from_str).or(usual)
    }

    /// None where nothing is given, or nothing that can be read.
    fn read<T, E: std::fmt::Display>(
        &mut self,
        name: &str,
        what: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.text(name)?;
        let value = parse(&text);
        value.map_err(|error| self.wrong(name, &text, what, &error.to_string())).ok()
    }

    fn done<T>(self, settings: T) -> Result<T, SettingsError> {
        if self.wrong.is_empty() { Ok(settings) } else { Err(SettingsError(self.wrong)) }
    }

    fn wrong(&mut self, name: &str, value: &str, wanted: &str, why: &str) {
        self.wrong.push(format!("{name} is {value:?}, which is not {wanted}: {why}"));
    }
}
