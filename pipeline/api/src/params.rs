//! Parameters of paths and queries.

use std::{fmt::Display, str::FromStr, sync::Arc};

use axum::{
    extract::{FromRequestParts, Query, RawPathParams},
    http::{Uri, request::Parts},
};
use domain::{Code, ImageId, Key};

use crate::{
    App,
    problem::{FieldError, Refusal},
};

/// The `{id}` of a path as an image's. What is not an id names no image, so both get one answer.
pub(crate) struct Id(pub(crate) ImageId);

impl FromRequestParts<Arc<App>> for Id {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Refusal> {
        let Name(name) = Name::from_request_parts(parts, app).await?;
        name.parse().map(Self).map_err(|_| unknown_image(name))
    }
}

/// The `{id}` of a path as it was given. What is not UTF-8 names nothing, as the empty text does.
pub(crate) struct Name(pub(crate) String);

impl FromRequestParts<Arc<App>> for Name {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Refusal> {
        let params = RawPathParams::from_request_parts(parts, app).await;
        let params = params.iter().flatten();
        let id = params.into_iter().find(|(name, _)| *name == "id").map(|(_, value)| value);
        Ok(Self(id.unwrap_or_default().to_owned()))
    }
}

/// The `{id}` and `{number}` of a path as the key of a part.
pub(crate) struct PartName(pub(crate) Key);

impl FromRequestParts<Arc<App>> for PartName {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, Refusal> {
        let path = parts.uri.path().trim_start_matches('/');
        Key::parse(path).map(Self).map_err(|_| unknown_image(path))
    }
}

/// There is no image of this name, or none that the caller may know of.
pub(crate) fn unknown_image(given: impl Display) -> Refusal {
    Refusal::new(Code::UnknownImage, format!("there is no image {given}"))
}

/// A query, of whose parameters each was expected and comes once.
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    /// Reads a query that may have these parameters and no others: a misspelt filter must not look
    /// like one that found everything.
    pub(crate) fn of(uri: &Uri, known: &[&str]) -> Result<Self, Refusal> {
        let pairs = Query::<Vec<(String, String)>>::try_from_uri(uri);
        let Query(pairs) = pairs.map_err(|error| FieldError::new("query", error.to_string()))?;
        let mut errors = Vec::new();
        for (at, (name, _)) in pairs.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                let detail =
                    format!("is not a parameter of this route: it takes {}", known.join(", "));
                errors.push(FieldError::new(name, detail));
            } else if pairs[..at].iter().any(|(other, _)| other == name) {
                errors.push(FieldError::new(name, "was given twice"));
            }
        }
        if errors.is_empty() { Ok(Self(pairs)) } else { Err(Refusal::fields(errors)) }
    }

    /// A parameter as it was given.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// A parameter that may be left out.
    pub(crate) fn optional<T: FromStr>(
        &self,
        name: &str,
        form: &str,
    ) -> Result<Option<T>, FieldError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let wrong = |_| FieldError::new(name, format!("{text:?} is not {form}"));
        text.parse().map(Some).map_err(wrong)
    }

    /// A parameter that may not.
    pub(crate) fn required<T: FromStr>(&self, name: &str, form: &str) -> Result<T, FieldError> {
        let missing = || FieldError::new(name, format!("is missing: {form}"));
        self.optional(name, form)?.ok_or_else(missing)
    }
}
