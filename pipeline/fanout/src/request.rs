//! What somebody asked for: planned by the presets of now, written down, and only then sent.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    Failure, ImageId, Message, Offers, PieceId, Problem, StoreError,
    image::Outcome,
    message::{Body, Order},
};
use imaging::{Plan, Work};
use jiff::Timestamp;

use crate::{Fanout, spread};

impl Fanout {
    /// Sends what is missing of these files, as far as the presets still offer them on request: one
    /// order a variant, since each is planned for itself and has the whole memory for itself.
    pub(crate) async fn requested(
        &self,
        id: ImageId,
        files: &[String],
        now: Timestamp,
    ) -> Result<Vec<Message>, Failure> {
        let image = match self.catalog.image(id).await {
            Err(StoreError::Missing(_)) => return Ok(Vec::new()),
            answer => answer?,
        };
        // Erased since it was asked of.
        let Some(source) = &image.source else { return Ok(Vec::new()) };
        let focal = spread::focal(&image);
        let presets = (self.presets)();
        let mut plan = presets.plan_on_request(&source.header, focal);
        plan.pieces.retain(|piece| files.contains(&piece.name));
        let orders = spread::orders(plan, source)?;
        let pieces: BTreeSet<PieceId> = orders.iter().map(|order| order.id.clone()).collect();
        let presets = Offers::from(&*presets).presets;
        let missing = self.catalog.order(id, &pieces, &presets).await?;
        let mut variants: BTreeMap<String, Vec<Order>> = BTreeMap::new();
        for order in orders.into_iter().filter(|order| missing.contains(&order.id)) {
            if let Work::Variant(rendition) = &order.piece.work {
                variants.entry(rendition.variant.clone()).or_default().push(order);
            }
        }
        let mut follow = Vec::new();
        for pieces in variants.into_values() {
            let plan = Plan { pieces: pieces.iter().map(|order| order.piece.clone()).collect() };
            match self.limits.check_plan(&source.header, &plan) {
                Ok(()) => follow.push(Body::Render { image: id, pieces }.into()),
                Err(fault) => {
                    let failed = Outcome::Failed(Problem::from(fault));
                    let failed: Vec<_> =
                        pieces.into_iter().map(|order| (order.id, failed.clone())).collect();
                    follow.extend(self.recorded(id, &failed, now).await?);
                }
            }
        }
        Ok(follow)
    }
}
