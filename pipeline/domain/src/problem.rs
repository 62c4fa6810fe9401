//! Every reason that Darkroom gives, in one table: stable code, HTTP status, title.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Why something was refused or could not be made; in records, dead letters and RFC 9457 answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// The stable code.
    pub code: Code,
    /// One sentence with the numbers.
    pub detail: String,
}

impl Problem {
    /// A problem with its sentence.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}

impl From<imaging::Fault> for Problem {
    fn from(fault: imaging::Fault) -> Self {
        Self { code: fault.code.into(), detail: fault.detail }
    }
}

macro_rules! codes {
    ($($variant:ident $text:literal $status:literal $title:literal;)+) => {
        /// A stable code: clients may match on it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        #[expect(missing_docs, reason = "each code's title, in the table, is its documentation")]
        pub enum Code { $($variant),+ }

        impl Code {
            /// Every code, in the table's order.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// As it stands in JSON.
            pub fn as_str(self) -> &'static str { match self { $(Self::$variant => $text),+ } }

            /// The HTTP status of an answer with this code.
            pub fn status(self) -> u16 { match self { $(Self::$variant => $status),+ } }

            /// The same sentence for every occurrence (RFC 9457 `title`).
            pub fn title(self) -> &'static str { match self { $(Self::$variant => $title),+ } }
        }
    };
}

codes! {
    // The picture.
    Empty                "empty"                  422 "The upload has no bytes";
    UnsupportedFormat    "unsupported_format"     415 "The bytes are of no format that is taken";
    Damaged              "damaged"                422 "The picture cannot be decoded";
    Truncated            "truncated"              422 "The picture ends before its data does";
    TooLarge             "too_large"              413 "More bytes than are allowed";
    TooManyPixels        "too_many_pixels"        422 "More pixels than are allowed";
    SideTooLong          "side_too_long"          422 "A side is longer than is allowed";
    TooManyFrames        "too_many_frames"        422 "More frames than are allowed";
    TooMuchMemory        "too_much_memory"        422 "The work would need more memory than is allowed";
    Crashed              "crashed"                500 "The worker died on this piece at every attempt";
    TimedOut             "timed_out"              500 "The worker did not finish in time at any attempt";
    KeptFailing          "kept_failing"           500 "Every attempt failed";
    SomePiecesFailed     "some_pieces_failed"     500 "Not everything could be made";
    Unreadable           "unreadable"             500 "The file cannot be read";
    NothingArrived       "nothing_arrived"        410 "The upload URL expired before anything came";
    // The upload.
    SizeMismatch         "size_mismatch"          400 "The body is not of the size that was announced";
    TypeMismatch         "type_mismatch"          400 "The Content-Type is not the one that was announced";
    ChecksumMismatch     "checksum_mismatch"      400 "The body does not have the checksum that was announced";
    LengthRequired       "length_required"        411 "Content-Length is missing";
    SignatureInvalid     "signature_invalid"      403 "The URL's signature does not fit the request";
    UrlExpired           "url_expired"            403 "The URL has expired";
    TooSlow              "too_slow"               408 "The body came too slowly";
    PartsMismatch        "parts_mismatch"         400 "The parts are not those that were sent";
    NotByParts           "not_by_parts"           409 "The upload does not come by parts";
    AlreadyUploaded      "already_uploaded"       412 "The URL was used: it creates and never overwrites";
    // The request.
    InvalidJson          "invalid_json"           400 "The body is not the JSON that this route takes";
    InvalidParameter     "invalid_parameter"      400 "A parameter is not of the form wanted";
    UnknownRoute         "unknown_route"          404 "There is no such route";
    MethodNotAllowed     "method_not_allowed"     405 "The route does not take this method";
    UnknownImage         "unknown_image"          404 "There is no such image";
    UnknownVariant       "unknown_variant"        404 "The image has no such variant";
    UnknownDeadLetter    "unknown_dead_letter"    404 "There is no such dead letter";
    UnknownObject        "unknown_object"         404 "There is no such object";
    NotReady             "not_ready"              404 "The variant is not made yet";
    NotYetMade           "not_yet_made"           503 "The variant is being made because it was asked for";
    Erased               "erased"                 410 "The image was erased";
    RangeNotSatisfiable  "range_not_satisfiable"  416 "The range lies outside the object";
    PreconditionFailed   "precondition_failed"    412 "The object is not as the request supposes";
    IdempotencyKeyReused "idempotency_key_reused" 422 "The Idempotency-Key was used for another request";
    KeyRequired          "key_required"           401 "An API key is required";
    KeyInvalid           "key_invalid"            401 "The API key is unknown or revoked";
    OperatorRequired     "operator_required"      403 "An operator's API key is required";
    HostNotAllowed       "host_not_allowed"       403 "The Host or Origin is not this server's";
    ProxyNotAllowed      "proxy_not_allowed"      403 "A server without keys takes no requests from a proxy";
    // The home.
    Busy                 "busy"                   503 "Too much to do at the moment";
    StorageFull          "storage_full"           507 "The disk is full";
    Internal             "internal"               500 "Something is wrong on this side";
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<imaging::FaultCode> for Code {
    fn from(code: imaging::FaultCode) -> Self {
        use imaging::FaultCode as F;
        match code {
            F::Empty => Self::Empty,
            F::UnsupportedFormat => Self::UnsupportedFormat,
            F::Damaged => Self::Damaged,
            F::Truncated => Self::Truncated,
            F::TooLarge => Self::TooLarge,
            F::TooManyPixels => Self::TooManyPixels,
            F::SideTooLong => Self::SideTooLong,
            F::TooManyFrames => Self::TooManyFrames,
            F::TooMuchMemory => Self::TooMuchMemory,
        }
    }
}
