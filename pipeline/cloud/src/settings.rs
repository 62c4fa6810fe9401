//! The environment of a function, read once and completely: all that is wrong is said together.

use std::{collections::BTreeMap, str::FromStr, time::Duration};

use api::Cors;
use domain::{StageName, Tenant, Visibility};
use imaging::Limits;

use crate::{BucketStyle, Buckets, QueueUrls};

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
    /// `DARKROOM_VISIBILITY`: the longest visibility time of the queues, in seconds.
    pub visibility: Duration,
    /// `DARKROOM_CORS`.
    pub cors: Cors,
    /// `DARKROOM_ADOPTED_TENANT`, `DARKROOM_ADOPTED_VISIBILITY`.
    pub adopted_as: (Tenant, Visibility),
    /// `DARKROOM_LOG`.
    pub log: String,
    /// What fits into the memory of the function: `AWS_LAMBDA_FUNCTION_MEMORY_SIZE`.
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

/// Memory of the function that no picture gets: the program, its connections and its heap.
const OWN: u64 = 96 << 20;

impl Settings {
    /// Those of this process.
    pub fn from_env() -> Result<Self, SettingsError> {
        Self::from(&std::env::vars().collect())
    }

    /// Those of an environment.
    pub fn from(environment: &BTreeMap<String, String>) -> Result<Self, SettingsError> {
        let mut read = Reader { environment, wrong: Vec::new() };
        let queue = |stage: StageName| format!("DARKROOM_QUEUE_{}", stage.as_str().to_uppercase());
        let queues = StageName::ALL
            .into_iter()
            .map(|stage| (stage, read.needed(&queue(stage), "the URL of an SQS queue")))
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
        let memory = read.parsed("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "megabytes", None::<u64>);
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
            dead_letters: read.text("DARKROOM_DEAD_LETTERS_ARN"),
            public_url: read.needed("DARKROOM_PUBLIC_URL", "as in https://images.example"),
            secret: read.needed("DARKROOM_SECRET", "32 random characters or more, kept secret"),
            presets: read.text("DARKROOM_PRESETS"),
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
            log: read.text("DARKROOM_LOG").unwrap_or_else(|| "info".to_owned()),
            limits: limits(memory),
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
        if read.wrong.is_empty() { Ok(settings) } else { Err(SettingsError(read.wrong)) }
    }
}

/// As much as the function's memory allows, and never more than usual.
fn limits(megabytes: Option<u64>) -> Limits {
    let usual = Limits::default();
    let Some(megabytes) = megabytes else { return usual };
    let free = (megabytes << 20).saturating_sub(OWN);
    let bytes = usual.bytes.min(free / 3);
    Limits { bytes, memory: usual.memory.min(free - bytes), ..usual }
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

    fn parsed<T: FromStr>(&mut self, name: &str, what: &str, usual: Option<T>) -> Option<T>
    where
        T::Err: std::fmt::Display,
    {
        let Some(text) = self.text(name) else { return usual };
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.wrong(name, &text, what, &error.to_string());
                usual
            }
        }
    }

    fn wrong(&mut self, name: &str, value: &str, wanted: &str, why: &str) {
        self.wrong.push(format!("{name} is {value:?}, which is not {wanted}: {why}"));
    }
}
