//! The page and its parts, as any HTTP client sees them.

use axum::http::HeaderValue;
use domain::Code;

use super::{
    client::{Reply, Request},
    server::{Options, Server},
};

/// The paths that the page names as its parts.
fn parts(page: &str) -> Vec<String> {
    let beginnings = page.match_indices("\"/assets/").map(|(at, _)| &page[at + 1..]);
    let mut found: Vec<_> =
        beginnings.filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect();
    found.sort();
    found.dedup();
    found
}

fn directive<'a>(reply: &'a Reply, name: &str) -> Option<&'a str> {
    let policy = reply.header("content-security-policy").expect("a policy");
    policy.split("; ").find_map(|part| part.strip_prefix(name)).map(str::trim)
}

#[test]
fn the_page_is_looked_at_anew_and_its_parts_are_kept_for_ever() {
    let server = Server::start();
    let page = server.get("/");
    assert_eq!(page.status, 200);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(page.header("cache-control"), Some("no-cache"));
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    let parts = parts(&page.text());
    for (end, kind) in [("js", "text/javascript"), ("css", "text/css"), ("svg", "image/svg+xml")] {
        let path = parts.iter().find(|path| path.ends_with(end));
        let path = path.unwrap_or_else(|| panic!("the page names no {end}: {parts:?}"));
        let part = server.get(path);
        assert_eq!(part.status, 200, "{path}");
        assert!(part.header("content-type").is_some_and(|t| t.starts_with(kind)), "{path}");
        assert_eq!(part.header("cache-control"), Some("public, max-age=31536000, immutable"));
        assert_eq!(part.header("x-content-type-options"), Some("nosniff"));
        assert!(part.body.len() > 100, "{path}");
    }
    for path in parts.iter().map(String::as_str).chain(["/"]) {
        let tag = server.get(path).header("etag").expect("a tag").to_owned();
        let again = server.call(&Request::get(path).header("If-None-Match", &tag));
        assert_eq!((again.status, again.body.len()), (304, 0), "{path}");
        assert_eq!(again.header("etag"), Some(tag.as_str()));
        let other = server.call(&Request::get(path).header("If-None-Match", "\"other\""));
        assert_eq!(other.status, 200, "{path}");
    }
}

#[test]
fn an_asset_of_another_version_is_a_problem() {
    let server = Server::start();
    for name in ["page-00000000.js", "..%2findex.html", "%00"] {
        server.get(&format!("/assets/{name}")).problem(Code::UnknownObject);
    }
    server.get("/assets/../index.html").problem(Code::UnknownRoute);
}

#[test]
fn the_page_may_do_next_to_nothing() {
    let server = Server::start();
    let page = server.get("/");
    for (name, value) in [
        ("default-src", "'none'"),
        ("script-src", "'self'"),
        ("style-src", "'self'"),
        ("img-src", "'self' data:"),
        ("connect-src", "'self'"),
        ("base-uri", "'none'"),
        ("form-action", "'none'"),
        ("frame-ancestors", "'none'"),
        ("require-trusted-types-for", "'script'"),
    ] {
        assert_eq!(directive(&page, name), Some(value), "{name}");
    }
    let text = page.text();
    assert!(
        !text.contains("<style") && !text.contains(" style="),
        "styles have a file of their own"
    );
    assert_eq!(text.matches("<script").count(), text.matches(" src=\"/assets/page-").count());
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
}

/// In the cloud, uploads go to a bucket and variants come from a CDN.
#[test]
fn the_page_reaches_where_objects_lie() {
    let origins = ["https://uploads.example", "https://media.example"];
    let object_origins = origins.map(HeaderValue::from_static).to_vec();
    let server = Server::with(Options { object_origins, ..Options::default() });
    let page = server.get("/");
    let both = origins.join(" ");
    assert_eq!(directive(&page, "connect-src"), Some(format!("'self' {both}").as_str()));
    assert_eq!(directive(&page, "img-src"), Some(format!("'self' data: {both}").as_str()));
    assert_eq!(directive(&page, "script-src"), Some("'self'"), "objects are no scripts");
}
