//! `/i/{id}/{variant}`: which format a client is led to, and what it hears where there is none.

use domain::{Code, ImageId, Problem, image::Outcome};

use super::{
    client::{Reply, Request},
    server::{Server, jpeg, moment, private},
};

/// Asks for a variant, with this `Accept`.
fn ask(server: &Server, id: ImageId, name: &str, accept: Option<&str>) -> Reply {
    let request = Request::get(&format!("/i/{id}/{name}"));
    server.call(&match accept {
        Some(accept) => request.header("Accept", accept),
        None => request,
    })
}

/// The file that a redirect leads to.
#[track_caller]
fn file(server: &Server, reply: &Reply) -> String {
    assert_eq!(reply.status, 302, "{}", reply.text());
    let location = reply.header("location").unwrap();
    assert!(location.starts_with(server.signer.public_url()), "{location}");
    location.rsplit('/').next().unwrap().to_owned()
}

#[test]
fn the_best_existing_format_for_accept() {
    const CHROME: &str = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8";
    const FIREFOX: &str = "image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5";
    const OLD_SAFARI: &str = "image/png,image/svg+xml,image/*;q=0.8,video/*;q=0.8,*/*;q=0.5";
    let all = ["avif", "webp", "jpeg", "png"];
    let usual = ["webp", "jpeg"];
    let cases: [(&[&str], Option<&str>, &str); 21] = [
        (&all, Some(CHROME), "avif"),
        (&usual, Some(CHROME), "webp"),
        (&["jpeg"], Some(CHROME), "jpeg"),
        (&all, Some(FIREFOX), "avif"),
        (&usual, Some(FIREFOX), "webp"),
        (&["jpeg", "png"], Some(FIREFOX), "png"),
        (&usual, Some(OLD_SAFARI), "jpeg"),
        // Who says anything will do has not said that it knows what came later.
        (&all, Some("*/*"), "jpeg"),
        (&usual, Some("*/*"), "jpeg"),
        (&usual, Some("image/*"), "jpeg"),
        (&usual, None, "jpeg"),
        (&["png", "webp"], None, "png"),
        (&all, Some("image/webp"), "webp"),
        (&all, Some("IMAGE/AVIF"), "avif"),
        (&all, Some("image/avif;q=0.5, image/webp;q=0.9"), "webp"),
        (&all, Some("image/avif;q=0, */*"), "jpeg"),
        (&all, Some("image/jpeg;q=0, */*"), "png"),
        (&usual, Some("image/webp;q=0.3, image/jpeg;q=0.31"), "jpeg"),
        (&usual, Some("image/webp;q=nonsense, image/jpeg;q=0.1"), "jpeg"),
        // Nothing that it accepts: a picture all the same.
        (&usual, Some("text/html"), "jpeg"),
        (&["webp", "avif"], Some("*/*"), "webp"),
    ];
    let server = Server::start();
    for (formats, accept, expected) in cases {
        let id = server.image();
        let files: Vec<_> = formats.iter().map(|format| format!("small.{format}")).collect();
        let variants: Vec<_> = files.iter().map(|name| (name.as_str(), b"x".as_slice())).collect();
        server.finish(id, &variants);
        let reply = ask(&server, id, "small", accept);
        assert_eq!(file(&server, &reply), format!("small.{expected}"), "{formats:?} {accept:?}");
        assert_eq!(reply.header("vary"), Some("accept"));
        assert_eq!(reply.header("cache-control"), Some("public, max-age=60"));
        assert_eq!(
            server.get(&server.path(&reply.header("location").into())).status,
            200,
            "it leads there"
        );
    }
}

#[test]
fn an_extension_decides_by_itself() {
    let server = Server::start();
    let id = server.image();
    server.finish(id, &[("small.webp", b"w"), ("small.jpeg", b"j"), ("large.jpeg", b"l")]);
    for (name, expected) in [
        ("small.webp", "small.webp"),
        ("small.jpeg", "small.jpeg"),
        ("small.jpg", "small.jpeg"),
        ("large", "large.jpeg"),
    ] {
        let reply = ask(&server, id, name, Some("*/*"));
        assert_eq!(file(&server, &reply), expected);
        assert_eq!(reply.header("vary").is_some(), !name.contains('.'), "{name}");
    }
}

