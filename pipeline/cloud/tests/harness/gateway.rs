//! An HTTP API in front of a function: requests in version 2.0 of its payload format, and back.
//!
//! It proves nothing of the service's own answers: its JWT authorizers, throttling, 30 seconds and CORS.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderName, HeaderValue, StatusCode},
    response::Response,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

use super::lambda::Function;

/// The most that the service takes.
const LARGEST: usize = 10 << 20;

/// Serves a function on a listener, until the task is dropped.
pub(crate) fn serve(
    listener: TcpListener,
    function: Arc<Function>,
) -> (SocketAddr, JoinHandle<()>) {
    let address = listener.local_addr().unwrap();
    let router = Router::new().fallback(pass).with_state(function);
    (address, tokio::spawn(async move { axum::serve(listener, router).await.unwrap() }))
}

async fn pass(State(function): State<Arc<Function>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LARGEST).await else {
        return plain(StatusCode::PAYLOAD_TOO_LARGE, "Request Too Long");
    };
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in &parts.headers {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        let all = headers.entry(name.as_str().to_owned()).or_default();
        *all = if all.is_empty() { value } else { format!("{all},{value}") };
    }
    let (path, query) = (parts.uri.path(), parts.uri.query().unwrap_or_default());
    let event = json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers,
        "requestContext": {
            "accountId": "123456789012", "apiId": "api", "domainName": headers.get("host"),
            "domainPrefix": "api", "requestId": "id", "routeKey": "$default", "stage": "$default",
            "time": "01/Jan/2026:00:00:00 +0000", "timeEpoch": 1_767_225_600_000_i64,
            "http": {
                "method": parts.method.as_str(), "path": path, "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1", "userAgent": headers.get("user-agent"),
            },
        },
        "body": if body.is_empty() { Value::Null } else { json!(BASE64_STANDARD.encode(&body)) },
        "isBase64Encoded": !body.is_empty(),
    });
    match function.invoke(event, None).await {
        Ok(answer) => read(&answer).unwrap_or_else(|| {
            plain(StatusCode::BAD_GATEWAY, "{\"message\":\"Internal Server Error\"}")
        }),
        Err(why) => {
            eprintln!("{}: {why}", function.name);
            plain(StatusCode::BAD_GATEWAY, "{\"message\":\"Internal Server Error\"}")
        }
    }
}

fn read(answer: &Value) -> Option<Response> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() =
        StatusCode::from_u16(answer["statusCode"].as_u64()?.try_into().ok()?).ok()?;
    for part in ["headers", "multiValueHeaders"] {
        for (name, value) in answer[part].as_object().into_iter().flatten() {
            let name: HeaderName = name.parse().ok()?;
            let values = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
            for value in values {
                let value: HeaderValue = value.as_str()?.parse().ok()?;
                if response.headers().get(&name) != Some(&value) {
                    response.headers_mut().append(name.clone(), value);
                }
            }
        }
    }
    let body = answer["body"].as_str().unwrap_or_default();
    *response.body_mut() = match answer["isBase64Encoded"].as_bool() {
        Some(true) => Body::from(BASE64_STANDARD.decode(body).ok()?),
        _ => Body::from(body.to_owned()),
    };
    Some(response)
}

fn plain(status: StatusCode, text: &'static str) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response
}
