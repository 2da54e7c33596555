//! Who or what a text is: one box for user, installation, support code, run, record and words.
//!
//! 1. What is written exactly like a name comes before what only holds it, and what was heard of lately before the rest
//!    (`what_is_exact_comes_first`);
//! 2. a support code is found as it was misheard: `O` for `0`, `I` and `L` for `1`, without dashes, in any case
//!    (`a_support_code_is_found_as_it_was_misheard`);
//! 3. words of messages and errors come last, counted over the last 30 days.
//!
//! 4. a person's name, telephone number or place is looked for in the operator's [`People`] (`--people`), and a user who is
//!    in it is told with them (`a_person_is_found_by_what_support_knows_of_them`).
//!
//! What it does not do: keep people's names. They are in no record, and nothing of that file leaves an answer.

mod people;

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;
use tracing_courier::session::SupportCode;

pub use people::{People, Person, read as read_people};

use crate::index::{Kind, Named, Order, Question, Reader};
use crate::search::{self, Expr, Key, Match, Term};

/// Something that the text may mean.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Thing {
    /// `person`, `user`, `sender`, `install`, `session`, `record`, `group` or `text`.
    pub kind: &'static str,
    /// Its name, as the flags of `timeline` take it; of `text` a query for `search`.
    pub id: String,
    /// What it is, in words.
    pub label: String,
    /// When the last record of it came, in RFC 3339.
    pub last_heard: Option<String>,
    /// Users that it has records of.
    pub users: Vec<String>,
    /// Installations that it has records of.
    pub installs: Vec<String>,
}

/// What `text` may mean, the likeliest first.
pub async fn find(reader: &Reader, people: Option<Arc<People>>, text: &str) -> Vec<Thing> {
    let text = text.trim();
    if text.is_empty() {
        return Vec::new();
    }
    let mut things = Vec::new();
    if let Ok(code) = text.parse::<SupportCode>() {
        things.extend(of_code(reader, &code).await);
    }
    if is_record(text) {
        things.extend(of_record(reader, text).await);
    }
    let people = all(people).await;
    let mut names = Vec::new();
    for (kind, word) in KINDS {
        let found = reader.names(kind, Some(text), MOST_OF_A_KIND).await.names;
        names.extend(found.into_iter().map(|named| (kind, word, named)));
    }
    names.sort_by_key(|(_, _, named)| (named.name != text, std::cmp::Reverse(named.heard)));
    names.truncate(MOST);
    let exact = names.partition_point(|(_, _, named)| named.name == text);
    let others = names.split_off(exact);
    let meant = people.iter().filter(|person| person.is_meant(text));
    of_names(reader, &mut things, names).await;
    for person in meant.take(MOST) {
        if !things.iter().any(|thing: &Thing| thing.id == person.user) {
            things.push(of_person(reader, person).await);
        }
    }
    of_names(reader, &mut things, others).await;
    for thing in &mut things {
        let is_user = matches!(thing.kind, "user" | "sender");
        let person = people
            .iter()
            .find(|person| is_user && person.user == thing.id);
        if let Some(person) = person {
            thing.label = format!("{}; {}", person.label(), thing.label);
        }
    }
    things.extend(of_words(reader, text).await);
    things
}

/// Everybody, read on a thread that may wait for a disk.
async fn all(people: Option<Arc<People>>) -> Arc<Vec<Person>> {
    let Some(people) = people else {
        return Arc::default();
    };
    let read = tokio::task::spawn_blocking(move || people.all());
    read.await.unwrap_or_default()
}

