//! Health, counts, the description, and what is true of every route.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use domain::{
    Catalog, Code, Image, ImageId, PieceId, Problem, Revision, StageName, Status, StoreError,
    image::{Acceptance, Asking, Expectation, Flip, Outcome, Progress, Purpose, Source, Start},
    ports::{Creation, Idempotency},
    query::{Filter, Page},
};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    client::Request,
    schema::Description,
    server::{Options, Server, jpeg},
};

/// Every route of the API: a new one is written down here, or `every_route_is_described` fails.
const ROUTES: &[(&str, &[&str])] = &[
    ("/", &["get"]),
    ("/assets/{file}", &["get"]),
    ("/healthz", &["get"]),
    ("/i/{id}/{variant}", &["get"]),
    ("/in/{id}", &["put"]),
    ("/m/{id}/{file}", &["get"]),
    ("/metrics", &["get"]),
    ("/openapi.json", &["get"]),
    ("/p/{id}/{revision}/{file}", &["get"]),
    ("/u/{id}/{number}", &["put"]),
    ("/v/{id}/{revision}/{file}", &["get"]),
    ("/v1/dead-letters", &["get"]),
    ("/v1/dead-letters/redrive", &["post"]),
    ("/v1/dead-letters/{id}", &["get"]),
    ("/v1/images", &["get"]),
    ("/v1/images/{id}", &["delete", "get"]),
    ("/v1/images/{id}/events", &["get"]),
    ("/v1/images/{id}/trace", &["get"]),
    ("/v1/uploads", &["post"]),
    ("/v1/uploads/{id}/complete", &["post"]),
    ("/v1/uploads/{id}/parts", &["post"]),
];

#[test]
fn every_route_is_described_and_routed() {
    let server = Server::start();
    let document = server.get("/openapi.json").ok(200);
    let described: BTreeMap<_, BTreeSet<_>> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(path, methods)| {
            (path.as_str(), methods.as_object().unwrap().keys().map(String::as_str).collect())
        })
        .collect();
    let expected: BTreeMap<_, BTreeSet<_>> =
        ROUTES.iter().map(|(path, methods)| (*path, methods.iter().copied().collect())).collect();
    assert_eq!(described, expected);
    for (path, methods) in ROUTES {
        let target = path.replace(['{', '}'], "");
        for method in ["get", "post", "put", "delete", "patch"] {
            let reply = server.call(&Request::new(&method.to_uppercase(), &target));
            let code = if reply.status < 300 { Value::Null } else { reply.json()["code"].clone() };
            assert_ne!(code, "unknown_route", "{method} {path}");
            assert_eq!(code == "method_not_allowed", !methods.contains(&method), "{method} {path}");
        }
    }
}

#[test]
fn the_description_is_whole() {
    let server = Server::start();
    let document = server.get("/openapi.json").ok(200);
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    assert_eq!(document["servers"][0]["url"], server.signer.public_url());
    let description = Description::of(document.clone());
    let mut names = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let at = format!("{method} {path}");
            assert!(names.insert(operation["operationId"].as_str().unwrap()), "{at}");
            assert!(operation["summary"].is_string(), "{at}");
            let answers = operation["responses"].as_object().unwrap();
            assert!(answers.contains_key("default"), "{at} says nothing of refusals");
            for answer in answers.values() {
                assert!(
                    description.resolve(answer)["description"].is_string(),
                    "{at}: OpenAPI wants it"
                );
            }
            let secured = path.starts_with("/v1/") || path == "/metrics" || path.starts_with("/i/");
            assert_eq!(operation["security"].is_array(), secured, "{at}");
            for name in path.split('/').filter_map(|s| s.strip_prefix('{')) {
                let name = name.trim_end_matches('}');
                let parameters = operation["parameters"].as_array().unwrap();
                assert!(
                    parameters.iter().any(|p| p["name"] == name && p["in"] == "path"),
                    "{at} {name}"
                );
            }
        }
    }
    for path in ["/p/{id}/{revision}/{file}", "/m/{id}/{file}"] {
        let parameters = document["paths"][path]["get"]["parameters"].as_array().unwrap();
        for (name, kind) in [("expires", "integer"), ("signature", "string")] {
            let found = parameters.iter().find(|parameter| parameter["name"] == name);
            let found = found.unwrap_or_else(|| panic!("{path} does not name {name}"));
            assert_eq!((&found["in"], &found["required"]), (&json!("query"), &json!(true)));
            assert_eq!(found["schema"]["type"], kind, "{path} {name}");
            assert!(found["description"].is_string(), "{path} {name}");
        }
    }
    let codes = &description.0["components"]["schemas"]["Code"]["enum"];
    let all: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(*codes, json!(all), "clients may match on every code");
    follow(&document, &description);
}

