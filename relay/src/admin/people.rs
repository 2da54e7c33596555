//! `/admin/v1/people`, `/admin/v1/sessions` and `/admin/v1/find`: who there is, which runs somebody had, and what a text is.

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use serde_json::{Value, json};

use super::asked;
use super::state::Admin;
use crate::find::{Thing, find};
use crate::http::ApiError;
use crate::index::{Index, Kind, Named, Order, Question};
use crate::search::{Expr, Key, Match, Term};
use crate::timeline::{self, Ask, Of, Session, day, line, millis, written};
use crate::when::Zone;

/// The routes; requests come here only with the admin API's token.
pub fn routes() -> Router<Admin> {
    Router::new()
        .route("/admin/v1/people", get(people))
        .route("/admin/v1/sessions", get(sessions))
        .route("/admin/v1/find", get(find_it))
}

/// A question, as the flags of the commands.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    text: Option<String>,
    user: Option<String>,
    install: Option<String>,
    limit: Option<usize>,
    tz: Option<String>,
    format: Option<String>,
    colour: Option<String>,
}

async fn people(
    State(admin): State<Admin>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, ApiError> {
    let asked = asked::read(asked)?;
    let index = admin.index()?;
    let format = asked::format(asked.format.as_deref(), asked.colour.as_deref())?;
    let limit = asked::limit(asked.limit, 20, 100)?;
    let zone = asked::zone(asked.tz.as_deref(), None)?;
    let mut known: BTreeMap<String, Named> = BTreeMap::new();
    for kind in [Kind::User, Kind::Sender] {
        for named in index.reader.names(kind, None, limit).await.names {
            if named.name.is_empty() {
                continue;
            }
            let heard = known.entry(named.name.clone()).or_insert(named.clone());
            heard.heard = heard.heard.max(named.heard);
        }
    }
    let mut people: Vec<Named> = known.into_values().collect();
    people.sort_by_key(|named| std::cmp::Reverse(named.heard));
    people.truncate(limit);
    let mut rows = Vec::new();
    for named in people {
        let query = Expr::Is(Term::Key(Key::User, Match::Is(named.name.clone())));
        let question = Question {
            query,
            order: Order::Newest,
            limit: 1,
            ..Question::of_everything()
        };
        let last = index
            .reader
            .look(&question)
            .await
            .records
            .into_iter()
            .next();
        let of = |kind| {
            last.as_ref()
                .and_then(|last| last.name(kind))
                .map(str::to_owned)
        };
        rows.push((
            of(Kind::Install),
            of(Kind::Service),
            of(Kind::Version),
            named,
        ));
    }
    let found = !rows.is_empty();
    Ok(asked::answer(
        found,
        format,
        || {
            let people = rows.iter().map(|(install, service, version, named)| {
                json!({"user": named.name, "last_heard": time(named.heard), "records": named.records,
                    "install": install, "service": service, "version": version})
            });
            json!({"zone": zone.name, "people": people.collect::<Vec<_>>()})
        },
        |_| {
            let mut out = String::new();
            for (install, service, version, named) in &rows {
                let program: Vec<&str> = [service, version]
                    .into_iter()
                    .flatten()
                    .map(String::as_str)
                    .collect();
                let install = install.as_deref().unwrap_or_default();
                let heard = millis(named.heard, &zone);
                line(
                    &mut out,
                    &format!("{heard}  {}  {}  {install}", named.name, program.join(" ")),
                );
            }
            line(&mut out, &format!("times in {}", zone.name));
            out
        },
    ))
}

async fn sessions(
    State(admin): State<Admin>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, ApiError> {
    let asked = asked::read(asked)?;
    let index = admin.index()?;
    let format = asked::format(asked.format.as_deref(), asked.colour.as_deref())?;
    let limit = asked::limit(asked.limit, 10, 50)?;
    let zone = asked::zone(asked.tz.as_deref(), None)?;
    let (key, name) = match (&asked.user, &asked.install) {
        (Some(user), None) => (Key::User, user),
        (None, Some(install)) => (Key::Install, install),
        _ => {
            return Err(ApiError::NotAQuestion(
                "whose sessions? give one of user and install".to_owned(),
            ));
        }
    };
    let question = Question {
        query: Expr::Is(Term::Key(key, Match::Is(name.clone()))),
        ..Question::of_everything()
    };
    let runs = index.reader.names_in(&question, Kind::Session, limit).await;
    let mut rows = Vec::new();
    for run in runs.names {
        let told = session(index, &zone, &run.name).await;
        rows.push((run, told));
    }
    Ok(asked::answer(
        !rows.is_empty(),
        format,
        || {
            let sessions = rows
                .iter()
                .map(|(run, told)| session_json(run, told.as_ref()));
            json!({"zone": zone.name, "is_whole": runs.is_whole, "sessions": sessions.collect::<Vec<_>>()})
        },
        |_| {
            let mut out = String::new();
            for (run, told) in &rows {
                line(&mut out, &session_text(run, told.as_ref(), &zone));
            }
            line(&mut out, &format!("times in {}", zone.name));
            out
        },
    ))
}

/// The session as its records tell it.
async fn session(index: &Index, zone: &Zone, id: &str) -> Option<Session> {
    let ask = Ask {
        of: Of::Session(id.to_owned()),
        at: None,
        around: std::time::Duration::ZERO,
        zone: zone.clone(),
        as_of: i64::MAX,
    };
    let story = timeline::timeline(&index.reader, &ask).await?;
    story
        .sessions
        .into_iter()
        .find(|session| session.session == id)
}

fn session_json(run: &Named, told: Option<&Session>) -> Value {
    let of = |text: fn(&Session) -> Option<&String>| told.and_then(text).cloned();
    json!({
        "session": run.name,
        "records": run.records,
        "first": written(run.first),
        "last": written(run.last),
        "last_heard": time(run.heard),
        "install": of(|session| session.install.as_ref()),
        "service": of(|session| session.service.as_ref()),
        "version": of(|session| session.version.as_ref()),
        "os": of(|session| session.os.as_ref()),
        "device": of(|session| session.device.as_ref()),
        "started": told.map(|session| written(session.started)),
        "ended": told.and_then(|session| session.ended).map(written),
        "end": told.map(|session| session.end.as_str()),
    })
}

fn session_text(run: &Named, told: Option<&Session>, zone: &Zone) -> String {
    let (from, to) = (day(run.first, zone), day(run.last, zone));
    let mut said = vec![format!("{from} to {to}"), run.name.clone()];
    if let Some(session) = told {
        let program = [&session.service, &session.version].into_iter().flatten();
        said.push(program.cloned().collect::<Vec<_>>().join(" "));
        said.push(session.end.as_str().to_owned());
    }
    let records = if run.records == 1 {
        "record"
    } else {
        "records"
    };
    said.push(format!("{} {records}", run.records));
    said.join("  ")
}

async fn find_it(
    State(admin): State<Admin>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, ApiError> {
    let asked = asked::read(asked)?;
    let index = admin.index()?;
    let format = asked::format(asked.format.as_deref(), asked.colour.as_deref())?;
    let zone = asked::zone(asked.tz.as_deref(), None)?;
    let text = asked.text.as_deref().unwrap_or_default().trim();
    if text.is_empty() || text.len() > MAX_TEXT_BYTES {
        return Err(ApiError::NotAQuestion(format!(
            "`text` is what is looked for: of 1 to {MAX_TEXT_BYTES} bytes"
        )));
    }
    let things = find(&index.reader, admin.people.clone(), text).await;
    Ok(asked::answer(
        !things.is_empty(),
        format,
        || json!(things),
        |_| things_text(text, &things, &zone),
    ))
}

fn things_text(text: &str, things: &[Thing], zone: &Zone) -> String {
    let mut out = String::new();
    if things.is_empty() {
        line(
            &mut out,
            &format!("Nothing in the index is called \u{201c}{text}\u{201d}, and nobody wrote it."),
        );
    }
    for thing in things {
        let heard = thing.last_heard.as_deref().and_then(|at| at.parse().ok());
        let heard = heard.map_or_else(String::new, |at: jiff::Timestamp| {
            millis(at.as_millisecond(), zone)
        });
        let mut said = format!("{:<8} {}  {}  {heard}", thing.kind, thing.id, thing.label);
        for (word, names) in [("users", &thing.users), ("installs", &thing.installs)] {
            if !names.is_empty() && **names != [thing.id.clone()] {
                said.push_str(&format!("  {word}: {}", names.join(", ")));
            }
        }
        line(&mut out, &said);
    }
    line(&mut out, &format!("times in {}", zone.name));
    out
}

fn time(unix_millis: i64) -> Option<String> {
    let at = jiff::Timestamp::from_millisecond(unix_millis).ok()?;
    Some(at.to_string())
}

/// A longer text is no name and no words that anybody types.
const MAX_TEXT_BYTES: usize = 1_024;
