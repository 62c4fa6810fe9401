//! The whole cloud home on this machine: resources in moto, functions behind the emulated Lambda.
//!
//! It proves nothing of what Terraform makes: its queues, rules and mappings are set up here once more, without
//! policies, alarms, the CDN and schedules (who wants a sweep sends it).

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use aws_sdk_s3::types::{Event, NotificationConfiguration, QueueConfiguration};
use aws_sdk_sqs::types::QueueAttributeName;
use domain::{
    Keyring as _, Sha256, StageName, Tenant,
    ports::{ApiKey, Role},
};
use jiff::Timestamp;
use tokio::{net::TcpListener, task::JoinHandle};

use super::{
    gateway,
    lambda::{Function, Roster, Who},
    mapping::Mapping,
    moto::{Moto, Stack},
    proxy::Proxy,
};

/// How a home is set up for a test.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    /// The API's port; 0 takes any.
    pub(crate) port: u16,
    /// How long an invocation may take.
    pub(crate) timeout: Duration,
    /// How long a message is hidden for it, in seconds: six times as long is what AWS wants, which nobody
    /// wants to wait for in a test.
    pub(crate) visibility: u64,
    /// One of so many requests to AWS fails; 0 for none.
    pub(crate) faults: u64,
    /// Messages that a function is handed at once, at most.
    pub(crate) batch: i32,
    /// The same of the function that makes variants: a picture that ends it takes along what came with it.
    pub(crate) pictures: i32,
    /// Batches of a queue that are handled at a time, at most.
    pub(crate) lanes: u32,
    /// Who handles the messages of the stages.
    pub(crate) hands: Hands,
    /// Presets in place of the built-in ones, in an object.
    pub(crate) presets: Option<&'static str>,
}

impl Terms {
    /// What most tests want.
    pub(crate) const USUAL: Terms = Terms {
        port: 0,
        timeout: Duration::from_secs(20),
        visibility: 25,
        faults: 0,
        batch: 10,
        pictures: 1,
        lanes: 3,
        hands: Hands::Functions,
        presets: None,
    };

    /// For files of 100 MB. Moto tells of every part as if it were the object, so one ingest at a time is
    /// enough of that.
    pub(crate) const LONG: Terms =
        Terms { timeout: Duration::from_mins(1), visibility: 70, lanes: 1, ..Terms::USUAL };
}

/// Who handles the messages of the stages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hands {
    /// Functions, by mappings.
    Functions,
    /// Workers, which whoever wants them starts. Functions are left what only they are sent.
    Workers,
}

impl Default for Terms {
    fn default() -> Self {
        Self::USUAL
    }
}

/// Processes of each function: more than one, so that what comes twice may be handled twice at once.
const PROCESSES: [(&str, u32); 5] =
    [("ingest", 3), ("fanout", 3), ("metadata", 3), ("resize", 2), ("api", 3)];

/// Receives until a queue gives a message up: more than a handler leaves it.
const RECEIVES: u32 = 6;

