//! Any changes in any order.

use std::collections::BTreeSet;

use super::{
    super::{Adapters, Outcome, samples, trial},
    create,
};
use crate::{
    Catalog, Image, PieceId, StageName, Status,
    image::{self, Purpose},
};

pub(super) async fn every_decision_is_the_images_own(home: Adapters) -> Outcome {
    const STEPS: usize = 600;
    let mut dice = Dice(0x2545_f491);
    let mut number = 0;
    let mut model = samples::pending(number);
    create(&*home.catalog, &model).await?;
    for step in 0..STEPS {
        let event = Event::roll(&mut dice, &model);
        let now = samples::at(100 * i64::try_from(step).unwrap_or(0));
        let wanted = event.on_model(&mut model, now);
        let found = event.on_catalog(&*home.catalog, &model, now).await?;
        trial::same(&format!("the answer to {event:?} at step {step}"), &found, &wanted)?;
        let stored = home.catalog.image(model.id).await?;
        trial::same(&format!("the image after {event:?} at step {step}"), &stored, &model)?;
        if model.status == Status::Erased && dice.roll(4) == 0 {
            number = number.wrapping_add(1);
            model = samples::pending(number);
            create(&*home.catalog, &model).await?;
        }
    }
    Ok(())
}

/// Something that may happen to an image.
#[derive(Debug)]
enum Event {
    Accept,
    Reject,
    Expire,
    Expect(BTreeSet<PieceId>, Purpose, i64),
    Record(Vec<(PieceId, image::Outcome)>),
    Flip(crate::Revision),
    Reopen(BTreeSet<PieceId>),
    GiveUp(BTreeSet<PieceId>, i64),
    Count(image::Start),
    Ask(BTreeSet<String>, crate::Revision, i64),
    Order(BTreeSet<PieceId>, crate::Revision),
    Erase,
    Removed,
}

impl Event {
    fn roll(dice: &mut Dice, image: &Image) -> Self {
        const NAMES: [&str; 4] = ["a.webp", "b.webp", "c.webp", "derived"];
        // Some are in the set at times, so that they are awaited for two reasons.
        const ASKED: [&str; 3] = ["c.webp", "x.webp", "y.webp"];
        match dice.roll(64) {
            0..=4 => Self::Accept,
            5 => Self::Reject,
            6 => Self::Expire,
            7..=13 => {
                let pieces = NAMES[..2 + dice.roll(3)].iter().map(|name| samples::piece(name));
                let purpose = if dice.roll(3) == 0 { Purpose::Reopen } else { Purpose::Spread };
                let age = i64::try_from(dice.roll(3)).unwrap_or(0);
                Self::Expect(pieces.collect(), purpose, 150 * age)
            }
            14..=27 => {
                let many = 1 + dice.roll(2);
                let rolled = (0..many).map(|_| {
                    let name = NAMES[dice.roll(4)];
                    if dice.roll(4) == 0 { samples::failed(name) } else { samples::made(name) }
                });
                Self::Record(rolled.collect())
            }
            28..=34 if dice.roll(5) == 0 => Self::Flip(samples::piece("old").revision),
            28..=34 => Self::Flip(image.work.revision()),
            35..=38 => {
                let pieces = NAMES.iter().take(dice.roll(4)).map(|name| samples::piece(name));
                Self::Reopen(pieces.collect())
            }
            39..=41 => {
                let pieces = NAMES.iter().take(dice.roll(4)).map(|name| samples::piece(name));
                Self::GiveUp(pieces.collect(), i64::try_from(dice.roll(3)).unwrap_or(0))
            }
            42..=45 => Self::Count(match dice.roll(4) {
                0 => image::Start::Lost,
                1 => image::Start::Ended,
                attempts => {
                    let pieces = NAMES.iter().take(dice.roll(4)).map(|name| samples::piece(name));
                    let attempts = u32::try_from(attempts).unwrap_or(0) - 2;
                    image::Start::Begins { pieces: pieces.collect(), attempts }
                }
            }),
            46..=51 => {
                let files = ASKED.iter().take(1 + dice.roll(3)).map(|name| (*name).to_owned());
                let presets = samples::piece(ASKED[dice.roll(3)]).revision;
                let age = i64::try_from(dice.roll(3)).unwrap_or(0);
                Self::Ask(files.collect(), presets, 150 * age)
            }
            52..=56 => {
                let presets = samples::piece(ASKED[dice.roll(3)]).revision;
                Self::Order(ASKED.iter().map(|name| samples::piece(name)).collect(), presets)
            }
            57..=60 => {
                let name = ASKED[dice.roll(3)];
                let made = dice.roll(3) > 0;
                Self::Record(vec![if made { samples::made(name) } else { samples::failed(name) }])
            }
            61 => Self::Reopen(ASKED.iter().map(|name| samples::piece(name)).collect()),
            62 => Self::Removed,
            _ => Self::Erase,
        }
    }

