//! The contract: the adapters that we ship keep it, and adapters that are broken on purpose do not.

#[expect(clippy::unwrap_used, reason = "the reference adapters do not fail, nor do their locks")]
mod broken;
#[expect(clippy::unwrap_used, reason = "a home that cannot be set up ends its test")]
mod homes;

use std::collections::BTreeSet;

use domain::contract::{self, Report};
use homes::{Embedded, Memory, SmallDisk};
use local::objects::Placement;

use crate::report::{self, Lack};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn memory_keeps_the_contract() {
    let report = contract::run(&Memory).await;
    println!("memory: {report}");
    assert_eq!(report.violations, []);
    // Memory has nothing to restart from; everything else is tried.
    assert!(report.untested.iter().all(|untested| untested.check.contains("::restart_")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_machine_keeps_the_contract() {
    let home = Embedded { parent: std::env::temp_dir(), placement: None, room: None };
    let report = contract::run(&home).await;
    println!("one machine: {report}");
    assert_eq!(report.violations, []);
    assert!(report.untested.iter().all(|untested| untested.check.contains("::full_")));
}

/// Without hard links, as on some network and removable file systems, and on a disk that can be
/// filled.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_machine_keeps_the_contract_on_a_small_disk() {
    let Some(disk) = SmallDisk::mount() else {
        let what = "this process may not mount a tmpfs";
        let lack = Lack::Machine(what, "run it as root on Linux");
        return report::not_run("the contract on a small disk", lack);
    };
    for placement in [Placement::Link, Placement::Rename] {
        let room = Some(SmallDisk::SIZE);
        let home = Embedded { parent: disk.path(), placement: Some(placement), room };
        let report = contract::run(&home).await;
        println!("one machine, small disk, {placement:?}: {report}");
        assert_eq!(report.violations, []);
        assert_eq!(report.untested, []);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn broken_adapters_are_caught() {
    let mut caught = BTreeSet::new();
    let mut missed = Vec::new();
    for broken in broken::all() {
        let report: Report = broken.run().await;
        let by: BTreeSet<_> = report.violations.iter().map(|violation| violation.check).collect();
        let (meant, others): (Vec<_>, Vec<_>) =
            by.iter().copied().partition(|check| broken.caught_by.contains(check));
        println!("{:<34} {} and {} more", broken.name, meant.join(", "), others.len());
        if meant.len() < broken.caught_by.len() {
            missed.push(format!("{} by {:?}: {report}", broken.name, broken.caught_by));
        }
        caught.extend(by);
    }
    assert!(missed.is_empty(), "not caught: {missed:#?}");
    // A check that no broken adapter fails may be one that cannot fail.
    let idle: Vec<_> =
        contract::checks().map(|check| check.name).filter(|name| !caught.contains(name)).collect();
    assert!(idle.is_empty(), "no broken adapter fails {idle:?}");
}
