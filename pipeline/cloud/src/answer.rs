//! What AWS says, as answers of a store: classified once, here.

use std::{fmt, time::Duration};

use aws_sdk_dynamodb::{
    config::http::HttpResponse as Response,
    error::{ProvideErrorMetadata, SdkError},
};
use domain::StoreError;

/// How long to wait where the service names no time.
const PAUSE: Duration = Duration::from_secs(1);

/// The codes by which the services say that something is in too much demand. What is retried on 5xx
/// and 429 has no need to be named.
const BUSY: &[&str] = &[
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ThrottlingException",
    "Throttling",
    "TransactionConflictException",
    "LimitExceededException",
    "RequestThrottled",
    "OverLimit",
    "SlowDown",
    "RequestTimeout",
    "ConditionalRequestConflict",
    "OperationAborted",
    "InternalError",
];

/// The codes of a deployment that lacks something, which nobody's object or image is.
const BROKEN: &[&str] = &[
    "ResourceNotFoundException",
    "NoSuchBucket",
    "QueueDoesNotExist",
    "AWS.SimpleQueueService.NonExistentQueue",
];

/// Turns an error of any operation into the answer of the store.
pub(crate) fn answer<E>(subject: &dyn fmt::Display, error: &SdkError<E, Response>) -> StoreError
where
    E: ProvideErrorMetadata + fmt::Debug,
{
    let busy = |what: &str| StoreError::Busy { retry_after: PAUSE, reason: what.to_owned() };
    match error {
        SdkError::TimeoutError(_) => busy("AWS did not answer in time"),
        SdkError::DispatchFailure(failure) if failure.is_user() || failure.is_other() => {
            StoreError::Refused(format!("{subject}: no request could be made: {failure:?}"))
        }
        SdkError::DispatchFailure(_) => busy("AWS could not be reached"),
        SdkError::ResponseError(_) => busy("AWS gave no answer that can be read"),
        SdkError::ServiceError(service) => {
            let status = service.raw().status().as_u16();
            let code = service.err().code().unwrap_or_default();
            // What cannot be read as an answer has no message, and its cause is all there is to say.
            let cause = || format!("{:?}", service.err());
            let said = service.err().message().map_or_else(cause, str::to_owned);
            let said = format!("{subject}: {code} ({status}): {said}");
            match (status, code) {
                (_, code) if BROKEN.contains(&code) => StoreError::Broken(said),
                (_, code) if BUSY.contains(&code) => busy(&said),
                (_, "NoSuchKey" | "NotFound" | "NoSuchVersion") | (404, _) => {
                    StoreError::Missing(subject.to_string())
                }
                // Of a transaction, too: whoever writes one reads what stood in its way.
                (
                    _,
                    "PreconditionFailed"
                    | "ConditionalCheckFailedException"
                    | "TransactionCanceledException",
                )
                | (412, _) => StoreError::Conflict(subject.to_string()),
                (409 | 429 | 500.., _) => busy(&said),
                (401 | 403, _) => StoreError::Refused(said),
                _ => StoreError::Broken(said),
            }
        }
        other => StoreError::Broken(format!("{subject}: {other:?}")),
    }
}

/// The status of the HTTP response, where there was one.
pub(crate) fn status<E>(error: &SdkError<E, Response>) -> Option<u16> {
    Some(error.raw_response()?.status().as_u16())
}
