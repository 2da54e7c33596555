//! Who users are, from a CSV file that the operator keeps: for `find`, and nowhere else.
//!
//! The file's first line names its columns: `user`, and beside it `name`, `phone` and `site`, in any order; others are not
//! read. It is read again when it changes. While it can't be read, what it said before stays in use, and the log says which
//! line is wrong. No line of it is exported, indexed or logged.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use csv::{ReaderBuilder, StringRecord};

/// One person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    /// As the records name them.
    pub user: String,
    /// What they are called.
    pub name: String,
    /// Their telephone number, as it is written.
    pub phone: String,
    /// Where they are.
    pub site: String,
}

/// Why a file of people can't be used. It stays as it is; the message says which line to mend.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PeopleError {
    /// It can't be read.
    #[error("people file `{}` can't be read", .0.display())]
    Read(PathBuf, #[source] io::Error),
    /// It is longer than [`MAX_BYTES`].
    #[error("people file `{}` is longer than {MAX_BYTES} bytes", .0.display())]
    TooLong(PathBuf),
    /// A line is not what it should be.
    #[error("people file `{}`, line {line}: {what}", .file.display())]
    Line {
        /// Which file.
        file: PathBuf,
        /// Counted from 1.
        line: u64,
        /// What is wrong there. Says nothing of what stands in it.
        what: String,
    },
}

/// The people of a file, read again when that changes.
#[derive(Debug)]
pub struct People {
    file: PathBuf,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// Of the file as it was read last.
    stamp: Option<(SystemTime, u64)>,
    people: Arc<Vec<Person>>,
}

impl People {
    /// Of this file. Nothing is read before it is asked for.
    #[must_use]
    pub fn of(file: &Path) -> Self {
        Self {
            file: file.to_owned(),
            known: Mutex::default(),
        }
    }

    /// All of them, as the file has them now. It may read the file: not for a thread that answers others.
    pub fn all(&self) -> Arc<Vec<Person>> {
        let stamp = fs::metadata(&self.file).and_then(|now| Ok((now.modified()?, now.len())));
        let stamp = stamp.ok();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if stamp.is_none() || known.stamp != stamp {
            match read(&self.file) {
                Ok(people) => known.people = Arc::new(people),
                Err(error) => {
                    let error = crate::text::chain(&error);
                    tracing::error!(error, "people are as they were read before");
                }
            }
            known.stamp = stamp;
        }
        Arc::clone(&known.people)
    }
}

/// The people of a file.
///
/// # Errors
///
/// When it can't be read, or a line is not what it should be.
pub fn read(file: &Path) -> Result<Vec<Person>, PeopleError> {
    let failed = |error| PeopleError::Read(file.to_owned(), error);
    let mut text = Vec::new();
    let opened = File::open(file).map_err(failed)?;
    opened
        .take(MAX_BYTES + 1)
        .read_to_end(&mut text)
        .map_err(failed)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(PeopleError::TooLong(file.to_owned()));
    }
    people(&text).map_err(|(line, what)| PeopleError::Line {
        file: file.to_owned(),
        line,
        what,
    })
}

fn people(text: &[u8]) -> Result<Vec<Person>, (u64, String)> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut reader = ReaderBuilder::new()
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text);
    let wrong = |error: &csv::Error| {
        let line = error.position().map_or(1, csv::Position::line);
        (line, "it is no UTF-8".to_owned())
    };
    let headers = reader.headers().map_err(|error| wrong(&error))?.clone();
    let column = |name: &str| {
        let mut names = headers.iter();
        names.position(|header| header.eq_ignore_ascii_case(name))
    };
    let columns = ["user", "name", "phone", "site"].map(column);
    let [Some(_), others @ ..] = columns else {
        return Err((1, NO_USER.to_owned()));
    };
    if others.iter().all(Option::is_none) {
        return Err((1, NO_OTHER.to_owned()));
    }
    let mut people = Vec::new();
    for record in reader.records() {
        let record: StringRecord = record.map_err(|error| wrong(&error))?;
        let line = record.position().map_or(0, csv::Position::line);
        if record.len() != headers.len() {
            let (has, needs) = (record.len(), headers.len());
            let what = format!("it has {has} columns where the first line has {needs}");
            return Err((line, what));
        }
        let of = |column: Option<usize>| {
            let value = column.and_then(|column| record.get(column));
            value.unwrap_or_default().to_owned()
        };
        let [user, name, phone, site] = columns.map(of);
        if user.is_empty() {
            return Err((line, "its user is empty".to_owned()));
        }
        people.push(Person {
            user,
            name,
            phone,
            site,
        });
    }
    Ok(people)
}