    fn on_model(&self, image: &mut Image, now: jiff::Timestamp) -> String {
        match self {
            Self::Accept => format!("{:?}", image.accept(&samples::source(), now)),
            Self::Reject => format!("{:?}", image.reject(&samples::problem("no"), now)),
            Self::Expire => format!("{:?}", image.expire(now)),
            Self::Expect(pieces, purpose, age) => {
                let horizon = now - jiff::SignedDuration::from_secs(*age);
                format!("{:?}", image.expect(pieces, *purpose, horizon, now))
            }
            Self::Record(outcomes) => format!("{:?}", image.record(outcomes, now)),
            Self::Flip(revision) => format!("{:?}", image.flip(revision, now)),
            Self::Reopen(pieces) => format!("{:?}", image.reopen(pieces, now)),
            Self::Count(start) => format!("{:?}", image.count(StageName::Resize, start, now)),
            Self::GiveUp(pieces, age) => {
                let at = Some(now - jiff::SignedDuration::from_secs(150 * age));
                format!("{:?}", image.give_up(pieces, &samples::problem("lost"), at, now))
            }
            Self::Ask(files, presets, age) => {
                let horizon = now - jiff::SignedDuration::from_secs(*age);
                format!("{:?}", image.ask(files, presets, horizon, now))
            }
            Self::Order(pieces, presets) => format!("{:?}", image.order(pieces, presets)),
            Self::Erase => {
                image.erase(now);
                format!("{image:?}")
            }
            Self::Removed => format!("{:?}", image.removed(now)),
        }
    }

    async fn on_catalog(
        &self,
        catalog: &dyn Catalog,
        image: &Image,
        now: jiff::Timestamp,
    ) -> Result<String, crate::StoreError> {
        let id = image.id;
        Ok(match self {
            Self::Accept => format!("{:?}", catalog.accept(id, &samples::source(), now).await?),
            Self::Reject => {
                format!("{:?}", catalog.reject(id, &samples::problem("no"), now).await?)
            }
            Self::Expire => format!("{:?}", catalog.expire(id, now).await?),
            Self::Expect(pieces, purpose, age) => {
                let horizon = now - jiff::SignedDuration::from_secs(*age);
                format!("{:?}", catalog.expect(id, pieces, *purpose, horizon, now).await?)
            }
            Self::Record(outcomes) => format!("{:?}", catalog.record(id, outcomes, now).await?),
            Self::Flip(revision) => format!("{:?}", catalog.flip(id, revision, now).await?),
            Self::Reopen(pieces) => format!("{:?}", catalog.reopen(id, pieces, now).await?),
            Self::Count(start) => {
                format!("{:?}", catalog.count(id, StageName::Resize, start, now).await?)
            }
            Self::GiveUp(pieces, age) => {
                let at = Some(now - jiff::SignedDuration::from_secs(150 * age));
                let reason = samples::problem("lost");
                format!("{:?}", catalog.give_up(id, pieces, &reason, at, now).await?)
            }
            Self::Ask(files, presets, age) => {
                let horizon = now - jiff::SignedDuration::from_secs(*age);
                format!("{:?}", catalog.ask(id, files, presets, horizon, now).await?)
            }
            Self::Order(pieces, presets) => {
                format!("{:?}", catalog.order(id, pieces, presets).await?)
            }
            Self::Erase => format!("{:?}", catalog.erase(id, now).await?),
            Self::Removed => format!("{:?}", catalog.removed(id, now).await?),
        })
    }
}

/// The same numbers at every run, so that a violation can be seen again.
struct Dice(u32);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        usize::try_from(self.0 >> 8).unwrap_or(0) % sides
    }
}
