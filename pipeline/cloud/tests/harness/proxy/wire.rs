//! Requests as they come and answers as they go.

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, Method, StatusCode, Uri, request::Parts},
    response::Response,
};
use futures::stream;

/// What moto answers.
pub(super) async fn forward(to: &str, parts: Parts, body: Bytes) -> Option<Response> {
    let head = parts.method == Method::HEAD;
    let url = format!("{to}{}", parts.uri.path_and_query().map_or("/", |it| it.as_str()));
    let answer = tokio::task::spawn_blocking(move || {
        let mut request = ureq::http::Request::builder().method(parts.method).uri(url);
        *request.headers_mut().unwrap() = parts.headers;
        request.headers_mut().unwrap().remove("transfer-encoding");
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .build()
            .into();
        let request = request.body(body.to_vec()).unwrap();
        let mut response = agent.run(request).ok()?;
        let bytes = response.body_mut().with_config().limit(256 << 20).read_to_vec().ok()?;
        let (parts, _) = response.into_parts();
        Some((parts, bytes))
    })
    .await;
    let (parts, bytes) = answer.unwrap()?;
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = parts.status;
    for (name, value) in &parts.headers {
        if !matches!(name.as_str(), "content-length" | "transfer-encoding" | "connection") {
            response.headers_mut().append(name, value.clone());
        }
    }
    // An answer to a HEAD announces what it does not send.
    if head && let Some(length) = parts.headers.get("content-length") {
        response.headers_mut().insert("content-length", length.clone());
    }
    Some(response)
}

/// By the scope of the signature and the target, or for S3 the method and the query.
pub(super) fn named(method: &Method, uri: &Uri, headers: &HeaderMap) -> (&'static str, String) {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
    let target = header("x-amz-target");
    let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
    if target.starts_with("DynamoDB") {
        return ("dynamodb", operation);
    }
    if target.starts_with("AmazonSQS") {
        return ("sqs", operation);
    }
    let query = uri.query().unwrap_or_default();
    let operation = match (method.as_str(), header("x-amz-copy-source").is_empty()) {
        ("PUT", false) => "CopyObject",
        ("PUT", true) if query.contains("X-Amz-Signature") => "PutObject (upload)",
        ("PUT", true) => "PutObject",
        ("GET", _) if query.contains("list-type") => "ListObjectsV2",
        ("GET", _) if query.split('&').any(|part| part == "uploads") => "ListMultipartUploads",
        ("GET", _) => "GetObject",
        ("HEAD", _) => "HeadObject",
        ("DELETE", _) => "DeleteObject",
        (other, _) => other,
    };
    ("s3", operation.to_owned())
}

pub(super) fn refusal(service: &str, status: u16, code: &str) -> Response {
    let body = match service {
        "s3" => format!("<Error><Code>{code}</Code><Message>injected</Message></Error>"),
        _ => format!("{{\"__type\":\"com.amazonaws#{code}\",\"message\":\"injected\"}}"),
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
}

/// An answer that breaks off: its length is announced, and nothing of it comes. One to a HEAD would be
/// whole, and say what is not so: it is refused.
pub(super) fn broken(method: &Method) -> Response {
    if *method == Method::HEAD {
        return refusal("s3", 503, "ServiceUnavailable");
    }
    let error = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
    let body = Body::from_stream(stream::iter([Err::<Vec<u8>, _>(error)]));
    let mut response = Response::new(body);
    response.headers_mut().insert("content-length", 1.into());
    response
}
