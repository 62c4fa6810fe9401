//! An image that is too much for one message is made by several, and nothing of it twice.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use domain::{
    Budget, Catalog as _, Clock, Status, Visibility, image::Outcome, memory::ManualClock,
    message::Body, ports::Written,
};
use jiff::Timestamp;

use super::{
    draw,
    fuse::{Entry, Fuse, Lethal},
    home::{Allowance, Home, Loans},
    ports::Delays,
    scenario::End,
};
use crate::report;

/// A clock that moves on by a second whenever somebody looks at it.
struct CountedClock {
    beginning: Timestamp,
    looks: AtomicU64,
}

impl Clock for CountedClock {
    fn now(&self) -> Timestamp {
        let looks = self.looks.fetch_add(1, Ordering::SeqCst);
        self.beginning + Duration::from_secs(looks)
    }
}

/// Time for four looks: one a piece, and few for everything else.
fn little(clock: &Arc<ManualClock>) -> Budget {
    let beginning = clock.now();
    let clock = Arc::new(CountedClock { beginning, looks: AtomicU64::new(0) });
    Budget::until(beginning + Duration::from_secs(4), Duration::ZERO, clock)
}

fn plenty(clock: &Arc<ManualClock>) -> Budget {
    Budget::unlimited(clock.clone())
}

/// Twelve sizes in two formats.
fn presets() -> String {
    let table = |n: u32| {
        let side = n * 3;
        format!("[variants.v{n}]\nwidth = {side}\nheight = {side}\nformats = ['webp', 'jpeg']\n")
    };
    (1..=12).map(table).collect::<Vec<_>>().concat()
}

struct Run {
    end: End,
    home: Home,
}

async fn run(allowance: Allowance, visibility: Visibility) -> Run {
    let mut home = Home::new(Fuse::unarmed(), Delays::NONE, Loans::GivenBack);
    home.presets = presets();
    home.allowance = allowance;
    let picture = draw::jpeg(60, 90, 7);
    let id = home.create(1, picture.len() as u64, visibility).await;
    let event = home.world.put(id, &picture).await;
    home.post_message(event).await;
    home.settle().await;
    let end = home.end(&[id]).await;
    Run { end, home }
}

#[tokio::test]
async fn twenty_four_variants_are_made_by_many_messages_and_none_twice() {
    for visibility in [Visibility::Public, Visibility::Private] {
        let unlimited = run(plenty, visibility).await;
        let limited = run(little, visibility).await;
        assert_eq!(limited.end, unlimited.end, "the same bytes, whoever made them");

        let image = limited.end.records.values().next().unwrap();
        assert_eq!(image.status, Status::Ready);
        let made = |outcome: &&Outcome| matches!(outcome, Outcome::Made(_));
        assert_eq!(image.work.ended.values().filter(made).count(), 24);

        let renders = |run: &Run| {
            let render = |entry: &Entry| matches!(entry, Entry::Sent(m) if matches!(m.body, Body::Render { .. }));
            run.home.fuse.ledger().iter().filter(|entry| render(entry)).count()
        };
        assert_eq!(renders(&unlimited), 1);
        let messages = renders(&limited);
        assert!(messages >= 5, "{messages} messages are no continuations to speak of");

        let ledger = limited.home.fuse.ledger();
        let written = ledger.iter().filter_map(|entry| match entry {
            Entry::Written(key, written) => Some((key.path(), *written)),
            Entry::Sent(_) => None,
        });
        // Every variant that leaves the encoder is written, so writes are encodings.
        let writes: Vec<_> = written.filter(|(path, _)| path.starts_with(['v', 'p'])).collect();
        let distinct: BTreeSet<_> = writes.iter().map(|(path, _)| path).collect();
        assert_eq!((writes.len(), distinct.len()), (24, 24), "each piece was encoded once");
        assert!(writes.iter().all(|(_, written)| *written == Written::Created));
        report::say(
            "budget",
            format_args!(
                "{visibility:?}: 24 variants by {messages} messages, {} encodings",
                writes.len()
            ),
        );
    }
}

/// Starts are counted across continuations: a killer gets no new ones by being handed on.
#[tokio::test]
async fn a_killer_among_many_pieces_costs_three_starts_in_all() {
    for file in ["v12.jpeg", "v7.webp", "v1.webp"] {
        let mut home = Home::new(Fuse::unarmed(), Delays::NONE, Loans::GivenBack);
        home.presets = presets();
        home.allowance = little;
        let id = home.upload(1, &draw::jpeg(60, 90, 7)).await;
        home.fuse.poison(Lethal::Making(id, file.to_owned()));
        home.settle().await;

        assert_eq!(home.deaths, 3, "{file}");
        let image = home.world.catalog.image(id).await.unwrap();
        assert_eq!(image.status, Status::Failed);
        let failed = |outcome: &Outcome| matches!(outcome, Outcome::Failed(_));
        let failed: Vec<_> = image
            .work
            .ended
            .iter()
            .filter(|(_, outcome)| failed(outcome))
            .map(|(piece, _)| piece.name.as_str())
            .collect();
        assert_eq!(failed, [file], "every innocent piece is made");
    }
}
