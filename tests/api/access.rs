//! Keys, hosts and origins.

use api::{Access, Cors};
use domain::{Code, Keyring as _, ports::Role};

use super::{
    client::Request,
    server::{Options, Server, jpeg, moment},
};

#[test]
fn what_a_tenant_owns_needs_a_key() {
    let server = Server::with_keys();
    let id = "0193a1b2-c3d4-7000-8000-000000000000";
    let routes = [
        ("POST", "/v1/uploads".to_owned()),
        ("GET", "/v1/images".to_owned()),
        ("GET", format!("/v1/images/{id}")),
        ("GET", format!("/v1/images/{id}/events")),
        ("DELETE", format!("/v1/images/{id}")),
        ("GET", "/v1/dead-letters".to_owned()),
        ("GET", "/v1/dead-letters/x".to_owned()),
        ("POST", "/v1/dead-letters/redrive".to_owned()),
        ("GET", "/metrics".to_owned()),
    ];
    for (method, path) in routes {
        let reply = server.call(&Request::new(method, &path));
        reply.problem(Code::KeyRequired);
        assert_eq!(reply.header("www-authenticate"), Some("Bearer"), "{path}");
        let reply = server.call(&Request::new(method, &path).key("dk_unknown"));
        reply.problem(Code::KeyInvalid);
        assert_eq!(reply.header("www-authenticate"), Some("Bearer error=\"invalid_token\""));
    }
    for path in ["/", "/healthz", "/openapi.json"] {
        assert_eq!(server.get(path).status, 200, "{path}");
    }
}

/// Counts are of all tenants.
#[test]
fn counts_are_the_operators() {
    let server = Server::with_keys();
    let (tenant, operator) = (server.key("a"), server.key_as("a", Role::Operator));
    let metrics = |secret: &str| server.call(&Request::get("/metrics").key(secret));
    let detail = metrics(&tenant).problem(Code::OperatorRequired);
    assert!(detail.contains("keys create --operator"), "{detail}");
    let reply = metrics(&operator);
    assert!(reply.text().contains("darkroom_http_requests_total"), "{}", reply.text());
    assert_eq!(reply.status, 200);
    // It is its tenant's key, too, and nobody else's.
    let own = server.create_as(Some(&tenant), &jpeg(10)).id;
    let other = server.create_as(Some(&server.key("b")), &jpeg(10)).id;
    let image = |id| server.call(&Request::get(&format!("/v1/images/{id}")).key(&operator));
    assert_eq!(image(own).status, 200);
    image(other).problem(Code::UnknownImage);
}

#[test]
fn a_key_works_until_it_is_revoked() {
    let server = Server::with_keys();
    let secret = server.key("a");
    let list =
        |value: &str| server.call(&Request::get("/v1/images").header("Authorization", value));
    assert_eq!(list(&format!("Bearer {secret}")).status, 200);
    assert_eq!(
        list(&format!("bearer  {secret} ")).status,
        200,
        "the scheme's case does not matter"
    );
    for wrong in [
        secret.clone(),
        format!("Basic {secret}"),
        "Bearer".into(),
        "Bearer ".into(),
        format!("Bearer {secret}x"),
    ] {
        list(&wrong).problem(Code::KeyInvalid);
    }
    server.run(server.keyring.revoke("key-a", moment("2026-11-23T09:00:00Z"))).unwrap();
    list(&format!("Bearer {secret}")).problem(Code::KeyInvalid);
}

#[test]
fn an_upload_needs_its_url_and_no_key() {
    let server = Server::with_keys();
    let secret = server.key("a");
    let upload = server.create_as(Some(&secret), &jpeg(10));
    assert_eq!(server.call(&upload.put(b"ten bytes.")).status, 200);
}

#[test]
fn a_server_without_keys_answers_to_its_own_names_only() {
    let public_url = Some("https://photos.example:8443/".to_owned());
    let server = Server::with(Options { public_url, ..Options::default() });
    let port = server.address.port();
    let good = [
        format!("127.0.0.1:{port}"),
        format!("localhost:{port}"),
        "LOCALHOST".to_owned(),
        format!("[::1]:{port}"),
        "localhost:1".to_owned(),
        "photos.example".to_owned(),
    ];
    for host in good {
        assert_eq!(
            server.call(&Request::get("/healthz").header("Host", &host)).status,
            200,
            "{host}"
        );
    }
    let bad = [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "evil@localhost",
        "192.168.0.1",
        "localhost.",
        "",
    ];
    for host in bad {
        for target in ["/healthz", "/v1/images", "/v/x/x/x", "/nowhere"] {
            let reply = server.call(&Request::get(target).header("Host", host));
            reply.problem(Code::HostNotAllowed);
        }
    }
    let twice = Request::get("/healthz").header("Host", "localhost").header("Host", "evil.example");
    server.call(&twice).problem(Code::HostNotAllowed);
}

#[test]
fn a_server_with_keys_answers_to_every_name() {
    let server = Server::with_keys();
    let reply = server.call(&Request::get("/healthz").header("Host", "photos.example"));
    assert_eq!(reply.status, 200);
}