impl Person {
    /// Whether a text means them: their user, a part of their name or place, whatever the case, or of their number, however
    /// it is written.
    #[must_use]
    pub fn is_meant(&self, text: &str) -> bool {
        let text = text.trim().to_lowercase();
        if text.is_empty() {
            return false;
        }
        let holds = |field: &str| field.to_lowercase().contains(&text);
        self.user.to_lowercase() == text
            || holds(&self.name)
            || holds(&self.site)
            || self.has_number(&text)
    }

    fn has_number(&self, text: &str) -> bool {
        let is_number = text
            .chars()
            .all(|c| c.is_ascii_digit() || " +-()/.".contains(c));
        let digits = |text: &str| -> String { text.chars().filter(char::is_ascii_digit).collect() };
        let asked = digits(text);
        // Somebody at home leaves out the country, and says a 0 in its place.
        let phone = digits(&self.phone);
        let mut said = [asked.as_str(), asked.trim_start_matches('0')].into_iter();
        is_number && said.any(|said| said.len() >= LEAST_DIGITS && phone.contains(said))
    }

    /// Name, number and place, as far as they are known.
    #[must_use]
    pub fn label(&self) -> String {
        let parts = [&self.name, &self.phone, &self.site].into_iter();
        let parts: Vec<&str> = parts
            .map(String::as_str)
            .filter(|part| !part.is_empty())
            .collect();
        parts.join(", ")
    }
}

const NO_USER: &str = "it names the columns and has no `user`: \
    write `user,name,phone,site` there, with commas between them";

const NO_OTHER: &str = "it has `user` alone: one of `name`, `phone` and `site` is needed beside it";

/// A longer file is not read: a hundred thousand people have less.
pub const MAX_BYTES: u64 = 16 << 20;

/// Fewer digits are in too many numbers.
const LEAST_DIGITS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_whatever_the_order_of_its_columns() {
        let text = "\u{feff}Site,USER,mail,name,phone\n\
            \"Pune, East\",ada,a@x.example,Ada Lovelace,+91 20 5555-0101\n,bea,,\"B \"\"Bea\"\"\",\n";
        let people = people(text.as_bytes()).expect("it is one");
        assert_eq!(people[0].user, "ada");
        assert_eq!(
            people[0].label(),
            "Ada Lovelace, +91 20 5555-0101, Pune, East"
        );
        assert_eq!(people[1].label(), "B \"Bea\"");
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line_and_without_what_stands_there() {
        for (text, line, what) in [
            ("", 1, "no `user`"),
            ("user;name\nada;Ada", 1, "commas"),
            ("user\nada", 1, "`user` alone"),
            (
                "user,name\nada,Ada\nbea\n",
                3,
                "1 columns where the first line has 2",
            ),
            ("user,name\nada,\"A\nb\"\n,Carl\n", 4, "user is empty"),
        ] {
            let (at, said) = people(text.as_bytes()).expect_err(text);
            assert_eq!(at, line, "{text}");
            assert!(said.contains(what), "{said}");
            assert!(!said.contains("Carl") && !said.contains("bea"), "{said}");
        }
        let (at, said) = people(b"user,name\nada,\xff\xfe\n").expect_err("no UTF-8");
        assert_eq!((at, &*said), (2, "it is no UTF-8"));
    }

    #[test]
    fn somebody_is_found_by_name_place_and_number() {
        let ada = Person {
            user: "u-17".to_owned(),
            name: "Ada L\u{f6}v".to_owned(),
            phone: "+91 (20) 5555-0101".to_owned(),
            site: "Pune".to_owned(),
        };
        for text in [
            "ada", "L\u{d6}V", " pune ", "020 5555", "55550101", "0101", "U-17",
        ] {
            assert!(ada.is_meant(text), "{text}");
        }
        for text in ["", " ", "u-1", "101", "0000", "ada 0101", "+", "Pune1"] {
            assert!(!ada.is_meant(text), "{text}");
        }
    }

    #[test]
    fn a_file_that_changes_is_read_again_and_one_that_breaks_costs_nobody() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("people.csv");
        let people = People::of(&file);
        assert!(people.all().is_empty(), "it is not there yet");
        fs::write(&file, "user,name\nada,Ada\n").expect("it is written");
        assert_eq!(people.all().len(), 1);
        fs::write(&file, "user,name\nada,Ada\nbea,Bea\n").expect("it is written");
        assert_eq!(people.all().len(), 2);
        fs::write(&file, "user,name\nada\n").expect("it is written");
        assert_eq!(people.all().len(), 2, "as it was before");
    }
}
