//! The guard of a server on loopback that asks for no key: requests must be meant for it.
//!
//! A web page can point a name of its own at 127.0.0.1 (DNS rebinding) or send requests there from
//! its own origin. The browser then tells on it, in `Host` or in `Origin`. A proxy on this machine
//! that rewrites `Host` would open it to whoever reaches the proxy; it tells on itself, in the headers
//! that proxies add.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Uri, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse, Response},
};
use domain::Code;

use crate::{Access, App, problem::Refusal};

/// Lets only those requests in that are meant for this server.
pub(crate) async fn check(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let verdict = match app.api.settings.access {
        // A key is proof enough: a foreign page does not have it.
        Access::Keys => Ok(()),
        Access::Loopback => guard(&app, &request),
    };
    match verdict {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    }
}

/// What proxies add to what they pass on: RFC 7239, RFC 9110, and the names from before.
const OF_PROXIES: [&str; 6] =
    ["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"];

fn guard(app: &App, request: &Request) -> Result<(), Refusal> {
    if let Some(name) = OF_PROXIES.into_iter().find(|name| request.headers().contains_key(*name)) {
        return Err(Refusal::new(
            Code::ProxyNotAllowed,
            format!(
                "the request came through a proxy (it has the header {name}), and without keys \
                 whoever reaches the proxy could do everything: make a key by `darkroom keys \
                 create`, and start the server with --public-url and the URL that the proxy is \
                 reached by"
            ),
        ));
    }
    let public: Option<Uri> = app.api.signer.public_url().parse().ok();
    let public = public.as_ref().and_then(Uri::authority);
    let host = addressee(request.uri(), request.headers())?;
    let names = ["localhost", "127.0.0.1", "[::1]"].into_iter();
    let known = names.chain(public.map(Authority::host));
    if !known.into_iter().any(|name| name.eq_ignore_ascii_case(host.host())) {
        return Err(refused(format!(
            "the request is addressed to {:?}: without keys this server answers to localhost, \
             127.0.0.1, [::1] and the host of its public URL",
            host.host()
        )));
    }
    let Some(origin) = request.headers().get(header::ORIGIN) else { return Ok(()) };
    let same = authority_of(origin).is_some_and(|from| from == host || Some(&from) == public);
    if request.method().is_safe() || same || app.api.settings.cors.allows(origin) {
        return Ok(());
    }
    Err(refused(format!(
        "the request comes from the web page {origin:?}, which is neither this server's own nor \
         among the origins that it was told to allow"
    )))
}

/// The authority that the client means: `Host`, or the URI's own where a proxy or HTTP/2 has it
/// there.
fn addressee(uri: &Uri, headers: &HeaderMap) -> Result<Authority, Refusal> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => Authority::try_from(host.as_bytes()).ok(),
        (None, _) => uri.authority().cloned(),
        (Some(_), Some(_)) => None,
    };
    host.filter(|host| !host.as_str().contains('@')).ok_or_else(|| {
        refused("the request has no Host, or not one that is a host name".to_owned())
    })
}

fn authority_of(origin: &HeaderValue) -> Option<Authority> {
    let text = origin.to_str().ok()?;
    let (scheme, authority) = text.split_once("://")?;
    matches!(scheme, "http" | "https").then(|| authority.parse().ok()).flatten()
}

fn refused(detail: String) -> Refusal {
    Refusal::new(Code::HostNotAllowed, detail)
}
