//! Secrets made at random: what is logged, and the core of it that may be seen nowhere.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

#[derive(Serialize, Deserialize)]
pub struct Secret {
    pub kind: String,
    /// As it is logged.
    pub text: String,
    /// What may be seen nowhere.
    pub core: String,
}

const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
const DIGITS: &str = "0123456789";
const HEX: &str = "0123456789abcdef";

/// Two of each of twenty kinds.
pub fn forty() -> Vec<Secret> {
    let mut secrets = Vec::new();
    for _ in 0..2 {
        let mixed = format!("{UPPER}{LOWER}{DIGITS}");
        let base64url = format!("{mixed}-_");
        let upper_digits = format!("{UPPER}{DIGITS}");
        let mut add = |kind: &str, text: String, core: &str| {
            secrets.push(Secret {
                kind: kind.to_owned(),
                text,
                core: core.to_owned(),
            });
        };
        let word = || random(&mixed, 20);

        let it = word();
        add("password", format!("password={it}"), &it);
        let it = word();
        add(
            "password in JSON",
            format!(r#"{{"user":7,"passwd":"{it}"}}"#),
            &it,
        );
        let it = word();
        add(
            "password in Debug",
            format!("Login {{ user: 7, password: \"{it}\" }}"),
            &it,
        );
        let it = word();
        add("cookie", format!("Cookie: sid={it}; theme=dark"), &it);
        let it = word();
        add("api key header", format!("X-Api-Key: {it}"), &it);
        let it = word();
        add("flag", format!("mysqldump --password {it} rooms"), &it);
        let it = random(LOWER, 12);
        add("e-mail", format!("{it}@example.org"), &it);
        let it = format!(
            "{}-{}-{}",
            100 + number(500),
            10 + number(89),
            1000 + number(8999)
        );
        add("ssn", it.clone(), &it);
        let it = format!("10.{}.{}.{}", number(256), number(256), number(256));
        add("ipv4", it.clone(), &it);
        let it = format!("2001:db8:{}::{}", random(HEX, 4), random(HEX, 4));
        add("ipv6", it.clone(), &it);
        let it = word();
        add(
            "url userinfo",
            format!("https://rooms:{it}@db.example/rooms"),
            &it,
        );
        let it = word();
        add(
            "url query",
            format!("GET /rooms?room=42&access_token={it}"),
            &it,
        );
        let it = word();
        add("bearer", format!("authorization: Bearer {it}"), &it);
        let it = random(&base64url, 43);
        add(
            "jwt",
            format!("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.{it}"),
            &it,
        );
        let it = random(&upper_digits, 16);
        add("aws key id", format!("AKIA{it}"), &it);
        let it = random(&mixed, 36);
        add("github token", format!("ghp_{it}"), &it);
        let it = random(&mixed, 24);
        add("stripe key", format!("sk_live_{it}"), &it);
        let it = random(&mixed, 64);
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{it}\n-----END PRIVATE KEY-----");
        add("pem", pem, &it);
        let it = card();
        add("card", it.clone(), &it);
        let it = random(LOWER, 10);
        add("home", format!("/home/{it}/rooms.db"), &it);
    }
    assert_eq!(secrets.len(), 40);
    secrets
}

fn number(below: u128) -> u128 {
    Uuid::new_v4().as_u128() % below
}

fn random(alphabet: &str, len: usize) -> String {
    let alphabet: Vec<char> = alphabet.chars().collect();
    (0..len)
        .map(|_| alphabet[number(alphabet.len() as u128) as usize])
        .collect()
}

/// A number that a card could have: sixteen digits from a 4 on, with their check digit.
fn card() -> String {
    let digits = format!("4{}", random(DIGITS, 14));
    let sum: u32 = digits
        .chars()
        .rev()
        .enumerate()
        .map(|(at, digit)| {
            let digit = digit.to_digit(10).unwrap();
            match at % 2 {
                0 if digit > 4 => digit * 2 - 9,
                0 => digit * 2,
                _ => digit,
            }
        })
        .sum();
    format!("{digits}{}", (10 - sum % 10) % 10)
}
