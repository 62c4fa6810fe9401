//! Asking for many images.

use super::{
    super::{Adapters, Finding, Outcome, samples, trial},
    announced, create, spread,
};
use crate::{Catalog, Image, ImageId, Status, query::Filter};

pub(super) async fn search_is_newest_first(home: Adapters) -> Outcome {
    let catalog = &*home.catalog;
    let newest = fill(catalog).await?;
    for limit in [1, 2, 3, 4, 12, 13, 100] {
        let found = search(catalog, &Filter::default(), limit).await?;
        trial::same(&format!("in pages of {limit}"), &moments(&found), &moments(&newest))?;
        let (mut found, mut wanted) = (ids(&found), ids(&newest));
        found.sort();
        wanted.sort();
        trial::same(&format!("which, in pages of {limit}"), &found, &wanted)?;
    }
    let whole = catalog.search(&Filter::default(), None, 1).await?.items;
    trial::same("the newest, whole", &whole, &newest[..1].to_vec())
}

pub(super) async fn search_filters(home: Adapters) -> Outcome {
    let catalog = &*home.catalog;
    let all = fill(catalog).await?;
    let filters = [
        Filter { tenant: Some(samples::tenant("even")), ..Filter::default() },
        Filter { tenant: Some(samples::tenant("nobody")), ..Filter::default() },
        Filter { status: Some(Status::Rejected), ..Filter::default() },
        Filter { status: Some(Status::Ready), ..Filter::default() },
        Filter { after: Some(samples::at(20)), ..Filter::default() },
        Filter { before: Some(samples::at(20)), ..Filter::default() },
        Filter {
            tenant: Some(samples::tenant("even")),
            status: Some(Status::Pending),
            after: Some(samples::at(10)),
            before: Some(samples::at(30)),
        },
    ];
    for filter in filters {
        for limit in [1, 3, 100] {
            let mut found = ids(&search(catalog, &filter, limit).await?);
            let mut wanted: Vec<_> =
                all.iter().filter(|image| filter.fits(image)).map(|image| image.id).collect();
            found.sort();
            wanted.sort();
            trial::same(&format!("{filter:?} in pages of {limit}"), &found, &wanted)?;
        }
    }
    Ok(())
}

