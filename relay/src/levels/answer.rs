//! What a program is told when it asks for its levels.

use std::borrow::Cow;

use axum::http::header::{CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use url::form_urlencoded;

use super::book::Program;
use super::in_force::Levels;
use super::rule::Moment;

impl Levels {
    /// The levels of the program that says `query` of itself and has a token of `subject`; 304 when it has them.
    pub fn answer(&self, query: &str, subject: Option<&str>, headers: &HeaderMap) -> Response {
        let query = Query::read(query);
        let program = &query.program(subject);
        let now = Moment::now();
        self.0.seen.note(program, now.wall);
        let program = &self.0.bonds.known(program);
        let book = self.0.book.load();
        let told = book.tell(program, now);
        let etag = (ETAG, told.etag.clone());
        if has(headers, &told.etag) {
            return (StatusCode::NOT_MODIFIED, [etag]).into_response();
        }
        let json = (CONTENT_TYPE, HeaderValue::from_static("application/json"));
        ([etag, json], told.body(now)).into_response()
    }
}

/// Whether the program has what this tag names.
fn has(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    let tags = headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|tags| tags.to_str().ok());
    tags.flat_map(|tags| tags.split(',')).any(|tag| {
        let tag = tag.trim().trim_start_matches("W/");
        tag == "*" || tag.as_bytes() == etag.as_bytes()
    })
}

/// What a program says of itself. What it does not say, or says empty, is not known.
#[derive(Default)]
struct Query<'q> {
    install: Option<Cow<'q, str>>,
    session: Option<Cow<'q, str>>,
    service: Option<Cow<'q, str>>,
    version: Option<Cow<'q, str>>,
}

impl<'q> Query<'q> {
    fn read(query: &'q str) -> Self {
        let mut read = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let place = match name.as_ref() {
                "installId" | "install_id" => &mut read.install,
                "sessionId" | "session_id" => &mut read.session,
                "service" => &mut read.service,
                "version" => &mut read.version,
                _ => continue,
            };
            *place = Some(value).filter(|value| !value.is_empty());
        }
        read
    }

    fn program<'p>(&'p self, subject: Option<&'p str>) -> Program<'p> {
        Program {
            subject,
            install: self.install.as_deref(),
            session: self.session.as_deref(),
            service: self.service.as_deref(),
            version: self.version.as_deref(),
        }
    }
}
