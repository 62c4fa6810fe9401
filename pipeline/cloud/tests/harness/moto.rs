//! AWS on this machine: moto, and resources of a test's own in it.
//!
//! It looks at no signature, no policy and no rule of CORS, its indexes are never late, and a queue delivers
//! twice only where a loan ran out; what it does otherwise than AWS is in `emulator.py` and in the contract's
//! holes.

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType,
};
use aws_sdk_s3::types::{CorsConfiguration, CorsRule};
use cloud::{
    BucketStyle, Buckets, Clients, CloudCatalog, CloudKeyring, CloudLetters, CloudObjects,
    CloudQueues, INDEXES, QueueUrls, Table,
};
use domain::{Clock, StageName};

/// The object of presets: of none of our layout, so that no other object is taken for it.
const PRESETS: &str = "settings/presets.toml";

/// The repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// A server of moto, which ends with this process.
pub(crate) struct Moto {
    pub(crate) url: String,
    process: Mutex<Child>,
    /// Where it leaves what it holds.
    state: Option<PathBuf>,
}

impl Moto {
    /// One for all tests of this process.
    pub(crate) fn shared() -> &'static Moto {
        static SHARED: OnceLock<Moto> = OnceLock::new();
        SHARED.get_or_init(Moto::start)
    }

    /// One that nobody shares.
    pub(crate) fn start() -> Moto {
        Moto::answering(None).0
    }

    /// One that nobody shares and that can be [started again](Self::restart), with what it holds in a folder
    /// meanwhile.
    pub(crate) fn lasting(folder: &Path) -> Moto {
        let state = Some(folder.join("state"));
        let (process, port, _) = run(None, state.as_deref(), 0);
        Moto { url: format!("http://127.0.0.1:{port}"), process: Mutex::new(process), state }
    }

    /// Ends it, and starts it again at the same address.
    pub(crate) fn restart(&self) {
        let mut process = self.process.lock().unwrap();
        drop(process.stdin.take());
        assert!(process.wait().unwrap().success(), "moto could not leave what it held");
        let port = self.url.rsplit(':').next().unwrap().parse().unwrap();
        *process = run(None, self.state.as_deref(), port).0;
    }

    /// One that nobody shares. With a folder it answers over TLS as well, leaves there what vouches for it,
    /// and has a host for S3, `DynamoDB` and SQS each.
    pub(crate) fn answering(tls: Option<&Path>) -> (Moto, Vec<String>) {
        let (process, port, hosts) = run(tls, None, 0);
        let url = format!("http://127.0.0.1:{port}");
        let hosts = hosts.iter().map(|port| format!("https://localhost:{port}")).collect();
        (Moto { url, process: Mutex::new(process), state: None }, hosts)
    }

    /// The id of its process.
    pub(crate) fn pid(&self) -> u32 {
        self.process.lock().unwrap().id()
    }

    pub(crate) fn clients(&self) -> Clients {
        Moto::clients_at(&self.url)
    }

    /// Clients that reach it by another address.
    pub(crate) fn clients_at(url: &str) -> Clients {
        let config = aws_config::SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("us-east-1"))
            .credentials_provider(aws_credential_types::provider::SharedCredentialsProvider::new(
                Credentials::new("test", "test", None, None, "test"),
            ))
            .endpoint_url(url)
            .build();
        Clients::new(&config, BucketStyle::Path)
    }
}

/// Starts it, and has its port, and those of its hosts over TLS.
fn run(tls: Option<&Path>, state: Option<&Path>, port: u16) -> (Child, u16, Vec<u16>) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/harness/emulator.py");
    let mut command = Command::new(root().join(".venv/bin/python"));
    command.arg(script).args(["--port", &port.to_string()]);
    for (flag, path) in [("--tls", tls), ("--state", state)] {
        if let Some(path) = path {
            command.arg(flag).arg(path);
        }
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut process = command.spawn().expect("./dev test makes .venv, in which moto is");
    let said = process.stdout.take().expect("it is piped");
    let ports = BufReader::new(said).lines();
    let mut ports = ports.map(|port| port.expect("it is text").parse().expect("it is a port"));
    let own = ports.next().expect("moto says its port");
    let hosts = ports.take(if tls.is_some() { 3 } else { 0 }).collect();
    (process, own, hosts)
}

