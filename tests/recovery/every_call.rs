//! Whatever call fails or kills, the end is the same.

use std::{sync::Arc, thread};

use domain::Status;

use super::{
    fuse::{Blow, Fuse},
    home::Loans,
    ports::Delays,
    scenario::{End, play},
};
use crate::report;

/// Plays one disturbed run; the calls that it made, and whether it was disturbed at all.
fn run(at: usize, blow: Blow, delays: Delays, loans: Loans) -> (End, Arc<Fuse>) {
    let fuse = Fuse::armed(at, blow);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let end = runtime.block_on(play(fuse.clone(), delays, loans));
    (end, fuse)
}

fn undisturbed(delays: Delays) -> (End, usize) {
    let fuse = Fuse::unarmed();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let end = runtime.block_on(play(fuse.clone(), delays, Loans::GivenBack));
    (end, fuse.calls())
}

#[test]
fn the_undisturbed_run_shows_every_kind_of_end() {
    let (end, calls) = undisturbed(Delays::NONE);
    let statuses: Vec<_> = end.records.values().map(|image| image.status).collect();
    for status in [Status::Ready, Status::Failed, Status::Rejected, Status::Erased, Status::Expired]
    {
        assert!(statuses.contains(&status), "no image ends {}", status.as_str());
    }
    let ready = statuses.iter().filter(|status| **status == Status::Ready).count();
    assert_eq!(ready, 4, "photograph, private, silent and adopted: {statuses:?}");
    let hero = end.objects.keys().filter(|path| path.ends_with("/hero.png")).count();
    assert_eq!(hero, 1, "made because somebody asked for it");
    assert_eq!(end.letters, 0);
    report::say(
        "recovery",
        format_args!(
            "the undisturbed run makes {calls} port calls, and leaves {} objects",
            end.objects.len()
        ),
    );
}

/// Every call in turn, in every way that a call can go wrong.
#[test]
fn the_end_is_the_same_whichever_call_fails_or_kills() {
    let (expected, calls) = undisturbed(Delays::NONE);
    let ways: Vec<_> = Blow::ALL
        .into_iter()
        .flat_map(|blow| match blow {
            Blow::Refuse | Blow::LoseAnswer => vec![(blow, Loans::GivenBack)],
            Blow::DieBefore | Blow::DieAfter => {
                vec![(blow, Loans::GivenBack), (blow, Loans::Elapse)]
            }
        })
        .collect();
    let explored: usize = thread::scope(|scope| {
        let explore = |(blow, loans): (Blow, Loans)| {
            let expected = &expected;
            scope.spawn(move || {
                for at in 1.. {
                    let (end, fuse) = run(at, blow, Delays::NONE, loans);
                    assert_eq!(&end, expected, "{blow:?} at call {at}, loans {loans:?}");
                    if !fuse.blown() {
                        report::say(
                            "recovery",
                            format_args!("{blow:?}, loans {loans:?}: {} calls explored", at - 1),
                        );
                        return at - 1;
                    }
                }
                unreachable!("a run ends")
            })
        };
        let threads: Vec<_> = ways.into_iter().map(explore).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    report::say("recovery", format_args!("{explored} disturbed runs of {calls} calls each"));
    assert!(explored >= 6 * calls, "{explored} runs cannot have touched each of {calls} calls");
}

/// Each message twice, overtaking each other, and a failure on top: other calls with every seed.
#[test]
fn the_end_is_the_same_with_doubled_and_shuffled_messages() {
    const SEEDS: u64 = 8;
    const STRIDE: usize = 37;
    let (expected, _) = undisturbed(Delays::NONE);
    let explored: usize = thread::scope(|scope| {
        let explore = |seed: u64| {
            let expected = &expected;
            scope.spawn(move || {
                let delays = Delays { copies: 2, longest: 40, seed };
                let (end, calls) = undisturbed(delays);
                assert_eq!(&end, expected, "seed {seed}");
                let first = usize::try_from(seed).unwrap() + 1;
                let mut runs = 1;
                for at in (first..calls).step_by(STRIDE) {
                    let blow = Blow::ALL[at % Blow::ALL.len()];
                    let loans = if at % 8 < 4 { Loans::GivenBack } else { Loans::Elapse };
                    let (end, _) = run(at, blow, delays, loans);
                    assert_eq!(&end, expected, "seed {seed}, {blow:?} at call {at}, {loans:?}");
                    runs += 1;
                }
                report::say("recovery", format_args!("seed {seed}: {calls} calls, {runs} runs"));
                runs
            })
        };
        let threads: Vec<_> = (0..SEEDS).map(explore).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    report::say("recovery", format_args!("{explored} runs with each message twice"));
    assert!(explored > usize::try_from(SEEDS).unwrap() * 2);
}
