//! What a look-up is in the audit: whom it is about, and what was asked for, both read from its query string.
//!
//! The route table says which routes look at people's records; so none of their handlers can forget to say so.

use url::form_urlencoded;

use crate::search::{Expr, Key, Match, Term, parse};

/// Whom a look-up with this query string is about, as a query says it, and what else it asks for.
#[must_use]
pub fn look(query: &str) -> (String, String) {
    let mut subjects: Vec<String> = Vec::new();
    let mut asked: Vec<String> = Vec::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "user" | "sender" | "install" | "session" | "record" => {
                subjects.push(format!("{name}:{value}"));
            }
            "text" => subjects.push(value.into_owned()),
            "q" => {
                if let Ok(query) = parse(&value) {
                    people(&query, &mut subjects);
                }
                asked.push(format!("q={value}"));
            }
            // How it is shown.
            "format" | "colour" | "tz" => {}
            _ => asked.push(format!("{name}={value}")),
        }
    }
    subjects.retain(|subject| !subject.is_empty());
    (subjects.join(" "), asked.join(" "))
}

/// The people, devices, runs and records that a query names, but not those that it leaves out.
fn people(query: &Expr, found: &mut Vec<String>) {
    match query {
        Expr::All(all) | Expr::Any(all) => all.iter().for_each(|one| people(one, found)),
        Expr::Is(Term::Key(key, value)) => {
            let name = match key {
                Key::User => "user",
                Key::Sender => "sender",
                Key::Install => "install",
                Key::Code => "code",
                Key::Session => "session",
                Key::Record => "record",
                _ => return,
            };
            found.push(match value {
                Match::Is(value) => format!("{name}:{value}"),
                Match::Begins(value) => format!("{name}:{value}*"),
                Match::Compared(_, value) => format!("{name}:{value}…"),
            });
        }
        Expr::Is(_) | Expr::Not(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_up_says_whom_it_is_about_and_what_it_asks_for() {
        for (query, subject, asked) in [
            ("", "", ""),
            ("user=ada&tz=UTC&format=md", "user:ada", ""),
            ("install=i-1&around=1h", "install:i-1", "around=1h"),
            ("text=a%20b", "a b", ""),
            (
                "q=user:ada+level:error",
                "user:ada",
                "q=user:ada level:error",
            ),
            (
                "q=-user%3Abob+user%3Aa%2A",
                "user:a*",
                "q=-user:bob user:a*",
            ),
            ("q=user%3A%28", "", "q=user:("),
            ("q=%22user%3Aada%22", "", "q=\"user:ada\""),
            ("user=&q=", "user:", "q="),
        ] {
            let expected = (subject.to_owned(), asked.to_owned());
            assert_eq!(look(query), expected, "{query}");
        }
    }
}
