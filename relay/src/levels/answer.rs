//! What a program is told when it asks for its levels.

use axum::http::header::{CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::in_force::Levels;
use super::program::Program;
use super::rule::Moment;

impl Levels {
    /// The levels of the program that says `query` of itself and has a token of `subject`; 304 when it has them.
    pub fn answer(&self, query: &str, subject: Option<&str>, headers: &HeaderMap) -> Response {
        let asks = Program::read(query);
        let program = &asks.under(subject);
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
