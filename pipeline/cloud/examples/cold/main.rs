//! From the start of a function's process to its first answer, on moto over TLS, beside the same calls from
//! Node. Prints the tables of benches/README.md: `./dev bench cold [ROUNDS]`.
//!
//! Each round is the life of two images: each function is started once by Darkroom and once by each peer, is
//! handed the first image, and then, warm, the second. What AWS itself does around it (fetching the code,
//! starting a sandbox, its network) is not in it.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "what cannot be set up ends it")]

#[path = "../../tests/harness/mod.rs"]
#[expect(dead_code, reason = "what only tests ask for")]
mod harness;
#[path = "../../../../benches/shared/machine.rs"]
mod machine;

mod life;
mod peer;
mod start;

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    time::Duration,
};

use self::{
    harness::{
        home::{Terms, environment},
        lambda::Roster,
        moto::{Moto, Stack},
        proxy::Proxy,
        root,
    },
    life::{EARLY, FUNCTIONS, Post},
    start::{Program, Start},
};

/// Starts of each program where nothing is said.
const ROUNDS: usize = 25;

/// By function and program.
type Results = BTreeMap<(&'static str, &'static str), Vec<Start>>;

#[tokio::main]
async fn main() {
    let mut arguments = env::args().skip(1);
    let rounds = arguments.next().map_or(ROUNDS, |rounds| rounds.parse().expect("a number"));
    let functions = arguments.next().map_or(root().join("target/lambda"), PathBuf::from);
    let folder = tempfile::tempdir().unwrap();
    let (moto, hosts) = Moto::answering(Some(folder.path()));
    let stack = Stack::make(&moto).await;
    let picture = fs::read(root().join("docs/effects/original.jpeg")).unwrap();
    let mut post = Post::open(stack.clone(), picture).await;
    let calls = count(&moto, &stack, &mut post, &functions).await;
    let programs = programs((&moto, &hosts), &stack, &functions, &calls, folder.path()).await;
    let mut results = Results::new();
    for _ in 0..rounds {
        let images = [post.upload().await, post.upload().await];
        for function in FUNCTIONS {
            let events =
                [post.event(function, images[0]).await, post.event(function, images[1]).await];
            for (by, program) in &programs[function] {
                let start = program.start(function, events.clone()).await;
                results.entry((function, *by)).or_default().push(start);
            }
        }
    }
    println!("{}, {rounds} rounds\n", machine::describe());
    print_starts(&results);
    print_calls(&calls);
    print_sizes(&functions);
}

/// The life of one image with somebody who counts in between: what each function asks of AWS, and the proof
/// that it asks S3 as well as `DynamoDB`.
async fn count(
    moto: &Moto,
    stack: &Stack,
    post: &mut Post,
    functions: &Path,
) -> BTreeMap<&'static str, BTreeMap<String, u64>> {
    let images = [post.upload().await, post.upload().await];
    let mut calls = BTreeMap::new();
    for function in FUNCTIONS {
        let proxy = Proxy::start(&moto.url, 0, Roster::default()).await;
        let program = Program {
            path: functions.join(life::program(function)),
            environment: told(stack, &proxy.url),
        };
        let events = [post.event(function, images[0]).await, post.event(function, images[1]).await];
        program.start(function, events).await;
        let counted: BTreeMap<_, _> =
            proxy.requests().into_iter().map(|(name, times)| (name, times / 2)).collect();
        for service in ["s3 ", "dynamodb "] {
            let asked = counted.keys().any(|name| name.starts_with(service));
            assert!(asked, "{function} does not ask {service}: {counted:?}");
        }
        calls.insert(function, counted);
    }
    calls
}

fn told(stack: &Stack, aws: &str) -> BTreeMap<String, String> {
    let dead = "arn:aws:sqs:us-east-1:123456789012:dead";
    let mut all = environment(Terms::default(), stack, "https://images.example", dead);
    all.insert("AWS_ENDPOINT_URL".to_owned(), aws.to_owned());
    // What they have to say would stand between the tables.
    all.insert("DARKROOM_LOG".to_owned(), "error".to_owned());
    all
}

