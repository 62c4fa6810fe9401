//! The catalog: an image is a row, and a change is one of its decisions inside the writer's
//! transaction.

use std::collections::BTreeSet;

use async_trait::async_trait;
use domain::{
    Catalog, Image, ImageId, PieceId, Problem, Revision, Sha256, StageName, Status, StoreError,
    Tenant,
    image::{Acceptance, Asking, Expectation, Flip, Outcome, Progress, Purpose, Source, Start},
    ports::{Creation, Idempotency},
    query::{Filter, Page},
};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension};

use super::{Database, Place, Trouble, asked, floor, page, statements, writer::Unit};

#[async_trait]
impl Catalog for Database {
    async fn create(
        &self,
        image: &Image,
        idempotency: Option<&Idempotency>,
    ) -> Result<Creation, StoreError> {
        let (image, idempotency) = (image.clone(), idempotency.cloned());
        self.writer.change(move |unit| create(unit, &image, idempotency.as_ref())).await
    }

    async fn image(&self, id: ImageId) -> Result<Image, StoreError> {
        self.readers.read(move |connection| load(connection, id)).await
    }

    async fn accept(
        &self,
        id: ImageId,
        source: &Source,
        now: Timestamp,
    ) -> Result<Acceptance, StoreError> {
        let source = source.clone();
        self.decide(id, move |image| image.accept(&source, now)).await
    }

    async fn reject(
        &self,
        id: ImageId,
        problem: &Problem,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let problem = problem.clone();
        self.decide(id, move |image| image.reject(&problem, now)).await
    }

    async fn expire(&self, id: ImageId, now: Timestamp) -> Result<bool, StoreError> {
        self.decide(id, move |image| image.expire(now)).await
    }

    async fn expect(
        &self,
        id: ImageId,
        pieces: &BTreeSet<PieceId>,
        purpose: Purpose,
        horizon: Timestamp,
        now: Timestamp,
    ) -> Result<Expectation, StoreError> {
        let pieces = pieces.clone();
        self.decide(id, move |image| image.expect(&pieces, purpose, horizon, now)).await
    }

    async fn record(
        &self,
        id: ImageId,
        outcomes: &[(PieceId, Outcome)],
        now: Timestamp,
    ) -> Result<Progress, StoreError> {
        let outcomes = outcomes.to_vec();
        self.decide(id, move |image| image.record(&outcomes, now)).await
    }

