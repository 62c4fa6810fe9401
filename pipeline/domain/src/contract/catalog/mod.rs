//! The promises of [`Catalog`](crate::Catalog).

mod any_order;
mod creating;
mod crowded;
mod decisions;
mod erasing;
mod finding;
mod requests;
mod starts;

use std::collections::BTreeSet;

use super::{Check, Finding, Outcome, samples, trial};
use crate::{
    Catalog, Image, ImageId, PieceId, Revision,
    image::{Expectation, Flip, Progress, Purpose},
    ports::Creation,
};

/// Every check of this port.
pub const CHECKS: &[Check] = trial::checks! { "catalog";
    creating::created_is_kept_whole => "A created image is there at once, with everything that was said of it.";
    creating::created_once => "An image is created once; after that, creating it answers what became of it.";
    creating::same_request_is_repeated => "The same request under the same key creates nothing and answers what came of the first.";
    creating::other_request_is_refused => "Another request under a used key creates nothing and is told so.";
    creating::keys_are_the_tenants_own => "An idempotency key means something within its tenant only.";
    creating::unknown_is_missing => "What was never created is missing, for every question and every change.";
    creating::restart_keeps_images => "Every change survives that the home is stopped without warning.";
    creating::full_home_keeps_images => "Whatever answers success while the home is full is there.";
    decisions::accepting => "Accepting a pending image keeps its source; what ended before stays as it is.";
    decisions::refusing => "Only what nobody decided yet is rejected, and only what is overdue expires.";
    decisions::expected_is_sent_by_horizon => "Missing pieces are sent once, and again only if they were last sent at the horizon or before.";
    decisions::recorded_is_a_set => "Recording a piece is an addition to a set: twice the same is once, and strangers do not count.";
    decisions::outcomes_are_kept_whole => "How a piece ended is kept as it was said.";
    decisions::flipped_once => "A complete set is announced once; asking again answers how.";
    decisions::reopened_is_another_round => "What was announced as failed can be opened again and is announced again; how it ended first stays known meanwhile.";
    decisions::given_up_before_it_was_opened => "What was given up before an image was opened again does not end it; what was given up since does.";
    starts::starts_are_counted => "Starts of suspected work are counted until the image is opened again; those of healthy work are not.";
    decisions::erased_stays_erased => "Erasing leaves a tombstone that nothing late changes, and nothing of what was said.";
    erasing::erased_is_due_until_removed => "An erased image is due until its removal is written down, and left alone for longer each time it is said again.";
    requests::asked_for_once => "What is asked for beside the set is to be sent once; again only if it was last asked for at the horizon or before, or has ended under other presets.";
    requests::asked_for_in_vain => "What was asked for once more as of the horizon, because the fan-out could not be told, is sent for the next who asks.";
    requests::open_under_other_presets => "What was planned by other presets than those it is asked for by is asked for again.";
    requests::ordered_if_asked_for => "Only what somebody asked for and nobody made is ordered, and recorded beside the set.";
    requests::asking_leaves_the_set => "Whatever becomes of what was asked for, set and state of the image stay as they are.";
    requests::what_failed_waits_for_a_redrive => "What was asked for and failed is not tried again for being asked for, until it is opened again.";
    any_order::every_decision_is_the_images_own => "In any order of events, answers and state are those of the image's own decisions.";
    crowded::creations_at_once_are_one => "Of any number of equal requests at once, one creates an image.";
    crowded::records_at_once_are_all_kept => "Pieces that are recorded at the same time are all kept, and somebody sees that they are complete.";
    crowded::spread_at_once_is_sent_once => "Of any number that spread an image at once, one sends.";
    crowded::flip_at_once_is_one => "Of any number that announce an image at once, one does.";
    starts::starts_at_once_are_three => "Of any number of copies of suspected work that start at once, no more do than are left.";
    requests::asked_for_at_once_is_once => "Of any number that ask for the same at once, one asks the fan-out.";
    crowded::erase_wins => "An image that is erased while others change it ends erased.";
    finding::search_is_newest_first => "A search finds what fits, the newest first, in pages that hold each image once.";
    finding::search_filters => "A search finds nothing that does not fit.";
    finding::search_is_stable => "Pages of a search lose and repeat nothing while images come, change and share their moment.";
    finding::due_is_longest_first => "What is due is found, the longest due first, in pages that hold each image once.";
    finding::due_is_of_one_status => "Only what is in the state asked for and due before the moment is found.";
    finding::nudged_is_left_alone => "What was said again is due later, and each time later still, until something comes of it.";
    finding::due_outlives_handling => "Handling what one page found due hides nothing from the next.";
};

/// The image is in the catalog exactly like this.
async fn holds(catalog: &dyn Catalog, image: &Image) -> Outcome {
    trial::same("the image", &catalog.image(image.id).await?, image)
}

async fn create(catalog: &dyn Catalog, image: &Image) -> Outcome {
    trial::same("the creation", &catalog.create(image, None).await?, &Creation::Created)
}

/// An accepted image whose pieces were sent at the tenth second.
async fn spread(
    catalog: &dyn Catalog,
    number: u8,
    pieces: &BTreeSet<PieceId>,
) -> Result<ImageId, Finding> {
    let image = samples::pending(number);
    create(catalog, &image).await?;
    catalog.accept(image.id, &samples::source(), samples::at(5)).await?;
    let sent = expect(catalog, image.id, pieces, 10).await?;
    trial::same("the expectation", &sent, &Expectation::Send(pieces.clone()))?;
    Ok(image.id)
}

/// Expects pieces at a second; what was sent up to five seconds before is sent again.
async fn expect(
    catalog: &dyn Catalog,
    id: ImageId,
    pieces: &BTreeSet<PieceId>,
    second: i64,
) -> Result<Expectation, Finding> {
    let (horizon, now) = (samples::at(second - 5), samples::at(second));
    Ok(catalog.expect(id, pieces, Purpose::Spread, horizon, now).await?)
}

/// Records the last pieces and answers the revision that is complete by it.
async fn complete(
    catalog: &dyn Catalog,
    id: ImageId,
    outcomes: &[(PieceId, crate::image::Outcome)],
    second: i64,
) -> Result<Revision, Finding> {
    match catalog.record(id, outcomes, samples::at(second)).await? {
        Progress::Complete(revision) => Ok(revision),
        other => Err(Finding::Violated(format!("expected a complete set, found {other:?}"))),
    }
}

/// An image that was announced at the twentieth second.
async fn announced(
    catalog: &dyn Catalog,
    number: u8,
    outcomes: &[(PieceId, crate::image::Outcome)],
) -> Result<(ImageId, Revision, Flip), Finding> {
    let pieces = outcomes.iter().map(|(piece, _)| piece.clone()).collect();
    let id = spread(catalog, number, &pieces).await?;
    let revision = complete(catalog, id, outcomes, 15).await?;
    let flip = catalog.flip(id, &revision, samples::at(20)).await?;
    Ok((id, revision, flip))
}