async fn of_names(
    reader: &Reader,
    things: &mut Vec<Thing>,
    names: Vec<(Kind, &'static str, Named)>,
) {
    for (kind, word, named) in names {
        if !things.iter().any(|thing| thing.id == named.name) {
            things.push(of_name(reader, kind, word, named).await);
        }
    }
}

/// Somebody of whom there need not be any record.
async fn of_person(reader: &Reader, person: &Person) -> Thing {
    let question = Question {
        query: is(Key::User, person.user.clone()),
        ..Question::of_everything()
    };
    let installs = reader.names_in(&question, Kind::Install, MOST_BESIDE).await;
    let heard = installs.names.iter().map(|named| named.heard).max();
    Thing {
        kind: "person",
        id: person.user.clone(),
        label: person.label(),
        last_heard: heard.and_then(written),
        users: vec![person.user.clone()],
        installs: ids(installs.names),
    }
}

async fn of_name(reader: &Reader, kind: Kind, word: &'static str, named: Named) -> Thing {
    let key = match kind {
        Kind::Sender => Key::Sender,
        Kind::Install => Key::Install,
        Kind::Session => Key::Session,
        Kind::Group => Key::Group,
        _ => Key::User,
    };
    let question = Question {
        query: is(key, named.name.clone()),
        ..Question::of_everything()
    };
    let users = reader.names_in(&question, Kind::User, MOST_BESIDE).await;
    let installs = reader.names_in(&question, Kind::Install, MOST_BESIDE).await;
    Thing {
        kind: word,
        label: records(named.records),
        last_heard: written(named.heard),
        users: ids(users.names),
        installs: ids(installs.names),
        id: named.name,
    }
}

async fn of_code(reader: &Reader, code: &SupportCode) -> Option<Thing> {
    let last = last(reader, is(Key::Code, code.to_string())).await?;
    let install = last.name(Kind::Install)?.to_owned();
    let question = Question {
        query: is(Key::Install, install.clone()),
        ..Question::of_everything()
    };
    let users = reader.names_in(&question, Kind::User, MOST_BESIDE).await;
    Some(Thing {
        kind: "install",
        label: format!("support code {code}"),
        last_heard: written(last.received),
        users: ids(users.names),
        installs: vec![install.clone()],
        id: install,
    })
}

async fn of_record(reader: &Reader, uid: &str) -> Option<Thing> {
    let uid = uid.to_ascii_lowercase();
    let record = last(reader, is(Key::Record, uid.clone())).await?;
    let one = |kind| record.name(kind).map(str::to_owned).into_iter().collect();
    Some(Thing {
        kind: "record",
        label: record.message.chars().take(MOST_CHARACTERS).collect(),
        last_heard: written(record.received),
        users: one(Kind::User),
        installs: one(Kind::Install),
        id: uid,
    })
}

/// The words of the text, behind each other, in messages and errors.
async fn of_words(reader: &Reader, text: &str) -> Option<Thing> {
    let query = format!("\"{}\"", text.replace(['"', '\\'], " "));
    let question = Question {
        query: search::parse(&query).ok()?,
        ..Question::of_everything()
    };
    let count = reader.count(&question).await;
    (count.records > 0).then(|| Thing {
        kind: "text",
        label: records(count.records),
        last_heard: count
            .last
            .and_then(|last| written(i64::try_from(last / 1_000_000).ok()?)),
        users: Vec::new(),
        installs: Vec::new(),
        id: query,
    })
}

async fn last(reader: &Reader, query: Expr) -> Option<crate::index::Found> {
    let question = Question {
        query,
        order: Order::Newest,
        limit: 1,
        ..Question::of_everything()
    };
    reader.look(&question).await.records.into_iter().next()
}

fn is(key: Key, name: String) -> Expr {
    Expr::Is(Term::Key(key, Match::Is(name)))
}

fn is_record(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn ids(names: Vec<Named>) -> Vec<String> {
    names.into_iter().map(|named| named.name).collect()
}

fn records(records: u64) -> String {
    match records {
        1 => "1 record".to_owned(),
        records => format!("{records} records"),
    }
}

fn written(unix_millis: i64) -> Option<String> {
    let at = Timestamp::from_millisecond(unix_millis).ok()?;
    Some(at.to_string())
}

/// The kinds of names that are looked through, and what they are called.
const KINDS: [(Kind, &str); 5] = [
    (Kind::User, "user"),
    (Kind::Sender, "sender"),
    (Kind::Install, "install"),
    (Kind::Session, "session"),
    (Kind::Group, "group"),
];

/// Names of a kind that are looked at.
const MOST_OF_A_KIND: usize = 20;

/// Names that are told.
const MOST: usize = 20;

/// Users and installations of each.
const MOST_BESIDE: usize = 5;

/// Characters of a message.
const MOST_CHARACTERS: usize = 120;
