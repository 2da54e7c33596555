//! Secrets of many kinds, made up anew in each run, each in a line of text that a program might log.

use crate::chance;

/// A secret, the line that it stands in, and what of the line has to stay.
pub struct Planted {
    pub kind: &'static str,
    pub line: String,
    pub secret: String,
    pub stays: String,
}

/// One of each kind that the default policy promises to take. `jwt` is a real token.
pub fn secrets(jwt: &str) -> Vec<Planted> {
    let mut planted = Vec::new();
    let mut plant = |kind: &'static str, secret: String, around: &dyn Fn(&str) -> String| {
        let stays = format!("step {} of {kind}", planted.len());
        let line = format!("{stays}: {}", around(&secret));
        planted.push(Planted {
            kind,
            line,
            secret,
            stays,
        });
    };
    let word = chance::word;
    plant("key=value", word(), &|s| {
        format!("login with password={s} failed")
    });
    plant("key: value", word(), &|s| {
        format!("db_password: {s}, retries: 3")
    });
    plant("JSON", word(), &|s| {
        format!(r#"sent {{"client_secret":"{s}","retries":3}}"#)
    });
    plant("JSON in JSON", word(), &|s| {
        format!(r#"sent "{{\"api_key\":\"{s}\",\"size\":3}}""#)
    });
    plant("Debug", word(), &|s| {
        format!(r#"Login {{ user: "bob", passwd: Some("{s}") }}"#)
    });
    plant("form", word(), &|s| {
        format!("body user%3Dbob%26password%3D{s}")
    });
    plant("flag", word(), &|s| {
        format!("ran upload --api-key {s} --retries 3")
    });
    plant("environment", word(), &|s| {
        format!("export DB_PASSWORD={s}")
    });
    plant("bearer", word() + &word(), &|s| {
        format!("Authorization: Bearer {s}")
    });
    plant("basic", word() + &word(), &|s| {
        format!("authorization: Basic {s}==")
    });
    plant("header", word(), &|s| format!("x-api-key: {s}"));
    plant("cookie", word(), &|s| {
        format!("Cookie: session={s}; theme=dark")
    });
    plant("jwt", jwt.to_owned(), &|s| {
        format!("got {s} from the relay")
    });
    plant("userinfo", word(), &|s| {
        format!("GET https://bob:{s}@files.example/list")
    });
    plant("query", word(), &|s| {
        format!("GET https://files.example/list?token={s}&page=2")
    });
    plant("email", word() + "@example.org", &|s| {
        format!("invited {s} again")
    });
    plant("ssn", ssn(), &|s| format!("applicant {s} accepted"));
    plant("card", card(), &|s| format!("charged {s} twice"));
    plant("ipv4", ipv4(), &|s| format!("connected to {s} at last"));
    plant("ipv6", ipv6(), &|s| format!("connected to {s} at last"));
    plant("pem", word() + &word(), &|s| {
        format!("-----BEGIN PRIVATE KEY-----\n{s}\n-----END PRIVATE KEY-----")
    });
    plant("vendor", aws(), &|s| format!("signed by {s} just now"));
    plant("home", word(), &|s| format!("read /home/{s}/notes.txt"));
    planted
}

/// Attributes whose values go as a whole, by their names or by a marking: name and value, whose last word is searched.
pub fn keyed() -> Vec<(&'static str, String)> {
    let names = [
        "password",
        "dbPassword",
        "api_key",
        "X-Api-Key",
        "session_token",
        "ssn",
    ];
    let mut keyed: Vec<_> = names
        .into_iter()
        .map(|name| (name, chance::word()))
        .collect();
    keyed.push((
        "marking",
        format!("SECRET//NOFORN convoy {}", chance::word()),
    ));
    keyed
}

fn digits(count: u32) -> u64 {
    let least = 10_u64.pow(count - 1);
    chance::within(least..least * 10)
}

fn ssn() -> String {
    format!("{}-{}-{}", chance::within(100..600), digits(2), digits(4))
}

/// Sixteen digits of which the last one makes the sum right (Luhn).
fn card() -> String {
    let mut digits: Vec<u64> = format!("4{}", digits(14))
        .bytes()
        .map(|digit| u64::from(digit - b'0'))
        .collect();
    let sum: u64 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, &digit)| match digit * 2 {
            _ if place % 2 == 1 => digit,
            twice @ 10.. => twice - 9,
            twice => twice,
        })
        .sum();
    digits.push((10 - sum % 10) % 10);
    digits.iter().map(u64::to_string).collect()
}

fn ipv4() -> String {
    let part = || chance::within(20..250);
    format!("10.{}.{}.{}", part(), part(), part())
}

fn ipv6() -> String {
    let part = || chance::within(0x1000..0xffff);
    format!("2001:db8:{:x}:{:x}::{:x}", part(), part(), part())
}

fn aws() -> String {
    let letter = || char::from(b'A' + u8::try_from(chance::within(0..26)).expect("a letter"));
    let id: String = (0..16).map(|_| letter()).collect();
    format!("AKIA{id}")
}
