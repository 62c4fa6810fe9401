//! `/openapi.json`: written from the handlers themselves, so that no route is without description.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use serde_json::{Value, json};
use utoipa::{
    OpenApi, ToSchema,
    openapi::{Components, OpenApi as Description},
};

use crate::{App, problem};

/// Describes this API
#[utoipa::path(
    get, path = "/openapi.json", tag = "home", operation_id = "getDescription",
    responses((status = 200, body = Object)),
)]
pub(crate) async fn document(State(app): State<Arc<App>>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=60")),
    ];
    (headers, app.description.clone()).into_response()
}

/// Bytes as they are, in descriptions.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "stands for bodies that are streamed and never held")]
pub(crate) struct Raw(Vec<u8>);

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Darkroom",
        description = "Images in; variants, records and events out. Every refusal is a problem \
                       (RFC 9457) with a stable code."
    ),
    components(schemas(problem::Details)),
    tags(
        (name = "uploads", description = "Bringing images"),
        (name = "images", description = "What became of them"),
        (name = "delivery", description = "Fetching variants"),
        (name = "dead letters", description = "Work that was given up"),
        (name = "home", description = "The server itself"),
    ),
)]
struct Preamble;

/// What is true of the API as a whole.
pub(crate) fn preamble() -> Description {
    Preamble::openapi()
}

/// Adds what every route has, and writes the description down.
pub(crate) fn complete(description: Description, public_url: &str) -> Bytes {
    // Plain data: nothing in it can fail to be written.
    let mut text = serde_json::to_value(with_components(description)).unwrap_or_default();
    text["servers"] = json!([{ "url": public_url }]);
    text["components"]["securitySchemes"] = json!({ "key": {
        "type": "http", "scheme": "bearer",
        "description": "An API key, where the home asks for one",
    }});
    text["components"]["responses"] = json!({ "Problem": {
        "description": "Why it was refused",
        "content": { "application/problem+json": {
            "schema": { "$ref": "#/components/schemas/ProblemDetails" },
        }},
    }});
    let paths = text["paths"].as_object_mut().into_iter().flatten();
    for (path, methods) in paths {
        for operation in
            methods.as_object_mut().into_iter().flatten().map(|(_, operation)| operation)
        {
            complete_operation(path, operation);
        }
    }
    Bytes::from(text.to_string())
}

fn with_components(mut description: Description) -> Description {
    description.components.get_or_insert_with(Components::new);
    description
}

fn complete_operation(path: &str, operation: &mut Value) {
    for (_, answer) in operation["responses"].as_object_mut().into_iter().flatten() {
        // OpenAPI demands a description; of most answers the schema says it all.
        if answer["description"].is_null() {
            answer["description"] = json!("What was asked for");
        }
    }
    operation["responses"]["default"] = json!({ "$ref": "#/components/responses/Problem" });
    if path.starts_with("/v1/") || path == "/metrics" {
        operation["security"] = json!([{ "key": [] }]);
    } else if path.starts_with("/i/") {
        operation["security"] = json!([{}, { "key": [] }]);
    }
}
