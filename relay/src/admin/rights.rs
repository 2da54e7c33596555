//! Which route of the admin API needs which role, and which look at people's records: the check of the one, the audit of
//! the other.
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

use super::look::look;
use super::state::Admin;
use crate::access::Role::{self, Admin as Admins, Operate, Read};
use crate::access::{Caller, Known, OWN_TOKEN, why};
use crate::http::ApiError;

/// A route, and what it needs.
struct Right {
    method: Method,
    /// As the router has it.
    path: &'static str,
    role: Role,
    /// The name in the audit of a route that looks at people's records: its requests are noted here.
    look: Option<&'static str>,
}

/// Every route of the admin API. What changes something notes that itself, since it knows what it is about to change.
static RIGHTS: [Right; 22] = [
    right(Method::GET, "/admin/v1/status", Read),
    look_up("/admin/v1/find", "find"),
    look_up("/admin/v1/records", "records"),
    look_up("/admin/v1/sessions", "sessions"),
    look_up("/admin/v1/people", "people"),
    look_up("/admin/v1/timeline", "timeline"),
    look_up("/admin/v1/tail", "tail"),
    look_up("/admin/v1/export", "export"),
    right(Method::GET, "/admin/v1/index", Read),
    right(Method::GET, "/admin/v1/levels", Read),
    right(Method::POST, "/admin/v1/levels", Operate),
    right(Method::DELETE, "/admin/v1/levels/{id}", Operate),
    right(Method::GET, "/admin/v1/levels/audit", Admins),
    right(Method::GET, "/admin/v1/dead", Read),
    right(Method::POST, "/admin/v1/dead/replay", Operate),
    right(Method::POST, "/admin/v1/dead/rm", Operate),
    right(Method::POST, "/admin/v1/import", Operate),
    right(Method::POST, "/admin/v1/forget", Admins),
    right(Method::GET, "/admin/v1/audit", Admins),
    right(Method::GET, "/admin/v1/tokens", Admins),
    right(Method::POST, "/admin/v1/tokens", Admins),
    right(Method::DELETE, "/admin/v1/tokens/{name}", Admins),
];

const fn right(method: Method, path: &'static str, role: Role) -> Right {
    Right {
        method,
        path,
        role,
        look: None,
    }
}

/// A route that looks at people's records.
const fn look_up(path: &'static str, name: &'static str) -> Right {
    Right {
        method: Method::GET,
        path,
        role: Read,
        look: Some(name),
    }
}

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
    let right = match right_of(request.method(), path) {
        Ok(right) => right,
        Err(allowed) => return allowed.map_or(ApiError::NoSuchPath.into_response(), not_allowed),
    };
    let needed = right.role;
    if !role.may(needed) {
        let said = format!("this needs the role {needed}: token `{name}` has {role}");
        return ApiError::Forbidden(said).into_response();
    }
    let caller = Caller { name, role, why };
    if let Some(name) = right.look {
        let (subject, asked) = look(request.uri().query().unwrap_or_default());
        if let Err(error) = admin.audit.note(caller.deed(name, subject, asked)).await {
            return ApiError::from(error).into_response();
        }
    }
    request.extensions_mut().insert(caller);
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

/// What `method` on `path` needs; else the methods that the path takes, if it is there.
fn right_of(method: &Method, path: &str) -> Result<&'static Right, Option<String>> {
    // A HEAD is a GET whose body is left out.
    let method = if method == Method::HEAD {
        &Method::GET
    } else {
        method
    };
    let of_path = || RIGHTS.iter().filter(|right| right.path == path);
    if let Some(right) = of_path().find(|right| right.method == method) {
        return Ok(right);
    }
    let mut allowed: Vec<&str> = of_path().map(|right| right.method.as_str()).collect();
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
                right_of(&method, &path).is_ok(),
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
        for (at, Right { method, path, .. }) in RIGHTS.iter().enumerate() {
            let again = RIGHTS.iter().skip(at + 1);
            let again = again.filter(|other| other.method == method && other.path == *path);
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
            let role = right_of(&method, path).map(|right| right.role);
            assert_eq!(role, expected, "{method} {path}");
        }
    }
}