/// Buckets, a table and queues that nobody else has.
#[derive(Clone)]
pub(crate) struct Stack {
    /// What the names of all of them begin with; the table's whole name.
    pub(crate) name: String,
    pub(crate) clients: Clients,
    pub(crate) buckets: Buckets,
    pub(crate) table: Table,
    pub(crate) queues: QueueUrls,
}

impl Stack {
    pub(crate) async fn make(moto: &Moto) -> Stack {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("t{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let clients = moto.clients();
        let buckets = Buckets {
            uploads: format!("{name}-uploads"),
            media: format!("{name}-media"),
            adopted: Some(format!("{name}-adopted")),
        };
        for bucket in [&buckets.uploads, &buckets.media].into_iter().chain(&buckets.adopted) {
            clients.s3.create_bucket().bucket(bucket).send().await.unwrap();
        }
        allow_pages(&clients, &buckets).await;
        create_table(&clients, &name).await;
        let mut queues = QueueUrls::new();
        for stage in StageName::ALL {
            let queue = format!("{name}-{}", stage.as_str());
            let made = clients.sqs.create_queue().queue_name(queue).send().await.unwrap();
            queues.insert(stage, made.queue_url.unwrap());
        }
        let table = Table::new(clients.dynamodb.clone(), &name);
        Stack { name, clients, buckets, table, queues }
    }

    /// Where presets are, as functions are told.
    pub(crate) fn presets(&self) -> String {
        format!("s3://{}/{PRESETS}", self.buckets.media)
    }

    /// Puts presets there.
    pub(crate) async fn put_presets(&self, text: &str) {
        let put = self.clients.s3.put_object().bucket(&self.buckets.media).key(PRESETS);
        put.body(text.as_bytes().to_vec().into()).send().await.unwrap();
    }

    pub(crate) fn objects(&self, clock: Arc<dyn Clock>) -> CloudObjects {
        CloudObjects::new(self.clients.s3.clone(), self.buckets.clone(), clock)
    }

    pub(crate) fn catalog(&self) -> CloudCatalog {
        CloudCatalog::new(self.table.clone())
    }

    pub(crate) fn letters(&self) -> CloudLetters {
        CloudLetters::new(self.table.clone())
    }

    pub(crate) fn keyring(&self) -> CloudKeyring {
        CloudKeyring::new(self.table.clone())
    }

    pub(crate) fn queues(&self, clock: Arc<dyn Clock>) -> CloudQueues {
        CloudQueues::new(
            self.clients.sqs.clone(),
            self.queues.clone(),
            self.letters(),
            self.buckets.clone(),
            clock,
        )
    }
}

/// Pages of other origins may upload, as our own does.
async fn allow_pages(clients: &Clients, buckets: &Buckets) {
    let rule = CorsRule::builder()
        .allowed_origins("*")
        .allowed_headers("*")
        .allowed_methods("PUT")
        .allowed_methods("GET")
        // What completes an upload by parts.
        .expose_headers("ETag")
        .build()
        .unwrap();
    for bucket in [&buckets.uploads, &buckets.media] {
        let rules = CorsConfiguration::builder().cors_rules(rule.clone()).build().unwrap();
        let put = clients.s3.put_bucket_cors().bucket(bucket).cors_configuration(rules);
        put.send().await.unwrap();
    }
}

async fn create_table(clients: &Clients, name: &str) {
    let key = |name: &str, kind| {
        KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap()
    };
    let mut attributes = std::collections::BTreeSet::from(["pk"]);
    let mut create = clients
        .dynamodb
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .key_schema(key("pk", KeyType::Hash));
    for (index, partition, sort) in INDEXES {
        attributes.extend([partition, sort]);
        create = create.global_secondary_indexes(
            GlobalSecondaryIndex::builder()
                .index_name(index)
                .key_schema(key(partition, KeyType::Hash))
                .key_schema(key(sort, KeyType::Range))
                .projection(Projection::builder().projection_type(ProjectionType::KeysOnly).build())
                .build()
                .unwrap(),
        );
    }
    for attribute in attributes {
        create = create.attribute_definitions(
            AttributeDefinition::builder()
                .attribute_name(attribute)
                .attribute_type(ScalarAttributeType::S)
                .build()
                .unwrap(),
        );
    }
    create.send().await.unwrap();
}