/// Every reference leads somewhere.
fn follow(value: &Value, description: &Description) {
    match value {
        Value::Object(fields) => {
            description.resolve(value);
            fields.values().for_each(|value| follow(value, description));
        }
        Value::Array(items) => items.iter().for_each(|value| follow(value, description)),
        _ => {}
    }
}

#[test]
fn what_is_not_there_is_a_problem_too() {
    let server = Server::start();
    for path in ["/nowhere", "/v1", "/v1/", "/v1/images/", "/v1/nowhere", "//", "/i/x"] {
        let detail = server.get(path).problem(Code::UnknownRoute);
        assert!(detail.contains(path), "{detail}");
    }
    let reply = server.call(&Request::new("PATCH", "/v1/images/x"));
    reply.problem(Code::MethodNotAllowed);
    let mut allowed: Vec<_> = reply.header("allow").unwrap().split(',').collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["DELETE", "GET", "HEAD"]);
    server.call(&Request::new("BREW", "/")).problem(Code::MethodNotAllowed);
}

#[test]
fn head_is_get_without_its_body() {
    let server = Server::start();
    let id = server.image();
    for target in
        ["/".to_owned(), "/healthz".to_owned(), format!("/v1/images/{id}"), "/nowhere".to_owned()]
    {
        let get = server.get(&target);
        let head = server.call(&Request::new("HEAD", &target));
        assert_eq!((head.status, head.body.len()), (get.status, 0), "{target}");
        assert_eq!(head.header("content-type"), get.header("content-type"));
        assert_eq!(head.header("content-length"), get.header("content-length"), "{target}");
    }
}

#[test]
fn every_answer_names_its_request() {
    let server = Server::start();
    let first = server.get("/").header("x-request-id").unwrap().to_owned();
    let second = server.get("/").header("x-request-id").unwrap().to_owned();
    assert_ne!(first, second);
    let given = "0193a1b2-c3d4-7000-8000-00000000abcd";
    let reply = server.call(&Request::get("/nowhere").header("X-Request-Id", given));
    assert_eq!(reply.header("x-request-id"), Some(given));
    reply.problem(Code::UnknownRoute);
    let reply = server.call(&Request::get("/").header("X-Request-Id", "<script>"));
    assert_ne!(reply.header("x-request-id"), Some("<script>"));
}

#[test]
fn counts_are_in_prometheus_text() {
    let server = Server::start();
    server.image();
    server.get("/v1/images/x");
    server.get("/v1/images/y");
    server.get("/nowhere-1");
    server.get("/nowhere-2");
    let reply = server.get("/metrics");
    assert_eq!(reply.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let text = reply.text();
    let value = |line: &str| {
        let found = text.lines().find_map(|l| l.strip_prefix(line));
        found.unwrap_or_else(|| panic!("no {line} in {text}")).trim().to_owned()
    };
    let requests = "darkroom_http_requests_total";
    assert_eq!(
        value(&format!("{requests}{{method=\"POST\",route=\"/v1/uploads\",status=\"201\"}}")),
        "1"
    );
    assert_eq!(
        value(&format!("{requests}{{method=\"GET\",route=\"/v1/images/{{id}}\",status=\"404\"}}")),
        "2"
    );
    assert_eq!(
        value(&format!("{requests}{{method=\"GET\",route=\"unmatched\",status=\"404\"}}")),
        "2"
    );
    let duration = "darkroom_http_request_duration_seconds";
    assert_eq!(value(&format!("{duration}_count{{route=\"/v1/images/{{id}}\"}}")), "2");
    assert_eq!(
        value(&format!("{duration}_bucket{{route=\"/v1/images/{{id}}\",le=\"+Inf\"}}")),
        "2"
    );
    assert_eq!(value("darkroom_test_beats_total"), "7", "the home's own");
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (_, number) = line.rsplit_once(' ').unwrap();
        assert!(number.parse::<f64>().is_ok(), "{line}");
    }
}