/// It, running.
pub(crate) struct Home {
    pub(crate) stack: Stack,
    pub(crate) url: String,
    pub(crate) key: String,
    pub(crate) proxy: Proxy,
    pub(crate) functions: BTreeMap<&'static str, Arc<Function>>,
    /// By stage, and `dead` of the queue of what was received too often.
    pub(crate) mappings: BTreeMap<&'static str, Mapping>,
    /// What functions and workers are told, but for where AWS is.
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) roster: Roster,
    /// The queue of what was received too often.
    pub(crate) dead: String,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for Home {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Home {
    /// Starts it.
    pub(crate) async fn start(moto: &Moto, terms: Terms) -> Home {
        let stack = Stack::make(moto).await;
        let roster = Roster::default();
        let proxy = Proxy::start(&moto.url, terms.faults, Arc::clone(&roster)).await;
        if let Some(presets) = terms.presets {
            stack.put_presets(presets).await;
        }
        let listener = TcpListener::bind(("127.0.0.1", terms.port)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let dead = dead_letters(&stack, terms).await;
        notify(&stack).await;
        let environment = environment(terms, &stack, &url, &dead.1);
        let mut functions = BTreeMap::new();
        for (name, count) in PROCESSES {
            if terms.hands == Hands::Workers && !["api", "fanout"].contains(&name) {
                continue;
            }
            let mut environments = Vec::new();
            for number in 0..count {
                let door = proxy.for_process(Who { function: name, number }).await;
                let mut own = environment.clone();
                own.insert("AWS_ENDPOINT_URL".to_owned(), door);
                // All processes of the API hand out the same address of the buckets, as AWS's have one.
                if name == "api" {
                    own.insert("AWS_ENDPOINT_URL_S3".to_owned(), proxy.url.clone());
                }
                environments.push(own);
            }
            let started = Function::start(name, environments, terms.timeout, Arc::clone(&roster));
            functions.insert(name, Arc::new(started.await));
        }
        let sqs = Moto::clients_at(&proxy.for_service().await).sqs;
        let mut mappings = BTreeMap::new();
        for (stage, queue) in &stack.queues {
            let name = stage.as_str();
            if terms.hands == Hands::Workers {
                continue;
            }
            let batch = if *stage == StageName::Resize { terms.pictures } else { terms.batch };
            let processes = PROCESSES.iter().find(|(function, _)| *function == name).unwrap().1;
            let lanes = processes.min(terms.lanes) as usize;
            let arn = arn(&stack, queue).await;
            let source = (queue.as_str(), arn.as_str());
            let mapping = Mapping::start(&sqs, source, &functions[name], batch, lanes);
            mappings.insert(name, mapping);
        }
        let source = (dead.0.as_str(), dead.1.as_str());
        mappings.insert("dead", Mapping::start(&sqs, source, &functions["fanout"], 10, 1));
        let (_, served) = gateway::serve(listener, Arc::clone(&functions["api"]));
        let tasks = vec![served];
        let key = "drk_test_key_of_the_harness".to_owned();
        let owner = ApiKey {
            id: "harness".to_owned(),
            tenant: Tenant::local(),
            role: Role::Operator,
            label: "the harness".to_owned(),
            created_at: Timestamp::now(),
            revoked_at: None,
        };
        stack.keyring().add(&owner, Sha256::of(key.as_bytes())).await.unwrap();
        let dead = dead.0;
        Home { stack, url, key, proxy, functions, mappings, environment, roster, dead, tasks }
    }
}

impl Home {
    /// Waits until no message waits or is on loan, three times in a row.
    pub(crate) async fn until_idle(&self, patience: Duration) {
        let begun = tokio::time::Instant::now();
        let mut calm = 0;
        while calm < 3 {
            assert!(begun.elapsed() < patience, "there are messages after {patience:?}");
            tokio::time::sleep(Duration::from_millis(200)).await;
            let mut waiting = 0;
            for queue in self.stack.queues.values().chain([&self.dead]) {
                waiting += self.waiting(queue).await;
            }
            calm = if waiting == 0 { calm + 1 } else { 0 };
        }
    }

    /// How many messages wait in a queue, are on loan, or are held back.
    pub(crate) async fn waiting(&self, queue: &str) -> u64 {
        let asked = self.stack.clients.sqs.get_queue_attributes().queue_url(queue);
        let found = asked.attribute_names(QueueAttributeName::All).send().await.unwrap();
        [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
            QueueAttributeName::ApproximateNumberOfMessagesDelayed,
        ]
        .iter()
        .filter_map(|name| found.attributes.as_ref()?.get(name)?.parse::<u64>().ok())
        .sum()
    }
}

/// A queue for what the others give up, and the rule that they do.
async fn dead_letters(stack: &Stack, terms: Terms) -> (String, String) {
    let sqs = &stack.clients.sqs;
    let name = format!("{}-dead", stack.name);
    let made = sqs.create_queue().queue_name(name).send().await.unwrap();
    let url = made.queue_url.unwrap();
    let dead = arn(stack, &url).await;
    let rule = format!("{{\"deadLetterTargetArn\":\"{dead}\",\"maxReceiveCount\":{RECEIVES}}}");
    for queue in stack.queues.values() {
        sqs.set_queue_attributes()
            .queue_url(queue)
            .attributes(QueueAttributeName::RedrivePolicy, &rule)
            .attributes(QueueAttributeName::VisibilityTimeout, terms.visibility.to_string())
            .send()
            .await
            .unwrap();
    }
    (url, dead)
}

async fn arn(stack: &Stack, queue: &str) -> String {
    let name = QueueAttributeName::QueueArn;
    let asked = stack.clients.sqs.get_queue_attributes().queue_url(queue);
    let found = asked.attribute_names(name.clone()).send().await.unwrap();
    found.attributes.unwrap().remove(&name).unwrap()
}

/// Has S3 tell the queue of ingest what arrives.
async fn notify(stack: &Stack) {
    let queue = arn(stack, &stack.queues[&StageName::Ingest]).await;
    for bucket in [&stack.buckets.uploads].into_iter().chain(&stack.buckets.adopted) {
        let rule = QueueConfiguration::builder()
            .queue_arn(&queue)
            .events(Event::S3ObjectCreated)
            .build()
            .unwrap();
        stack
            .clients
            .s3
            .put_bucket_notification_configuration()
            .bucket(bucket)
            .notification_configuration(
                NotificationConfiguration::builder().queue_configurations(rule).build(),
            )
            .send()
            .await
            .unwrap();
    }
}

/// What functions are told, but for where AWS is.
pub(crate) fn environment(
    terms: Terms,
    stack: &Stack,
    url: &str,
    dead: &str,
) -> BTreeMap<String, String> {
    let mut all: BTreeMap<String, String> = [
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "2048"),
        ("DARKROOM_UPLOADS_BUCKET", &stack.buckets.uploads),
        ("DARKROOM_MEDIA_BUCKET", &stack.buckets.media),
        ("DARKROOM_TABLE", &stack.name),
        ("DARKROOM_PUBLIC_URL", url),
        ("DARKROOM_SECRET", "a secret of the harness, known to all"),
        ("DARKROOM_DEAD_LETTERS_ARN", dead),
        ("DARKROOM_VISIBILITY", &terms.visibility.to_string()),
        ("DARKROOM_CORS", "*"),
        ("DARKROOM_MAX_UPLOAD", "200MB"),
        ("RUST_BACKTRACE", "1"),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect();
    if terms.presets.is_some() {
        all.insert("DARKROOM_PRESETS".to_owned(), stack.presets());
        all.insert("DARKROOM_PRESETS_EVERY".to_owned(), "1".to_owned());
    }
    if let Some(adopted) = &stack.buckets.adopted {
        all.insert("DARKROOM_ADOPTED_BUCKET".to_owned(), adopted.clone());
    }
    for (stage, queue) in &stack.queues {
        all.insert(format!("DARKROOM_QUEUE_{}", stage.as_str().to_uppercase()), queue.clone());
    }
    all
}