#[test]
fn a_server_without_keys_takes_nothing_from_a_proxy() {
    let headers = [
        ("Forwarded", "for=192.0.2.7;host=photos.example"),
        ("Via", "1.1 proxy"),
        ("X-Forwarded-For", "192.0.2.7"),
        ("x-forwarded-host", "photos.example"),
        ("X-Forwarded-Proto", "https"),
        ("X-Real-IP", "192.0.2.7"),
    ];
    let (open, keyed) = (Server::start(), Server::with_keys());
    for (name, value) in headers {
        // The proxy addresses it as itself.
        let request = || Request::get("/v1/images").header("Host", "127.0.0.1").header(name, value);
        let detail = open.call(&request()).problem(Code::ProxyNotAllowed);
        for word in [&*name.to_lowercase(), "--public-url", "darkroom keys create"] {
            assert!(detail.contains(word), "{word}: {detail}");
        }
        keyed.call(&request()).problem(Code::KeyRequired);
    }
    let secret = keyed.key("a");
    let request = Request::get("/v1/images").key(&secret).header("X-Forwarded-For", "192.0.2.7");
    assert_eq!(keyed.call(&request).status, 200);
}

#[test]
fn a_foreign_page_changes_nothing() {
    let cors = Cors::Origins(vec!["https://app.example".parse().unwrap()]);
    let server = Server::with(Options { cors, ..Options::default() });
    let own = format!("http://{}", server.address);
    let upload = server.create(&jpeg(10));
    let from = |request: Request, origin: &str| server.call(&request.header("Origin", origin));
    let create = || Request::new("POST", "/v1/uploads").json(&jpeg(10));
    for origin in [own.as_str(), "https://app.example"] {
        assert_eq!(from(create(), origin).status, 201, "{origin}");
    }
    let foreign = [
        "https://evil.example",
        "null",
        "http://app.example",
        "https://app.example.evil",
        "http://127.0.0.1:1",
    ];
    for origin in foreign {
        from(create(), origin).problem(Code::HostNotAllowed);
        let delete = Request::new("DELETE", &format!("/v1/images/{}", upload.id));
        from(delete, origin).problem(Code::HostNotAllowed);
        from(upload.put(b"ten bytes."), origin).problem(Code::HostNotAllowed);
        // Without CORS headers the page cannot read this.
        let reply = from(Request::get("/v1/images"), origin);
        assert_eq!(
            (reply.status, reply.header("access-control-allow-origin")),
            (200, None),
            "{origin}"
        );
    }
    assert!(!server.holds(&upload.key()));
}

#[test]
fn pages_are_let_in_as_the_setting_says() {
    let listed = Cors::Origins(vec!["https://app.example".parse().unwrap()]);
    let cases = [
        (Cors::None, "https://app.example", None),
        (Cors::Any, "https://app.example", Some("*")),
        (listed.clone(), "https://app.example", Some("https://app.example")),
        (listed, "https://evil.example", None),
    ];
    for (cors, origin, allowed) in cases {
        let server = Server::with(Options {
            cors: cors.clone(),
            access: Access::Keys,
            ..Options::default()
        });
        let preflight = |path: &str, method: &str, headers: &str| {
            let request = Request::new("OPTIONS", path).header("Origin", origin);
            let request = request.header("Access-Control-Request-Method", method);
            server.call(&request.header("Access-Control-Request-Headers", headers))
        };
        let reply = preflight("/v1/uploads", "POST", "authorization,content-type,idempotency-key");
        assert_eq!(reply.header("access-control-allow-origin"), allowed, "{cors:?} {origin}");
        if cors == Cors::None {
            reply.problem(Code::MethodNotAllowed);
            continue;
        }
        assert_eq!(reply.status, 200);
        let names = reply.header("access-control-allow-headers").unwrap();
        for name in [
            "authorization",
            "content-type",
            "x-amz-checksum-sha256",
            "idempotency-key",
            "last-event-id",
        ] {
            assert!(names.split(',').any(|other| other == name), "{name} in {names}");
        }
        let methods = reply.header("access-control-allow-methods").unwrap();
        for method in ["GET", "POST", "PUT", "DELETE"] {
            assert!(methods.split(',').any(|other| other == method), "{method} in {methods}");
        }
        let reply = preflight("/in/x", "PUT", "content-type,x-amz-checksum-sha256");
        assert_eq!(reply.header("access-control-allow-origin"), allowed);
        // A page reads refusals too, and what it needs from the headers.
        let reply = server.call(&Request::get("/v1/images").header("Origin", origin));
        reply.problem(Code::KeyRequired);
        assert_eq!(reply.header("access-control-allow-origin"), allowed);
        let exposed = reply.header("access-control-expose-headers").unwrap();
        assert!(exposed.contains("etag") && exposed.contains("location"), "{exposed}");
        let varies = matches!(cors, Cors::Origins(_)).then_some("origin");
        assert_eq!(reply.header("vary"), varies);
    }
}

#[test]
fn the_setting_is_read_from_text() {
    assert_eq!("none".parse(), Ok(Cors::None));
    assert_eq!("*".parse(), Ok(Cors::Any));
    let two = Cors::Origins(vec![
        "https://a.example".parse().unwrap(),
        "http://localhost:3000".parse().unwrap(),
    ]);
    assert_eq!("https://a.example, http://localhost:3000".parse(), Ok(two));
    for wrong in [
        "a.example",
        "https://a.example/",
        "https://a.example/app",
        "https://",
        "https://a.example,",
        "https://a b",
    ] {
        let error = wrong.parse::<Cors>().unwrap_err();
        assert!(error.contains("https://app.example"), "{wrong:?}: {error}");
    }
}