pub(super) async fn search_is_stable(home: Adapters) -> Outcome {
    let catalog = &*home.catalog;
    // All of one moment, so that only their names can keep them apart.
    for number in 1..=9 {
        create(catalog, &samples::pending(number)).await?;
    }
    let filter = Filter { status: Some(Status::Pending), ..Filter::default() };
    let (mut found, mut cursor) = (Vec::new(), None);
    for round in 0..20_u8 {
        let page = catalog.search(&filter, cursor.as_deref(), 2).await?;
        // What was found no longer fits, and newer ones come before it.
        for image in &page.items {
            catalog.reject(image.id, &samples::problem("seen"), samples::at(1)).await?;
        }
        let newer = Image { created_at: samples::at(5), ..samples::pending(100 + round) };
        create(catalog, &newer).await?;
        found.extend(ids(&page.items));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    found.sort();
    let wanted: Vec<_> = (1..=9).map(samples::id).collect();
    trial::same("what was found, page by page", &found, &wanted)
}

pub(super) async fn due_is_longest_first(home: Adapters) -> Outcome {
    let catalog = &*home.catalog;
    let order = fill_due(catalog).await?;
    for limit in [1, 2, 3, 8, 100] {
        let found = due(catalog, Status::Pending, 1000, limit).await?;
        // Those of one moment may come in any order among themselves.
        let moment =
            |id: &ImageId| order.iter().find(|(other, _)| other == id).map(|(_, due)| *due);
        let moments: Vec<_> = found.iter().map(moment).collect();
        let wanted: Vec<_> = order.iter().map(|(_, due)| Some(*due)).collect();
        trial::same(&format!("due moments in pages of {limit}"), &moments, &wanted)?;
        let mut found = found;
        found.sort();
        let mut wanted: Vec<_> = order.iter().map(|(id, _)| *id).collect();
        wanted.sort();
        trial::same(&format!("which, in pages of {limit}"), &found, &wanted)?;
    }
    Ok(())
}

pub(super) async fn due_is_of_one_status(home: Adapters) -> Outcome {
    let catalog = &*home.catalog;
    for (number, ends) in [(1, 99), (2, 100), (3, 101)] {
        let image = Image { expires_at: samples::at(ends), ..samples::pending(number) };
        create(catalog, &image).await?;
    }
    let pending = due(catalog, Status::Pending, 100, 10).await?;
    trial::same("pending at 100", &pending, &vec![samples::id(1)])?;
    let id = spread(catalog, 4, &samples::pieces(["a.webp", "b.webp"])).await?;
    let Some(first) = catalog.image(id).await?.due_at() else {
        return Err(Finding::Violated("an image being worked on is never due".to_owned()));
    };
    let second = jiff::SignedDuration::from_secs(1);
    let now = catalog.due(Status::Processing, first, None, 10).await?.items;
    trial::same("processing at the moment itself", &now, &Vec::new())?;
    let then = catalog.due(Status::Processing, first + second, None, 10).await?.items;
    trial::same("processing a second later", &then, &vec![id])?;
    // A sign of life puts it off.
    catalog.record(id, &[samples::made("a.webp")], samples::at(60)).await?;
    let then = catalog.due(Status::Processing, first + second, None, 10).await?.items;
    trial::same("processing after a sign of life", &then, &Vec::new())?;
    let (id, ..) = announced(catalog, 5, &[samples::made("a.webp")]).await?;
    for status in Status::ALL {
        let found = due(catalog, status, 100_000_000, 10).await?;
        trial::ensure!(!found.contains(&id), "what is ready is due as {status:?}");
    }
    Ok(())
}

pub(super) async fn due_outlives_handling(home: Adapters) -> Outcome {
    let catalog = &*home.catalog;
    let order = fill_due(catalog).await?;
    let (mut found, mut cursor) = (Vec::new(), None);
    while found.len() <= order.len() {
        let page = catalog.due(Status::Pending, samples::at(1000), cursor.as_deref(), 3).await?;
        for id in &page.items {
            catalog.expire(*id, samples::at(1000)).await?;
        }
        found.extend(page.items);
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    found.sort();
    let mut wanted: Vec<_> = order.iter().map(|(id, _)| *id).collect();
    wanted.sort();
    trial::same("what was found due, page by page", &found, &wanted)?;
    let left = due(catalog, Status::Pending, 1000, 10).await?;
    trial::same("what is left", &left, &Vec::new())
}

/// Twelve images of two tenants and several states, at four moments, the newest first.
async fn fill(catalog: &dyn Catalog) -> Result<Vec<Image>, Finding> {
    for number in [7, 2, 11, 5, 9, 1, 12, 3, 8, 4, 10, 6] {
        let tenant = samples::tenant(if number % 2 == 0 { "even" } else { "odd" });
        let created_at = samples::at(i64::from(number / 3) * 10);
        let image = Image { tenant, created_at, ..samples::pending(number) };
        create(catalog, &image).await?;
        if number % 5 == 0 {
            catalog.reject(image.id, &samples::problem("no image"), samples::at(100)).await?;
        }
    }
    let mut all = Vec::new();
    for number in 1..=12 {
        all.push(catalog.image(samples::id(number)).await?);
    }
    all.sort_by_key(|image| std::cmp::Reverse((image.created_at, image.id)));
    Ok(all)
}

/// Eight pending images, two of each moment, and when they are due, the longest due first.
async fn fill_due(catalog: &dyn Catalog) -> Result<Vec<(ImageId, jiff::Timestamp)>, Finding> {
    let mut order = Vec::new();
    for number in [5, 2, 8, 1, 7, 4, 3, 6] {
        // The later the name, the longer due, so that one order is not taken for the other.
        let expires_at = samples::at(500 - i64::from(number / 2) * 10);
        create(catalog, &Image { expires_at, ..samples::pending(number) }).await?;
        order.push((samples::id(number), expires_at));
    }
    order.sort_by_key(|(id, due)| (*due, *id));
    Ok(order)
}

async fn search(
    catalog: &dyn Catalog,
    filter: &Filter,
    limit: usize,
) -> Result<Vec<Image>, Finding> {
    let (mut found, mut cursor) = (Vec::new(), None);
    for _ in 0..1000 {
        let page = catalog.search(filter, cursor.as_deref(), limit).await?;
        trial::ensure!(page.items.len() <= limit, "a page of {limit} holds {}", page.items.len());
        found.extend(page.items);
        cursor = page.next;
        if cursor.is_none() {
            return Ok(found);
        }
    }
    Err(Finding::Violated("the search has no last page".to_owned()))
}

async fn due(
    catalog: &dyn Catalog,
    status: Status,
    second: i64,
    limit: usize,
) -> Result<Vec<ImageId>, Finding> {
    let (mut found, mut cursor) = (Vec::new(), None);
    for _ in 0..1000 {
        let page = catalog.due(status, samples::at(second), cursor.as_deref(), limit).await?;
        trial::ensure!(page.items.len() <= limit, "a page of {limit} holds {}", page.items.len());
        found.extend(page.items);
        cursor = page.next;
        if cursor.is_none() {
            return Ok(found);
        }
    }
    Err(Finding::Violated("what is due has no last page".to_owned()))
}

fn ids(images: &[Image]) -> Vec<ImageId> {
    images.iter().map(|image| image.id).collect()
}

fn moments(images: &[Image]) -> Vec<jiff::Timestamp> {
    images.iter().map(|image| image.created_at).collect()
}

pub(super) async fn nudged_is_left_alone(home: Adapters) -> Outcome {
    let catalog = &*home.catalog;
    let second = jiff::SignedDuration::from_secs(1);
    let id = spread(catalog, 1, &samples::pieces(["a.webp", "b.webp"])).await?;
    let mut last = catalog.image(id).await?.touched_at;
    let mut waits = Vec::new();
    for _ in 0..8 {
        let Some(due) = catalog.image(id).await?.due_at() else {
            return Err(Finding::Violated("what is being worked on is never due".to_owned()));
        };
        trial::same("a nudge too early", &catalog.nudge(id, due - second).await?, &false)?;
        trial::same("a nudge in time", &catalog.nudge(id, due).await?, &true)?;
        let found = catalog.due(Status::Processing, due + second, None, 10).await?.items;
        trial::same("what is due after it", &found, &Vec::new())?;
        waits.push(due.duration_since(last));
        last = due;
    }
    trial::same("the second wait", &waits[1], &(waits[0] * 2))?;
    let bounded = waits.is_sorted() && waits[7] <= jiff::SignedDuration::from_hours(24);
    trial::ensure!(bounded, "it is left alone for {waits:?}");
    catalog.record(id, &[samples::made("a.webp")], last + second).await?;
    let due = catalog.image(id).await?.due_at();
    trial::same("due after something came of it", &due, &Some(last + second + waits[0]))?;

    // An upload may be said again at any time, and then is left alone too.
    let upload = samples::pending(2);
    create(catalog, &upload).await?;
    trial::same("an upload", &catalog.nudge(upload.id, samples::at(20)).await?, &true)?;
    trial::same("the same again", &catalog.nudge(upload.id, samples::at(30)).await?, &false)?;
    catalog.reject(upload.id, &samples::problem("no image"), samples::at(40)).await?;
    let late = catalog.nudge(upload.id, samples::at(90_000)).await?;
    trial::same("one that was rejected", &late, &false)
}
