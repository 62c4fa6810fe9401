//! A line of JSON for each thing that happened, to standard output, where CloudWatch reads.
//!
//! What the spans around it say (of which image, in which stage and trace, at which attempt) stands beside
//! what the line itself says, so that a query names each field once: `filter image = "…"`. Whatever names an
//! image names its trace.

use std::fmt;

use domain::{ImageId, trace::trace_id};
use jiff::Timestamp;
use serde_json::{Map, Value};
use tracing::{Event, Subscriber};
use tracing_subscriber::{
    EnvFilter,
    filter::ParseError,
    fmt::{
        FmtContext, FormatEvent, FormatFields as _, FormattedFields,
        format::{JsonFields, Writer},
    },
    registry::{LookupSpan, Scope},
};

/// A filter, if it is one.
pub(crate) fn filter(text: &str) -> Result<String, ParseError> {
    EnvFilter::try_new(text).map(|_| text.to_owned())
}

/// Begins logging, by a filter as in `info,cloud=debug`.
pub(crate) fn start(filter: &str) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    // Only fails where logging was begun before.
    let _begun_before = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .fmt_fields(JsonFields::new())
        .event_format(Flat)
        .try_init();
}

/// All fields in one object; the inner ones hold.
struct Flat;

impl<S> FormatEvent<S, JsonFields> for Flat
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = Map::new();
        for span in context.event_scope().into_iter().flat_map(Scope::from_root) {
            if let Some(fields) = span.extensions().get::<FormattedFields<JsonFields>>() {
                line.extend(object(&fields.fields));
            }
        }
        let mut own = String::new();
        context.format_fields(Writer::new(&mut own), event)?;
        line.extend(object(&own));
        // Also where a sweep or a request, which has a trace of its own, says something of an image.
        if let Some(image) = line.get("image").and_then(Value::as_str)
            && let Ok(image) = image.parse::<ImageId>()
        {
            line.insert("trace".to_owned(), trace_id(image).into());
        }
        let metadata = event.metadata();
        line.insert("timestamp".to_owned(), Timestamp::now().to_string().into());
        line.insert("level".to_owned(), metadata.level().as_str().into());
        line.insert("target".to_owned(), metadata.target().into());
        writeln!(writer, "{}", Value::Object(line))
    }
}

fn object(text: &str) -> Map<String, Value> {
    // Nothing where a span has no fields.
    serde_json::from_str(text).unwrap_or_default()
}
