//! Who a request of the admin API comes from.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;

use super::deed::{Deed, MAX_WHY, shown};
use super::role::Role;
use crate::http::ApiError;

/// Who a request of the admin API comes from; an extension of each authorised request, and an extractor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The name of the token.
    pub name: Arc<str>,
    /// What it may do.
    pub role: Role,
    /// Why, as the request's `X-Audit-Why` says; cut, control characters escaped; empty if it does not say.
    pub why: Arc<str>,
}

impl Caller {
    /// What the audit is told when this caller does `action`.
    pub fn deed(
        &self,
        action: &'static str,
        subject: impl Into<String>,
        query: impl Into<String>,
    ) -> Deed {
        Deed {
            who: Arc::clone(&self.name),
            action,
            subject: subject.into(),
            query: query.into(),
            why: Arc::clone(&self.why),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        let caller = parts.extensions.get::<Self>().cloned();
        caller.ok_or(ApiError::Unauthorized)
    }
}

/// Why, as a request says. Bytes that are no UTF-8 become U+FFFD.
#[must_use]
pub fn why(headers: &HeaderMap) -> Arc<str> {
    let said = headers.get(WHY).map(|value| value.as_bytes());
    let said = String::from_utf8_lossy(said.unwrap_or_default());
    shown(said.trim(), MAX_WHY).into()
}

/// The header that says why.
pub const WHY: &str = "x-audit-why";