#[test]
fn a_catalog_that_does_not_answer_is_a_reason_to_come_again() {
    let down = Options { catalog: Some(Arc::new(Down)), ..Options::default() };
    let server = Server::with(down);
    let reply = server.get("/healthz");
    reply.problem(Code::Busy);
    assert_eq!(reply.header("retry-after"), Some("1"));
    let reply = server.call(&Request::new("POST", "/v1/uploads").json(&jpeg(10)));
    let detail = reply.problem(Code::Busy);
    assert!(!detail.contains("locked"), "{detail} is the home's own affair");
    assert_eq!(reply.header("retry-after"), Some("3"), "as the store said, in whole seconds");
    let id = ImageId::mint(1, &[1; 10]);
    server.get(&format!("/v1/images/{id}")).problem(Code::Internal);
}

#[test]
fn a_home_that_is_well_says_so() {
    let server = Server::start();
    assert_eq!(server.get("/healthz").ok(200)["status"], "ok");
}

/// A catalog behind a broken disk: reads fail for good, changes for now.
struct Down;

fn busy<T>() -> Result<T, StoreError> {
    let retry_after = Duration::from_millis(2500);
    Err(StoreError::Busy { retry_after, reason: "database is locked".into() })
}

#[async_trait]
impl Catalog for Down {
    async fn create(&self, _: &Image, _: Option<&Idempotency>) -> Result<Creation, StoreError> {
        busy()
    }
    async fn image(&self, _: ImageId) -> Result<Image, StoreError> {
        Err(StoreError::Broken("disk I/O error".into()))
    }
    async fn accept(&self, _: ImageId, _: &Source, _: Timestamp) -> Result<Acceptance, StoreError> {
        busy()
    }
    async fn reject(&self, _: ImageId, _: &Problem, _: Timestamp) -> Result<bool, StoreError> {
        busy()
    }
    async fn expire(&self, _: ImageId, _: Timestamp) -> Result<bool, StoreError> {
        busy()
    }
    async fn expect(
        &self,
        _: ImageId,
        _: &BTreeSet<PieceId>,
        _: Purpose,
        _: Timestamp,
        _: Timestamp,
    ) -> Result<Expectation, StoreError> {
        busy()
    }
    async fn record(
        &self,
        _: ImageId,
        _: &[(PieceId, Outcome)],
        _: Timestamp,
    ) -> Result<Progress, StoreError> {
        busy()
    }
    async fn give_up(
        &self,
        _: ImageId,
        _: &BTreeSet<PieceId>,
        _: &Problem,
        _: Option<Timestamp>,
        _: Timestamp,
    ) -> Result<Progress, StoreError> {
        busy()
    }
    async fn count(
        &self,
        _: ImageId,
        _: StageName,
        _: &Start,
        _: Timestamp,
    ) -> Result<Option<u32>, StoreError> {
        busy()
    }
    async fn flip(&self, _: ImageId, _: &Revision, _: Timestamp) -> Result<Flip, StoreError> {
        busy()
    }
    async fn reopen(
        &self,
        _: ImageId,
        _: &BTreeSet<PieceId>,
        _: Timestamp,
    ) -> Result<bool, StoreError> {
        busy()
    }
    async fn ask(
        &self,
        _: ImageId,
        _: &BTreeSet<String>,
        _: &Revision,
        _: Timestamp,
        _: Timestamp,
    ) -> Result<Asking, StoreError> {
        busy()
    }
    async fn order(
        &self,
        _: ImageId,
        _: &BTreeSet<PieceId>,
        _: &Revision,
    ) -> Result<BTreeSet<PieceId>, StoreError> {
        busy()
    }
    async fn nudge(&self, _: ImageId, _: Timestamp) -> Result<bool, StoreError> {
        busy()
    }
    async fn erase(&self, _: ImageId, _: Timestamp) -> Result<Image, StoreError> {
        busy()
    }
    async fn removed(&self, _: ImageId, _: Timestamp) -> Result<bool, StoreError> {
        busy()
    }
    async fn search(
        &self,
        _: &Filter,
        _: Option<&str>,
        _: usize,
    ) -> Result<Page<Image>, StoreError> {
        busy()
    }
    async fn due(
        &self,
        _: Status,
        _: Timestamp,
        _: Option<&str>,
        _: usize,
    ) -> Result<Page<ImageId>, StoreError> {
        busy()
    }
}