#[test]
fn a_variant_that_does_not_exist_is_answered_with_those_that_do() {
    let server = Server::start();
    let id = server.image();
    server.finish(id, &[("small.webp", b"w"), ("large.jpeg", b"l")]);
    for name in ["medium", "small.png", "small.", ".webp", "derived"] {
        let detail = ask(&server, id, name, None).problem(Code::UnknownVariant);
        assert!(detail.contains("small.webp") && detail.contains("large.jpeg"), "{detail}");
    }
}

#[test]
fn what_is_still_being_made_is_worth_another_try() {
    let server = Server::start();
    let id = server.image();
    let not_ready = |name: &str, accept: Option<&str>| {
        let reply = ask(&server, id, name, accept);
        reply.problem(Code::NotReady);
        assert_eq!(reply.header("retry-after"), Some("1"));
    };
    not_ready("small", None);
    server.accept(id);
    not_ready("small", None);
    server.expect(id, &["small.webp", "small.jpeg", "large.jpeg"]);
    not_ready("small", None);
    not_ready("small.webp", None);
    ask(&server, id, "tiny", None).problem(Code::UnknownVariant);
    // One is there: whoever can show it is led to it, others wait for theirs.
    server.make(id, "small.webp", b"w");
    assert_eq!(file(&server, &ask(&server, id, "small", Some("image/webp"))), "small.webp");
    not_ready("small", Some("*/*"));
    not_ready("small.jpeg", None);
}

#[test]
fn an_image_that_is_not_kept_says_why() {
    let server = Server::start();
    let now = moment("2026-11-23T10:00:00Z");
    let rejected = server.image();
    let problem = Problem::new(Code::TooManyPixels, "The picture is 20000×20000.");
    server.run(server.catalog.reject(rejected, &problem, now)).unwrap();
    let detail = ask(&server, rejected, "small", None).problem(Code::TooManyPixels);
    assert_eq!(detail, problem.detail);

    let expired = server.image();
    server.run(server.catalog.expire(expired, now)).unwrap();
    ask(&server, expired, "small", None).problem(Code::NothingArrived);

    let erased = server.image();
    server.run(server.catalog.erase(erased, now)).unwrap();
    ask(&server, erased, "small", None).problem(Code::Erased);

    let failed = server.image();
    server.accept(failed);
    server.expect(failed, &["small.webp", "small.avif", "large.jpeg"]);
    server.make(failed, "small.webp", b"w");
    server.record(failed, "small.avif", Outcome::Dropped("larger than webp".into()));
    let problem = Problem::new(Code::TimedOut, "the worker did not finish within 60 s");
    server.record(failed, "large.jpeg", Outcome::Failed(problem));
    server.flip(failed);
    ask(&server, failed, "large", None).problem(Code::TimedOut);
    let detail = ask(&server, failed, "small.avif", None).problem(Code::UnknownVariant);
    assert!(detail.contains("larger than webp"), "{detail}");
    assert_eq!(file(&server, &ask(&server, failed, "small", None)), "small.webp");
}

#[test]
fn a_private_image_needs_its_owners_key() {
    let server = Server::with_keys();
    let (a, b) = (server.key("a"), server.key("b"));
    let id = server.create_as(Some(&a), &private()).id;
    server.finish(id, &[("small.webp", b"webp")]);
    let request = || Request::get(&format!("/i/{id}/small"));
    server.call(&request()).problem(Code::KeyRequired);
    server.call(&request().key(&b)).problem(Code::UnknownImage);
    let reply = server.call(&request().key(&a));
    let location = reply.header("location").unwrap();
    assert!(location.contains("/p/") && location.contains("signature="), "{location}");
    assert_eq!(reply.header("cache-control"), Some("private, no-store"));
    assert_eq!(server.get(&server.path(&location.into())).text(), "webp");
    // A public one needs none.
    let id = server.create_as(Some(&a), &jpeg(10)).id;
    server.finish(id, &[("small.webp", b"webp")]);
    assert_eq!(ask(&server, id, "small", None).status, 302);
}
