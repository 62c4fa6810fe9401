//! What a home does when somebody erases an image.

use jiff::Timestamp;

use crate::{
    Catalog, Image, ImageId, Key, Objects, Outbox, StoreError, key::Prefix, message::Body,
};

/// Keys that are asked for at a time.
const LIST_PAGE: usize = 1000;

/// Erases an image: writes its tombstone, looks up what is to go, and sends what removes it; answers
/// the tombstone and those keys. Dying, or failing, after the tombstone is healed by the sweeper, since
/// the image stays due until its removal is written down: nobody has to ask again.
/// [`StoreError::Missing`] where there is no such image.
pub async fn erase(
    catalog: &dyn Catalog,
    objects: &dyn Objects,
    outbox: &dyn Outbox,
    id: ImageId,
    now: Timestamp,
) -> Result<(Image, Vec<Key>), StoreError> {
    let tombstone = catalog.erase(id, now).await?;
    let keys = keys_of(objects, id).await?;
    // Also when it was erased before: whoever asks twice need not wait for the sweeper.
    outbox.send(&[Body::Erase { image: id, round: 0 }.into()]).await?;
    Ok((tombstone, keys))
}

/// The keys of everything that an image has in the store.
async fn keys_of(objects: &dyn Objects, id: ImageId) -> Result<Vec<Key>, StoreError> {
    let upload = Key::Upload { image: id };
    let mut found = match objects.head(&upload).await {
        Ok(_) => vec![upload],
        Err(StoreError::Missing(_)) => Vec::new(),
        Err(error) => return Err(error),
    };
    for prefix in Prefix::of(id) {
        let mut cursor = None;
        loop {
            let page = objects.list(&prefix, cursor.as_deref(), LIST_PAGE).await?;
            found.extend(page.items);
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
    }
    Ok(found)
}
