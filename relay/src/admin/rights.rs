//! Which route of the admin API needs which role, and the check of it.
//!
//! A route that is not in [`RIGHTS`] can't be reached: it answers as if it were not there.

use std::sync::Arc;

use axum::body::{Body, HttpBody};
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{ALLOW, AUTHORIZATION};
use axum::http::{HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use tokio::sync::watch;

use super::state::Admin;
use crate::access::Role::{self, Admin as Admins, Operate, Read};
use crate::access::{Caller, Known, OWN_TOKEN, why};
use crate::http::ApiError;

/// Which role a route needs: method, path as the router has it, role.
const RIGHTS: [(Method, &str, Role); 22] = [
    (Method::GET, "/admin/v1/status", Read),
    (Method::GET, "/admin/v1/find", Read),
    (Method::GET, "/admin/v1/records", Read),
    (Method::GET, "/admin/v1/sessions", Read),
    (Method::GET, "/admin/v1/people", Read),
    (Method::GET, "/admin/v1/timeline", Read),
    (Method::GET, "/admin/v1/tail", Read),
    (Method::GET, "/admin/v1/export", Read),
    (Method::GET, "/admin/v1/index", Read),
    (Method::GET, "/admin/v1/levels", Read),
    (Method::POST, "/admin/v1/levels", Operate),
    (Method::DELETE, "/admin/v1/levels/{id}", Operate),
    (Method::GET, "/admin/v1/levels/audit", Admins),
    (Method::GET, "/admin/v1/dead", Read),
    (Method::POST, "/admin/v1/dead/replay", Operate),
    (Method::POST, "/admin/v1/dead/rm", Operate),
    (Method::POST, "/admin/v1/import", Operate),
    (Method::POST, "/admin/v1/forget", Admins),
    (Method::GET, "/admin/v1/audit", Admins),
    (Method::GET, "/admin/v1/tokens", Admins),
    (Method::POST, "/admin/v1/tokens", Admins),
    (Method::DELETE, "/admin/v1/tokens/{name}", Admins),
];

/// Lets a request pass that comes with a good token whose role is enough, and says in its extensions who is calling.
pub async fn authorize(State(admin): State<Admin>, mut request: Request, next: Next) -> Response {
    let headers = request.headers();
    let said = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    let Some((name, role, held)) = said.and_then(|said| who(&admin, said)) else {
        return ApiError::Unauthorized.into_response();
    };
    let why = why(headers);
    let path = request.extensions().get::<MatchedPath>();
    let path = path.map_or("", MatchedPath::as_str);
    let needed = match needed(request.method(), path) {
        Ok(needed) => needed,
        Err(allowed) => return allowed.map_or(ApiError::NoSuchPath.into_response(), not_allowed),
    };
    if !role.may(needed) {
        let said = format!("this needs the role {needed}: token `{name}` has {role}");
        return ApiError::Forbidden(said).into_response();
    }
    request.extensions_mut().insert(Caller { name, role, why });
    let answer = next.run(request).await;
    match held {
        Some(held) => while_held(answer, held),
        None => answer,
    }
}

/// The same answer; if its body is streamed, that ends when the token is removed.
fn while_held(answer: Response, mut held: watch::Receiver<()>) -> Response {
    if answer.body().size_hint().exact().is_some() {
        return answer;
    }
    answer.map(|body| {
        let removed = async move { while held.changed().await.is_ok() {} };
        Body::from_stream(body.into_data_stream().take_until(Box::pin(removed)))
    })
}

/// Whose token it is, what it may do, and what ends when it is removed. Hashes are compared, so that the time it takes says nothing about a token.
fn who(admin: &Admin, said: &[u8]) -> Option<(Arc<str>, Role, Option<watch::Receiver<()>>)> {
    if Sha256::digest(said) == Sha256::digest(admin.token.expose_secret()) {
        Some((OWN_TOKEN.into(), Admins, None))
    } else {
        let Known { name, role, held } = admin.access.tokens.who(said)?;
        Some((name, role, Some(held)))
    }
}

/// The role that `method` on `path` needs; else the methods that the path takes, if it is there.
fn needed(method: &Method, path: &str) -> Result<Role, Option<String>> {
    // A HEAD is a GET whose body is left out.
    let method = if method == Method::HEAD {
        &Method::GET
    } else {
        method
    };
    let of_path = || RIGHTS.iter().filter(|(_, its, _)| *its == path);
    if let Some((_, _, role)) = of_path().find(|(its, ..)| its == method) {
        return Ok(*role);
    }
    let mut allowed: Vec<&str> = of_path().map(|(its, ..)| its.as_str()).collect();
    if allowed.contains(&"GET") {
        allowed.push("HEAD");
    }
    Err((!allowed.is_empty()).then(|| allowed.join(",")))
}

fn not_allowed(allowed: String) -> Response {
    let mut answer = ApiError::NoSuchMethod.into_response();
    if let Ok(allowed) = HeaderValue::try_from(allowed) {
        answer.headers_mut().insert(ALLOW, allowed);
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each path of the admin API with its methods, as `openapi.yaml` has it. That no route is missing there is a test of
    /// the contract.
    fn documented() -> Vec<(String, String)> {
        let mut path = "";
        let mut found = Vec::new();
        for line in include_str!("../../openapi.yaml").lines() {
            if let Some(its) = line
                .strip_prefix("  /")
                .and_then(|its| its.strip_suffix(':'))
            {
                path = its;
            } else if let Some(method) = line
                .strip_prefix("    ")
                .and_then(|its| its.strip_suffix(':'))
                && ["get", "post", "put", "delete", "patch"].contains(&method)
                && path.starts_with("admin/")
            {
                found.push((method.to_uppercase(), format!("/{path}")));
            }
        }
        found
    }

    #[test]
    fn each_route_has_a_role() {
        let documented = documented();
        assert!(documented.len() >= 8, "{documented:?}");
        for (method, path) in documented {
            let method = Method::from_bytes(method.as_bytes()).expect("a method");
            assert!(
                needed(&method, &path).is_ok(),
                "{method} {path} has no row in RIGHTS: nobody can reach it"
            );
        }
    }

    #[tokio::test]
    async fn what_is_streamed_ends_when_its_token_is_removed() {
        let dir = tempfile::tempdir().expect("a directory");
        let access = crate::access::Access::open(dir.path()).await;
        let tokens = access.expect("it opens").tokens;
        let made = tokens.make("bea", Read).await.expect("a token");
        let who = || tokens.who(made.text.expose_secret().as_bytes());
        let endless = || {
            let body =
                futures_util::stream::repeat(Ok::<_, std::convert::Infallible>("data: x\n\n"));
            Response::new(Body::from_stream(body))
        };
        let held = who().expect("it is good").held;
        let mut streamed = while_held(endless(), held).into_body().into_data_stream();
        assert!(streamed.next().await.is_some());
        tokens.make("carl", Read).await.expect("another token");
        assert!(
            streamed.next().await.is_some(),
            "another one changes nothing"
        );
        tokens.remove("bea").await.expect("it is removed");
        assert!(streamed.next().await.is_none());
        assert!(who().is_none());
    }

    #[test]
    fn no_route_has_two_roles() {
        for (at, (method, path, _)) in RIGHTS.iter().enumerate() {
            let again = RIGHTS.iter().skip(at + 1);
            let again = again.filter(|(other, its, _)| other == method && its == path);
            assert_eq!(again.count(), 0, "{method} {path}");
        }
    }

    #[test]
    fn what_is_not_in_the_table_is_not_there() {
        let get = "GET,HEAD".to_owned();
        for (method, path, expected) in [
            (Method::HEAD, "/admin/v1/status", Ok(Read)),
            (Method::PUT, "/admin/v1/status", Err(Some(get))),
            (Method::GET, "/admin/v1/nothing", Err(None)),
            (Method::GET, "", Err(None)),
        ] {
            assert_eq!(needed(&method, path), expected, "{method} {path}");
        }
    }
}