/// Ours and the peers', by function.
async fn programs(
    (moto, hosts): (&Moto, &[String]),
    stack: &Stack,
    functions: &Path,
    calls: &BTreeMap<&'static str, BTreeMap<String, u64>>,
    folder: &Path,
) -> BTreeMap<&'static str, Vec<(&'static str, Program)>> {
    let trusted = |file: &str| folder.join(file).display().to_string();
    let mut own = told(stack, &moto.url);
    for (service, host) in ["S3", "DYNAMODB", "SQS"].into_iter().zip(hosts) {
        own.insert(format!("AWS_ENDPOINT_URL_{service}"), host.clone());
    }
    let mut theirs = own.clone();
    own.insert("SSL_CERT_FILE".to_owned(), trusted("roots.pem"));
    // Node has the others built in.
    theirs.insert("NODE_EXTRA_CA_CERTS".to_owned(), trusted("own.pem"));
    let scratch = stack.clients.sqs.create_queue().queue_name("scratch").send().await.unwrap();
    let scratch = scratch.queue_url.unwrap();
    let mut all = BTreeMap::new();
    for function in FUNCTIONS {
        let ours =
            Program { path: functions.join(life::program(function)), environment: own.clone() };
        let mut programs = vec![("Darkroom", ours)];
        for (handler, by) in peer::PEERS {
            let environment =
                peer::environment(&theirs, life::program(function), &calls[function], &scratch);
            programs.push((by, Program { path: peer::program(handler, folder), environment }));
        }
        all.insert(function, programs);
    }
    all
}

fn print_starts(results: &Results) {
    println!(
        "| function | by | first answer, median | p95 | warm, median | start alone | CPU until the \
         first | times ours |\n| --- | --- |{}",
        " ---: |".repeat(6)
    );
    for function in FUNCTIONS {
        let ours = median(&results[&(function, "Darkroom")], |it| it.first);
        for by in ["Darkroom"].into_iter().chain(peer::PEERS.map(|(_, by)| by)) {
            let starts = &results[&(function, by)];
            let first = median(starts, |it| it.first);
            let second = median(starts, |it| it.second);
            println!(
                "| {function} | {by} | {} | {} | {} | {} | {} | {:.1} |",
                ms(first),
                ms(quantile(starts, 95, |it| it.first)),
                ms(second),
                ms(median(starts, |it| it.first.saturating_sub(it.second))),
                ms(median(starts, |it| it.cpu)),
                first.as_secs_f64() / ours.as_secs_f64(),
            );
        }
    }
    println!();
}

fn print_calls(calls: &BTreeMap<&'static str, BTreeMap<String, u64>>) {
    println!("| function | asks AWS for |\n| --- | --- |");
    for function in FUNCTIONS {
        let asked = calls[function].iter().map(|(name, times)| match times {
            1 => name.clone(),
            times => format!("{times} × {name}"),
        });
        println!("| {function} | {} |", asked.collect::<Vec<_>>().join(", "));
    }
    println!();
}

fn print_sizes(functions: &Path) {
    println!("| function | binary, bytes | zipped, bytes |\n| --- | ---: | ---: |");
    let size = |name: &str| {
        let bytes = fs::metadata(functions.join(name)).map(|file| file.len());
        bytes.map_or_else(|_| "not packed".to_owned(), |bytes| bytes.to_string())
    };
    for function in FUNCTIONS.into_iter().filter(|function| *function != EARLY) {
        println!("| {function} | {} | {} |", size(function), size(&format!("{function}.zip")));
    }
}

fn ms(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

fn median(starts: &[Start], of: impl Fn(&Start) -> Duration) -> Duration {
    quantile(starts, 50, of)
}

/// The nearest rank.
fn quantile(starts: &[Start], percent: usize, of: impl Fn(&Start) -> Duration) -> Duration {
    let mut times: Vec<_> = starts.iter().map(of).collect();
    times.sort();
    times[(times.len() * percent).div_ceil(100).max(1) - 1]
}
