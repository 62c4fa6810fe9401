//! Who is asking.

use std::sync::Arc;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, header, request::Parts},
};
use domain::{
    Code, Image, Sha256, Tenant,
    ports::{Owner, Role},
};

use crate::{Access, App, problem::Refusal};

/// Who is asking, as far as the server asks back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// Whoever runs the home: who sits at the machine, or has an operator's key.
    Operator(Tenant),
    /// The owner of an API key that opens a tenant's images and nothing else.
    Owner(Tenant),
}

impl Caller {
    /// Whose images the caller owns.
    pub(crate) fn tenant(&self) -> Tenant {
        match self {
            Self::Operator(tenant) | Self::Owner(tenant) => tenant.clone(),
        }
    }

    /// Whether the caller may see what is the home's own.
    pub(crate) fn runs_the_home(&self) -> bool {
        matches!(self, Self::Operator(_))
    }

    /// Whether the caller may see this image.
    pub(crate) fn owns(&self, image: &Image) -> bool {
        self.tenant() == image.tenant
    }

    /// Finds out who sent these headers.
    pub(crate) async fn of(app: &App, headers: &HeaderMap) -> Result<Self, Refusal> {
        if app.api.settings.access == Access::Loopback {
            return Ok(Self::Operator(Tenant::local()));
        }
        let Some(given) = headers.get(header::AUTHORIZATION) else {
            return Err(unauthorized(
                Code::KeyRequired,
                "send the header `Authorization: Bearer <API key>`; `darkroom keys create` makes one",
                "Bearer",
            ));
        };
        let secret = bearer(given).ok_or_else(|| {
            unauthorized(
                Code::KeyInvalid,
                "the header Authorization is not of the form `Bearer <API key>`",
                "Bearer error=\"invalid_request\"",
            )
        })?;
        let owner = app.api.keyring.owner(Sha256::of(secret.as_bytes())).await?;
        match owner {
            Some(Owner { tenant, role: Role::Operator }) => Ok(Self::Operator(tenant)),
            Some(Owner { tenant, role: Role::Tenant }) => Ok(Self::Owner(tenant)),
            None => Err(unauthorized(
                Code::KeyInvalid,
                "the API key is unknown or was revoked: ask its issuer for another",
                "Bearer error=\"invalid_token\"",
            )),
        }
    }
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Refusal> {
        Self::of(app, &parts.headers).await
    }
}

/// The token of RFC 6750's header; the scheme's case does not matter.
fn bearer(header: &HeaderValue) -> Option<&str> {
    let (scheme, token) = header.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

fn unauthorized(code: Code, detail: &str, challenge: &'static str) -> Refusal {
    Refusal::new(code, detail).with(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
}
