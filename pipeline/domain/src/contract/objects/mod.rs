//! The promises of [`Objects`](crate::Objects).

mod looking;
mod streams;
mod writes;

use super::{Check, Outcome, trial};
use crate::{Key, Objects, key::Prefix, ports::Written, query::Page};

/// Every check of this port.
pub const CHECKS: &[Check] = trial::checks! { "objects";
    writes::written_is_there => "An object that was created is there, whole, as soon as the answer is.";
    writes::empty_is_an_object => "An object without bytes is an object.";
    writes::keys_are_apart => "Each key has an object of its own.";
    writes::never_overwritten => "A write never changes an object that is there.";
    writes::one_of_many_creates => "Of any number of writers to one key, one creates it, and the bytes are its own.";
    writes::one_creates_by_any_way => "Writes, streams and copies to one key at once create it once.";
    writes::copy_is_whole => "A copy has the other's bytes, and leaves the other as it was.";
    writes::copy_never_overwrites => "A copy never changes an object that is there.";
    writes::full_store_loses_nothing => "A store that is full says so: what it says it created is there, and what it refused is not.";
    writes::restart_keeps_objects => "What was created survives that the home is stopped without warning.";
    streams::stream_arrives_whole => "A stream that turns out as announced creates the object, whole.";
    streams::too_long_is_cut_off => "A stream is cut off at the first byte too many and leaves nothing.";
    streams::too_short_leaves_nothing => "A stream that ends early leaves nothing.";
    streams::wrong_checksum_leaves_nothing => "A stream of other bytes than announced leaves nothing.";
    streams::failing_stream_leaves_nothing => "A stream that fails leaves nothing, and its failure is the answer.";
    streams::given_up_stream_leaves_nothing => "A stream that its caller gives up leaves nothing.";
    streams::stream_never_overwrites => "A stream never changes an object that is there.";
    streams::one_of_many_streams_creates => "Of any number of streams to one key, one creates it, and the bytes are its own.";
    looking::missing_is_said => "What is not there is answered as missing.";
    looking::etag_follows_bytes => "The ETag stays while the bytes do, and changes when they do.";
    looking::ranges_are_cut => "A range is cut at the object's end, and is empty behind it.";
    looking::list_is_of_one_folder => "A list holds the keys under its prefix, all of them and no others.";
    looking::list_is_in_order => "A list is in the order of paths, in pages that hold each key once.";
    looking::list_outlives_deletion => "Deleting what one page listed hides nothing from the next.";
    looking::deleted_is_gone => "What was deleted is gone, deleting again succeeds, and the key is free.";
    looking::put_is_signed => "A signed upload names its key and headers, and ends by its terms; other terms are signed otherwise.";
    looking::get_is_signed => "A signed download names its key; another key or end is signed otherwise.";
};

/// Every key of a folder, page by page. More pages than keys end in a violation.
async fn list_all(
    objects: &dyn Objects,
    prefix: Prefix,
    limit: usize,
) -> Result<Vec<Key>, trial::Finding> {
    let (mut found, mut cursor) = (Vec::new(), None);
    for _ in 0..1000 {
        let Page { items, next } = objects.list(&prefix, cursor.as_deref(), limit).await?;
        trial::ensure!(
            items.len() <= limit,
            "a page of at most {limit} keys holds {}",
            items.len()
        );
        found.extend(items);
        match next {
            None => return Ok(found),
            next => cursor = next,
        }
    }
    Err(trial::Finding::Violated(format!("{} has no last page", prefix.path())))
}

/// The object is there with exactly these bytes, by every way of looking.
async fn holds(objects: &dyn Objects, key: &Key, bytes: &bytes::Bytes) -> Outcome {
    trial::same(&format!("bytes of {key}"), &objects.read(key).await?, bytes)?;
    let size = objects.head(key).await?.size;
    trial::same(&format!("size of {key}"), &size, &(bytes.len() as u64))?;
    let range = objects.read_range(key, 0..u64::MAX).await?;
    trial::same(&format!("the whole range of {key}"), &range, bytes)
}

/// There is no trace of the object, and the key is as good as new.
async fn left_nothing(objects: &dyn Objects, key: &Key) -> Outcome {
    trial::missing(&format!("head of {key}"), objects.head(key).await)?;
    trial::missing(&format!("bytes of {key}"), objects.read(key).await)?;
    let listed = list_all(objects, Prefix::Uploads, 100).await?;
    trial::ensure!(!listed.contains(key), "{key} is listed and cannot be read");
    let right = super::samples::bytes(77, 3000);
    let exactly = super::samples::exactly(&right);
    let stream = super::samples::stream_of(&right, 1000);
    let written = objects.write_stream(key, &exactly, stream).await?;
    trial::same("the right write that follows", &written, &Written::Created)?;
    holds(objects, key, &right).await
}
