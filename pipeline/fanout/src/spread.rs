//! Planning what to make of an image, writing it down, and only then sending it.

use std::collections::BTreeSet;

use domain::{
    Budget, Failure, Image, ImageId, Message, PieceId, Problem, Revision, Sha256, Status,
    StoreError,
    image::{Expectation, FocalPoint, Outcome, Progress, Purpose, Source},
    message::{Body, Order},
    query::Filter,
};
use imaging::{Decimal, Plan, geometry::Point};
use jiff::Timestamp;

use crate::Fanout;

/// The piece that the metadata stage ends.
const METADATA: &str = "metadata";

/// Images of one page of a reprocessing: their messages fit one send of every queue.
const PAGE: usize = 25;

/// What is to be made of an image now.
struct Wanted {
    metadata: PieceId,
    orders: Vec<Order>,
    /// Why the orders cannot be afforded.
    refusal: Option<Problem>,
}

impl Fanout {
    /// Sends what an accepted image misses.
    pub(crate) async fn spread(
        &self,
        id: ImageId,
        horizon: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<Message>, Failure> {
        let image = match self.catalog.image(id).await {
            Err(StoreError::Missing(_)) => {
                tracing::warn!(image = %id, "an image was accepted that nobody created");
                return Ok(Vec::new());
            }
            answer => answer?,
        };
        if image.status != Status::Processing {
            return Ok(Vec::new());
        }
        self.send(&image, Purpose::Spread, horizon, now).await
    }

    /// A page of images at a time: sends what the presets now ask for.
    pub(crate) async fn reprocess(
        &self,
        query: Filter,
        mut cursor: Option<String>,
        horizon: Timestamp,
        budget: &Budget,
    ) -> Result<Vec<Message>, Failure> {
        let page = self.catalog.search(&query, cursor.as_deref(), PAGE).await?;
        let mut follow = Vec::new();
        for image in &page.items {
            match image.status {
                Status::Processing | Status::Ready | Status::Failed => {
                    follow.extend(self.send(image, Purpose::Reopen, horizon, budget.now()).await?);
                }
                Status::Pending | Status::Rejected | Status::Expired | Status::Erased => {}
            }
        }
        cursor = page.next;
        if cursor.is_some() {
            follow.push(Body::Reprocess { query, cursor }.into());
        }
        Ok(follow)
    }

    async fn send(
        &self,
        image: &Image,
        purpose: Purpose,
        horizon: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<Message>, Failure> {
        let id = image.id;
        let wanted = self.wanted(image)?;
        let pieces = wanted.pieces();
        let found = self.catalog.expect(id, &pieces, purpose, horizon, now).await?;
        let missing = match found {
            Expectation::Send(missing) => missing,
            Expectation::Underway => BTreeSet::new(),
            Expectation::Complete(revision) => {
                return Ok(vec![Body::Completed { image: id, revision }.into()]);
            }
            Expectation::Ended => return Ok(Vec::new()),
        };
        let mut follow = Vec::new();
        if missing.contains(&wanted.metadata) {
            let piece = wanted.metadata.clone();
            follow.push(Body::Describe { image: id, piece }.into());
        }
        if let Some(problem) = &wanted.refusal {
            // Recorded at every look, also while the rest is under way: it costs no work, and
            // whoever died before this is healed by the next event.
            let failed: Vec<_> = wanted
                .orders
                .iter()
                .map(|order| (order.id.clone(), Outcome::Failed(problem.clone())))
                .collect();
            follow.extend(self.recorded(id, &failed, now).await?);
            return Ok(follow);
        }
        let mut orders = wanted.orders;
        orders.retain(|order| missing.contains(&order.id));
        if !orders.is_empty() {
            follow.push(Body::Render { image: id, pieces: orders }.into());
        }
        Ok(follow)
    }

    /// Writes down how pieces ended, and says so where they were the last.
    pub(crate) async fn recorded(
        &self,
        image: ImageId,
        outcomes: &[(PieceId, Outcome)],
        now: Timestamp,
    ) -> Result<Option<Message>, Failure> {
        match self.catalog.record(image, outcomes, now).await? {
            Progress::Complete(revision) => Ok(Some(Body::Completed { image, revision }.into())),
            Progress::Underway | Progress::Ended | Progress::Erased => Ok(None),
        }
    }

    /// Everything that the presets and the header ask for. An image that cannot be afforded is
    /// known here and not in ingest, because what it costs depends on the presets: its pieces
    /// fail with the reason, what its bytes say of themselves is found out all the same.
    fn wanted(&self, image: &Image) -> Result<Wanted, Failure> {
        let Some(source) = &image.source else {
            let detail =
                format!("image {} is {} without a source", image.id, image.status.as_str());
            return Err(Failure::Permanent(detail));
        };
        let plan = (self.presets)().plan_around(&source.header, focal(image));
        let refusal = self.limits.check_plan(&source.header, &plan).err().map(Problem::from);
        let metadata = self.metadata(source.sha256);
        Ok(Wanted { metadata, orders: orders(plan, source)?, refusal })
    }

    /// Which bytes, read by what.
    fn metadata(&self, source: Sha256) -> PieceId {
        let text = format!("{}\n{source}", self.describer);
        let revision = Revision::short(Sha256::of(text.as_bytes()));
        PieceId { name: METADATA.to_owned(), revision }
    }
}

/// What the client said draws the eye.
pub(crate) fn focal(image: &Image) -> Option<Point> {
    let FocalPoint { x, y } = image.focal_point?;
    let share = |share: f32| Decimal::from_f64(f64::from(share));
    Some(Point { x: share(x)?, y: share(y)? })
}

/// The pieces of a plan under the names by which they are recorded.
pub(crate) fn orders(plan: Plan, source: &Source) -> Result<Vec<Order>, Failure> {
    let orders = plan.pieces.into_iter().map(|piece| {
        let revision: Revision = piece
            .revision(&source.sha256.0)
            .parse()
            .map_err(|error| Failure::Permanent(format!("{}: {error}", piece.name)))?;
        let id = PieceId { name: piece.name.clone(), revision };
        Ok(Order { id, piece })
    });
    orders.collect()
}

impl Wanted {
    fn pieces(&self) -> BTreeSet<PieceId> {
        let orders = self.orders.iter().map(|order| order.id.clone());
        orders.chain([self.metadata.clone()]).collect()
    }
}
