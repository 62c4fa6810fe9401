//! Refusals: what a handler answers instead of what was asked for.

use std::sync::Arc;

use axum::{
    http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use domain::{Code, Problem, StoreError};
use serde::Serialize;
use utoipa::ToSchema;

/// A refusal on its way out. [`crate::request::answer`] writes it down as [`Details`].
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) problem: Problem,
    /// Which fields or parameters are wrong, where it is they.
    pub(crate) errors: Vec<FieldError>,
    /// Headers that belong to the answer.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// What went wrong on this side: for the log, not for the client.
    pub(crate) cause: Option<String>,
}

/// An RFC 9457 answer, `application/problem+json`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProblemDetails)]
pub(crate) struct Details<'a> {
    /// `urn:darkroom:problem:` and the code: the same for every occurrence.
    r#type: String,
    /// What kind of problem it is, in words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// One sentence about this occurrence, with the numbers.
    detail: &'a str,
    /// The stable code, to be matched on.
    code: Code,
    /// This occurrence: `urn:uuid:` and the request's id, which is in the log too.
    instance: String,
    /// Each field or parameter that is wrong, where it is they.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(required = false)]
    errors: &'a [FieldError],
}

/// What is wrong with one field of a body or one parameter of a URL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct FieldError {
    /// Its name; a dot leads to a field inside another.
    pub(crate) field: String,
    /// What was expected, what was given, what to do.
    pub(crate) detail: String,
}

impl FieldError {
    pub(crate) fn new(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { field: field.into(), detail: detail.into() }
    }
}

impl Refusal {
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        Problem::new(code, detail).into()
    }

    /// All that is wrong with a request's fields, told at once.
    pub(crate) fn fields(errors: Vec<FieldError>) -> Self {
        let sentences: Vec<_> =
            errors.iter().map(|error| format!("{}: {}", error.field, error.detail)).collect();
        Self { errors, ..Self::new(Code::InvalidParameter, sentences.join("; ")) }
    }

    /// Something is wrong on this side; the client learns no more than that.
    #[expect(clippy::needless_pass_by_value, reason = "the form that `map_err` hands over")]
    pub(crate) fn internal(cause: impl ToString) -> Self {
        let detail = "the request was fine, the server could not do it; its log says why, under \
                      the id of `instance`";
        Self { cause: Some(cause.to_string()), ..Self::new(Code::Internal, detail) }
    }

    pub(crate) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Says when to come again.
    pub(crate) fn retry_after(self, seconds: u64) -> Self {
        self.with(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)))
    }

    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.problem.code.status())
            .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The answer's body, for the request of this id.
    pub(crate) fn details(&self, id: &str) -> Details<'_> {
        let code = self.problem.code;
        Details {
            r#type: format!("urn:darkroom:problem:{code}"),
            title: code.title(),
            status: code.status(),
            detail: &self.problem.detail,
            code,
            instance: format!("urn:uuid:{id}"),
            errors: &self.errors,
        }
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self { problem, errors: Vec::new(), headers: Vec::new(), cause: None }
    }
}

impl From<FieldError> for Refusal {
    fn from(error: FieldError) -> Self {
        Self::fields(vec![error])
    }
}

/// A store's answer that the handler did not expect. Where something is expected to be missing,
/// the handler says so with the code of its own room.
impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        let cause = error.to_string();
        let refusal = match error {
            StoreError::Busy { retry_after, .. } => {
                Self::new(Code::Busy, "the store is busy: send the same request again later")
                    .retry_after(retry_after.as_secs() + u64::from(retry_after.subsec_nanos() > 0))
            }
            StoreError::Conflict(_) => Self::new(
                Code::Busy,
                "something else changed it meanwhile: send the same request again",
            )
            .retry_after(1),
            StoreError::Full(_) => Self::new(
                Code::StorageFull,
                "there is no room for more: when the server's operator has made some, send the same \
                 request again",
            ),
            StoreError::Missing(_) | StoreError::Refused(_) | StoreError::Broken(_) => {
                return Self::internal(cause);
            }
        };
        Self { cause: Some(cause), ..refusal }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.headers_mut().extend(self.headers.iter().cloned());
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

/// The answer where no route is.
pub(crate) async fn unknown_route(uri: Uri) -> Refusal {
    Refusal::new(
        Code::UnknownRoute,
        format!("there is no route {}: /openapi.json lists all", uri.path()),
    )
}

/// The answer where a route is, but not for this method. Axum adds `Allow`.
pub(crate) async fn method_not_allowed(method: Method, uri: Uri) -> Refusal {
    Refusal::new(
        Code::MethodNotAllowed,
        format!("{} does not take {method}: the header Allow says what it takes", uri.path()),
    )
}
