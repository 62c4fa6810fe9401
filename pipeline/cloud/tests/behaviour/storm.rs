//! Streams of images through what goes wrong at random: processes die, services refuse, answer late, break
//! off, and are gone. All of that delays, and nothing else.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use super::{
    cloud_home::{CloudHome, STAGES, count_images, say},
    house::PATIENCE,
};
use crate::harness::{
    home::Terms, moto::Moto, pictures::small, proxy::Fault, random::Random, signals,
};

/// A visibility time that the slowest handler keeps, however slow the services are.
const TERMS: Terms =
    Terms { visibility: 12, timeout: Duration::from_secs(12), batch: 4, ..Terms::USUAL };

/// Uploads images, by a few clients at once.
async fn stream(home: &CloudHome, images: usize) -> Vec<String> {
    const CLIENTS: usize = 3;
    let one = |number: usize| async move {
        let mut ids = Vec::new();
        for _ in (number..images).step_by(CLIENTS) {
            ids.push(home.client.upload_patiently(small(), "image/jpeg").await);
        }
        ids
    };
    let all = futures::future::join_all((0..CLIENTS).map(one)).await;
    all.concat()
}

/// Says how often each kind of trouble was there, and each of these was.
fn troubled(home: &CloudHome, kinds: &[Fault]) {
    let faults = home.home.proxy.faults();
    say(&format!("faults: {faults:?}"));
    for kind in kinds {
        assert!(faults.contains_key(kind), "{kind:?} was not there");
    }
}

/// Every image is ready, with the bytes of all others.
async fn all_alike(home: &CloudHome, ids: &[String]) {
    // Whoever uploads patiently may have made others besides, which were answered too late.
    let begun = tokio::time::Instant::now();
    let ready = loop {
        let ready = home.client.all("ready").await;
        let Some(missing) = ids.iter().find(|id| !ready.contains_key(*id)) else { break ready };
        assert!(begun.elapsed() < PATIENCE * 2, "{missing} is not ready");
        tokio::time::sleep(Duration::from_secs(1)).await;
    };
    let digests = |id: &String| -> BTreeMap<String, String> {
        let variants = ready[id]["variants"].as_array();
        let file = |variant: &serde_json::Value| {
            (super::house::file(variant), variant["sha256"].to_string())
        };
        variants.unwrap().iter().map(file).collect()
    };
    let first = digests(&ids[0]);
    assert_eq!(first.len(), 6, "{first:?}");
    for id in ids {
        assert_eq!(digests(id), first, "{id}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_kills_at_random_moments_lose_nothing() {
    const IMAGES: usize = 150;
    const KILLS: usize = 50;
    count_images("killed at random", IMAGES);
    let home = CloudHome::start(TERMS).await;
    let mut random = Random(20_261_124);
    // Three lost starts would bury an image, as they should.
    let mut struck: BTreeMap<(usize, String), u32> = BTreeMap::new();
    let mut killed = BTreeMap::new();
    let kills = async {
        while killed.values().sum::<usize>() < KILLS {
            tokio::time::sleep(Duration::from_millis(20 + random.below(300) as u64)).await;
            let stage = random.below(STAGES.len());
            let at_work = home.home.functions[STAGES[stage]].at_work();
            let Some((pid, payload)) = at_work.get(random.below(at_work.len().max(1))) else {
                continue;
            };
            let ids = ids_in(payload);
            if ids
                .iter()
                .any(|id| struck.get(&(stage, id.clone())).is_some_and(|count| *count >= 2))
            {
                continue;
            }
            if signals::send("KILL", *pid) {
                *killed.entry(STAGES[stage]).or_insert(0) += 1;
                for id in ids {
                    *struck.entry((stage, id)).or_insert(0) += 1;
                }
            }
        }
    };
    let (ids, in_time) = tokio::join!(stream(&home, IMAGES), tokio::time::timeout(PATIENCE, kills));
    all_alike(&home, &ids).await;
    say(&format!("killed in the middle of an invocation: {killed:?}; {IMAGES} images are ready"));
    assert!(in_time.is_ok(), "fewer than {KILLS} kills struck anybody at work");
}

/// All images that an invocation is about.
fn ids_in(payload: &str) -> BTreeSet<String> {
    let words = payload.split(|c: char| !c.is_ascii_hexdigit() && c != '-');
    words
        .filter(|word| word.len() == 36 && word.matches('-').count() == 4)
        .map(str::to_owned)
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn services_that_fail_only_delay() {
    const IMAGES: usize = 80;
    count_images("through faults", IMAGES);
    let home = CloudHome::start(Terms { faults: 17, ..TERMS }).await;
    let ids = stream(&home, IMAGES).await;
    all_alike(&home, &ids).await;
    let all = [
        Fault::Unavailable,
        Fault::Throttled,
        Fault::Exhausted,
        Fault::Slow,
        Fault::ResetBefore,
        Fault::ResetAfter,
    ];
    troubled(&home, &all);
}

/// All of AWS is gone twice, for the mapping of queues as well.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn services_that_are_gone_only_delay() {
    const IMAGES: usize = 50;
    count_images("through two outages", IMAGES);
    let home = CloudHome::start(TERMS).await;
    let outages = async {
        for _ in 0..2 {
            tokio::time::sleep(Duration::from_secs(2)).await;
            home.home.proxy.outage(Duration::from_secs(5)).await;
        }
    };
    let (ids, ()) = tokio::join!(stream(&home, IMAGES), outages);
    all_alike(&home, &ids).await;
    say(&format!("2 outages of 5 s; {IMAGES} images are ready"));
    troubled(&home, &[Fault::Gone]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn services_that_hang_only_delay() {
    const IMAGES: usize = 60;
    count_images("through a hang", IMAGES);
    let moto = Moto::start();
    let home = CloudHome::on(&moto, TERMS).await;
    let hang = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert!(signals::send("STOP", moto.pid()));
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert!(signals::send("CONT", moto.pid()));
    };
    let (ids, ()) = tokio::join!(stream(&home, IMAGES), hang);
    all_alike(&home, &ids).await;
    say(&format!("moto hung for 10 s; {IMAGES} images are ready"));
    troubled(&home, &[Fault::Hung]);
}

/// It goes and comes as a whole, with what it held, as it stood when the last request was answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn services_that_are_started_again_only_delay() {
    const IMAGES: usize = 40;
    count_images("through two restarts", IMAGES);
    let folder = tempfile::tempdir().unwrap();
    let moto = Moto::lasting(folder.path());
    let home = CloudHome::on(&moto, TERMS).await;
    let restarts = async {
        for _ in 0..2 {
            tokio::time::sleep(Duration::from_secs(2)).await;
            let begun = Instant::now();
            tokio::task::block_in_place(|| moto.restart());
            say(&format!("moto was started again in {:.1} s", begun.elapsed().as_secs_f32()));
        }
    };
    let (ids, ()) = tokio::join!(stream(&home, IMAGES), restarts);
    all_alike(&home, &ids).await;
    say(&format!("moto was started again twice; {IMAGES} images are ready"));
    troubled(&home, &[Fault::Gone]);
}