    async fn give_up(
        &self,
        id: ImageId,
        pieces: &BTreeSet<PieceId>,
        reason: &Problem,
        at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Progress, StoreError> {
        let (pieces, reason) = (pieces.clone(), reason.clone());
        self.decide(id, move |image| image.give_up(&pieces, &reason, at, now)).await
    }

    async fn count(
        &self,
        id: ImageId,
        stage: StageName,
        start: &Start,
        now: Timestamp,
    ) -> Result<Option<u32>, StoreError> {
        let start = start.clone();
        self.decide(id, move |image| image.count(stage, &start, now)).await
    }

    async fn flip(
        &self,
        id: ImageId,
        revision: &Revision,
        now: Timestamp,
    ) -> Result<Flip, StoreError> {
        let revision = revision.clone();
        self.decide(id, move |image| image.flip(&revision, now)).await
    }

    async fn reopen(
        &self,
        id: ImageId,
        pieces: &BTreeSet<PieceId>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let pieces = pieces.clone();
        self.decide(id, move |image| image.reopen(&pieces, now)).await
    }

    async fn ask(
        &self,
        id: ImageId,
        files: &BTreeSet<String>,
        presets: &Revision,
        horizon: Timestamp,
        now: Timestamp,
    ) -> Result<Asking, StoreError> {
        let (files, presets) = (files.clone(), presets.clone());
        self.decide(id, move |image| image.ask(&files, &presets, horizon, now)).await
    }

    async fn order(
        &self,
        id: ImageId,
        pieces: &BTreeSet<PieceId>,
        presets: &Revision,
    ) -> Result<BTreeSet<PieceId>, StoreError> {
        let (pieces, presets) = (pieces.clone(), presets.clone());
        self.decide(id, move |image| image.order(&pieces, &presets)).await
    }

    async fn nudge(&self, id: ImageId, now: Timestamp) -> Result<bool, StoreError> {
        self.decide(id, move |image| image.nudge(now)).await
    }

    async fn erase(&self, id: ImageId, now: Timestamp) -> Result<Image, StoreError> {
        self.decide(id, move |image| {
            image.erase(now);
            image.clone()
        })
        .await
    }

    async fn removed(&self, id: ImageId, now: Timestamp) -> Result<bool, StoreError> {
        self.decide(id, move |image| image.removed(now)).await
    }

    async fn search(
        &self,
        filter: &Filter,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<Image>, StoreError> {
        let filter = filter.clone();
        let behind = cursor.map(Place::read).transpose()?;
        let (limit, rows) = asked(limit);
        let found = self
            .readers
            .read(move |connection| search(connection, &filter, behind.as_ref(), rows))
            .await?;
        Ok(page(found, limit))
    }

    async fn due(
        &self,
        status: Status,
        before: Timestamp,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<ImageId>, StoreError> {
        let behind = cursor.map_or(Ok(Place::first()), Place::read)?;
        let (limit, rows) = asked(limit);
        let found = self
            .readers
            .read(move |connection| due(connection, status, floor(before), &behind, rows))
            .await?;
        Ok(page(found, limit))
    }
}

impl Database {
    /// Applies one decision to the newest state of an image, and stores it if it changed.
    async fn decide<T: Send + 'static>(
        &self,
        id: ImageId,
        decide: impl FnOnce(&mut Image) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        self.writer
            .change(move |unit| {
                let before = load(unit.connection, id)?;
                let mut image = before.clone();
                let answer = decide(&mut image);
                if image != before {
                    store(unit.connection, &image)?;
                }
                Ok(answer)
            })
            .await
    }
}

fn create(
    unit: &Unit<'_>,
    image: &Image,
    idempotency: Option<&Idempotency>,
) -> Result<Creation, Trouble> {
    let connection = unit.connection;
    if let Some(idempotency) = idempotency {
        let before: Option<(Vec<u8>, String)> = connection
            .prepare_cached(statements::REQUEST)?
            .query_row((image.tenant.as_str(), &idempotency.key), |row| row.try_into())
            .optional()?;
        if let Some((request, id)) = before {
            if request != idempotency.request.0 {
                return Ok(Creation::Reused);
            }
            return Ok(Creation::Repeated(Box::new(load(connection, id_of(&id)?)?)));
        }
    }
    if let Some(before) = find(connection, image.id)? {
        return Ok(Creation::Repeated(Box::new(before)));
    }
    connection.prepare_cached(statements::ADD_IMAGE)?.execute((
        image.id.to_string(),
        image.tenant.as_str(),
        image.status.as_str(),
        floor(image.created_at),
        image.due_at().map(floor),
        version(image),
        serde_json::to_string(image)?,
    ))?;
    if let Some(Idempotency { key, request: Sha256(request) }) = idempotency {
        let created_at = floor(image.created_at);
        let row = (image.tenant.as_str(), key, request, image.id.to_string(), created_at);
        connection.prepare_cached(statements::ADD_REQUEST)?.execute(row)?;
    }
    Ok(Creation::Created)
}

fn find(connection: &Connection, id: ImageId) -> Result<Option<Image>, Trouble> {
    let mut statement = connection.prepare_cached(statements::IMAGE)?;
    let body: Option<String> =
        statement.query_row([id.to_string()], |row| row.get(0)).optional()?;
    Ok(body.map(|body| serde_json::from_str(&body)).transpose()?)
}

fn load(connection: &Connection, id: ImageId) -> Result<Image, Trouble> {
    find(connection, id)?.ok_or_else(|| StoreError::Missing(format!("image {id}")).into())
}

fn store(connection: &Connection, image: &Image) -> Result<(), Trouble> {
    connection.prepare_cached(statements::CHANGE_IMAGE)?.execute((
        image.id.to_string(),
        image.status.as_str(),
        image.due_at().map(floor),
        version(image),
        serde_json::to_string(image)?,
    ))?;
    Ok(())
}

fn search(
    connection: &Connection,
    filter: &Filter,
    behind: Option<&Place>,
    rows: i64,
) -> Result<Vec<(Place, Image)>, Trouble> {
    // No id is empty, so this is before every image of the filter's end.
    let end = Place { micros: filter.before.map_or(i64::MAX, floor), id: String::new() };
    let behind = behind.filter(|place| place.micros < end.micros).unwrap_or(&end);
    let mut statement = connection.prepare_cached(statements::search(filter))?;
    let mut found = statement.query((
        filter.tenant.as_ref().map(Tenant::as_str),
        filter.status.map(Status::as_str),
        filter.after.map_or(i64::MIN, floor),
        behind.micros,
        &behind.id,
        rows,
    ))?;
    let mut images = Vec::new();
    while let Some(row) = found.next()? {
        let (micros, id, body): (i64, String, String) = row.try_into()?;
        images.push((Place { micros, id }, serde_json::from_str(&body)?));
    }
    Ok(images)
}

fn due(
    connection: &Connection,
    status: Status,
    before: i64,
    behind: &Place,
    rows: i64,
) -> Result<Vec<(Place, ImageId)>, Trouble> {
    let mut statement = connection.prepare_cached(statements::DUE)?;
    let mut found = statement.query((status.as_str(), before, behind.micros, &behind.id, rows))?;
    let mut images = Vec::new();
    while let Some(row) = found.next()? {
        let (micros, id): (i64, String) = row.try_into()?;
        let image = id_of(&id)?;
        images.push((Place { micros, id }, image));
    }
    Ok(images)
}

fn id_of(text: &str) -> Result<ImageId, StoreError> {
    text.parse().map_err(|error: domain::key::KeyError| StoreError::Broken(error.to_string()))
}

/// The column is for people who look; the version that counts is in the body.
fn version(image: &Image) -> i64 {
    i64::try_from(image.version).unwrap_or(i64::MAX)
}
