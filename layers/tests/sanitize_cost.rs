//! What honest texts cost: a part of what a text may take before it goes as a whole.

use std::fmt::Write as _;
#[cfg(unix)]
use std::time::Duration;

use tracing_courier::sanitize::{Place, Policy, Profile, Sanitizer};
use tracing_courier::{SanitizeExt as _, SanitizeLayer};
use tracing_subscriber::prelude::*;

const LEAK: &str = include_str!("../sanitize/tests/data/leak.txt");
const KEEP: &str = include_str!("../sanitize/tests/data/keep.txt");
/// The length that texts are cut at.
const CAP: usize = 64 * 1024;
/// How many times as much as it takes a text of any kind may take. The dearest are those that are nothing but names and
/// secrets; those that people log take a fifth.
const MARGIN: usize = 2;

/// Numbers that look random and are the same in each run.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn word(&mut self, alphabet: &[u8], len: usize) -> String {
        let letter = |_| char::from(alphabet[self.below(alphabet.len() as u64) as usize]);
        (0..len).map(letter).collect()
    }
}

const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE64URL: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const HEX: &[u8] = b"0123456789abcdef";

type Kind = (&'static str, fn(&mut Noise) -> String);

/// Texts as programs log them: each line or item of a kind.
const KINDS: &[Kind] = &[
    ("json", |n| {
        let (id, at) = (n.below(9999), n.below(1 << 40));
        format!(
            r#"{{"id":{id},"user":{{"name":"Ann Lee","email":"u{id}@example.com","token":"{}"}},"at":{at},"tags":["a","b"],"ok":true,"ratio":0.{id},"note":null}},"#,
            n.word(BASE64URL, 24)
        )
    }),
    ("pretty json", |n| {
        format!(
            "  {{\n    \"access_key\": \"{}\",\n    \"count\": {},\n    \"host\": \"10.0.{}.7\"\n  }},\n",
            n.word(BASE64URL, 20),
            n.below(1 << 20),
            n.below(255)
        )
    }),
    ("json in json", |n| {
        format!(
            r#"{{"msg":"{{\"auth\":\"Bearer {}\",\"n\":{}}}"}},"#,
            n.word(BASE64URL, 30),
            n.below(99)
        )
    }),
    ("rust trace", |n| {
        format!(
            "  {:>3}: app::auth::token::Store::key_for\n             at /home/ann/src/app/src/auth/token.rs:{}:9\n",
            n.below(200),
            n.below(900)
        )
    }),
    ("java trace", |n| {
        format!(
            "\tat com.example.auth.TokenService$Key.lookup(TokenService.java:{}) ~[app-1.{}.0.jar!/:1.2.3]\n",
            n.below(900),
            n.below(9)
        )
    }),
    ("python trace", |n| {
        format!(
            "  File \"/usr/lib/python3.11/site-packages/app/session.py\", line {}, in get_key\n    return self.cache[key]\n",
            n.below(900)
        )
    }),
    ("minified script", |n| {
        let (a, b) = (n.word(b"abcdefgh", 1), n.word(b"tnrei", 2));
        format!(
            "function {b}({a}){{var t={a}.key||\"{b}\";return t.token?e[t.token]=!0:r({a},{{password:n.pw,auth:t.auth}}),{}}}",
            n.below(99)
        )
    }),
    ("page", |n| {
        format!(
            "<li class=\"key\"><a href=\"https://example.com/p?id={}&amp;token={}\">it's &quot;new&quot;</a></li>\n",
            n.below(9999),
            n.word(BASE64URL, 12)
        )
    }),
    ("xml", |n| {
        format!(
            "<entry key=\"k{}\"><password>{}</password><n>{}</n></entry>",
            n.below(99),
            n.word(BASE64URL, 9),
            n.below(1 << 30)
        )
    }),
    ("base64", |n| n.word(BASE64, 76) + "\n"),
    ("one long base64", |n| n.word(BASE64, 64)),
    ("base64url", |n| n.word(BASE64URL, 64)),
    ("hex", |n| n.word(HEX, 64)),
    ("hex dump", |n| {
        let bytes: Vec<String> = (0..16).map(|_| n.word(HEX, 2)).collect();
        format!(
            "{:08x}  {}  |........|\n",
            n.below(1 << 30),
            bytes.join(" ")
        )
    }),
    ("fingerprints", |n| {
        let bytes: Vec<String> = (0..32).map(|_| n.word(HEX, 2)).collect();
        bytes.join(":") + "\n"
    }),
    ("insert", |n| {
        format!(
            "INSERT INTO users (id, name, password, email) VALUES ({}, 'O''Brien', '{}', 'u{}@example.com');\n",
            n.below(9999),
            n.word(BASE64URL, 12),
            n.below(99)
        )
    }),
    ("one long insert", |n| {
        format!(
            "({}, 'ann', '{}', NULL), ",
            n.below(9999),
            n.word(BASE64URL, 12)
        )
    }),
    ("cookies", |n| {
        format!("k{}={}; ", n.below(99), n.word(BASE64URL, 22))
    }),
    ("cookie lines", |n| {
        format!(
            "Set-Cookie: sid={}; Path=/; Expires=Wed, 21 Oct 2026 07:28:00 GMT; HttpOnly\r\n",
            n.word(BASE64URL, 32)
        )
    }),
    ("headers", |n| {
        format!(
            "authorization: Bearer {}\r\nx-api-key: {}\r\ncontent-length: {}\r\n",
            n.word(BASE64URL, 40),
            n.word(HEX, 32),
            n.below(9999)
        )
    }),
    ("yaml", |n| {
        format!(
            "- name: db-{}\n  valueFrom:\n    secretKeyRef: {{name: pg, key: password}}\n  token: {}\n",
            n.below(99),
            n.word(BASE64URL, 20)
        )
    }),
    ("env", |n| {
        format!(
            "APP_{}_KEY={}\nHOME=/home/ann\n",
            n.below(99),
            n.word(HEX, 20)
        )
    }),
    ("csv", |n| {
        format!(
            "{},ann.lee@example.com,10.1.{}.4,\"a, b\",{}\n",
            n.below(9999),
            n.below(255),
            n.below(1 << 40)
        )
    }),
    ("access log", |n| {
        format!(
            "203.0.113.{} - ann [06/Feb/2026:07:28:0{} +0000] \"GET /v1/x?key={}&page=2 HTTP/1.1\" 200 {} \"-\" \"Mozilla/5.0 (X11; Linux x86_64)\"\n",
            n.below(255),
            n.below(9),
            n.word(HEX, 16),
            n.below(9999)
        )
    }),
    ("coloured log", |n| {
        format!(
            "\u{1b}[2m2026-02-06T07:28:00.{:06}Z\u{1b}[0m \u{1b}[32m INFO\u{1b}[0m \u{1b}[2mapp::auth\u{1b}[0m\u{1b}[2m:\u{1b}[0m \u{1b}[3mtoken\u{1b}[0m\u{1b}[2m=\u{1b}[0m{}\n",
            n.below(999_999),
            n.word(BASE64URL, 20)
        )
    }),
    ("debug", |n| {
        format!(
            "Session {{ user: \"ann\", key: Key {{ id: {}, secret: \"{}\" }}, peers: [10.0.0.{}:443, [fe80::1]:80] }}, ",
            n.below(99),
            n.word(HEX, 16),
            n.below(255)
        )
    }),
    ("query", |n| {
        format!(
            "k{}=v%20{}&api_key={}&",
            n.below(99),
            n.below(99),
            n.word(HEX, 16)
        )
    }),
    ("addresses", |n| {
        format!(
            "10.{}.{}.{}, fe80::{:x}:{:x}, ",
            n.below(255),
            n.below(255),
            n.below(255),
            n.below(65535),
            n.below(65535)
        )
    }),
    ("mails", |n| {
        format!("Ann Lee <ann.lee{}@mail.example.com>; ", n.below(999))
    }),
    ("ids", |n| {
        format!(
            "{}-{}-{}-{}-{}\n",
            n.word(HEX, 8),
            n.word(HEX, 4),
            n.word(HEX, 4),
            n.word(HEX, 4),
            n.word(HEX, 12)
        )
    }),
    ("numbers", |n| {
        format!(
            "{} {}.{} -{} ",
            n.below(1 << 40),
            n.below(99),
            n.below(9999),
            n.below(99)
        )
    }),
    ("times", |n| {
        format!(
            "12:{:02}:{:02}.{:03} 2026-02-{:02}\n",
            n.below(60),
            n.below(60),
            n.below(999),
            n.below(28)
        )
    }),
    ("phones", |n| {
        format!(
            "+1 415 555 {:04}, (030) {}\n",
            n.below(9999),
            n.below(9_999_999)
        )
    }),
    ("cards", |n| {
        format!(
            "4111 1111 1111 {:04}; 123-45-{:04}\n",
            n.below(9999),
            n.below(9999)
        )
    }),
    ("paths", |n| {
        format!(
            "/usr/share/app/{}/keys/token.{}.pem C:\\Users\\Ann Lee\\x{}\n",
            n.word(HEX, 4),
            n.below(99),
            n.below(99)
        )
    }),
    ("urls", |n| {
        format!(
            "https://user:{}@host{}.example.com:8443/a/b?x=1#t\n",
            n.word(HEX, 8),
            n.below(99)
        )
    }),
    ("web tokens", |n| {
        format!(
            "eyJhbGciOiJIUzI1NiJ9.{}.{}\n",
            n.word(BASE64URL, 120),
            n.word(BASE64URL, 43)
        )
    }),
    ("vendor tokens", |n| {
        format!(
            "ghp_{} sk-{} xoxb-{}\n",
            n.word(b"abcXYZ0123456789", 36),
            n.word(BASE64URL, 40),
            n.word(BASE64URL, 30)
        )
    }),
    ("key", |n| {
        format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n{}\n-----END PRIVATE KEY-----\n",
            n.word(BASE64, 64),
            n.word(BASE64, 64)
        )
    }),
    ("shell", |n| {
        format!(
            "curl -s -u ann:{} https://x{}.example -H 'x-api-key: {}' | jq .token && echo ok\n",
            n.word(HEX, 8),
            n.below(9),
            n.word(HEX, 8)
        )
    }),
    ("difference", |n| {
        format!(
            "-    let key = old.key({});\n+    let token = new.token(key, {})?;\n",
            n.below(99),
            n.below(99)
        )
    }),
    ("prose", |n| {
        format!(
            "The password of the key store is kept by the {} keeper, and a token is asked for at each call. ",
            n.below(9)
        )
    }),
    ("words", |n| n.word(b"abcdefghijklmnopqrstuvwxyz", 4) + " "),
    ("letters", |n| {
        n.word(b"abcdefXYZ 0123456789.:-_@/", 1) + " "
    }),
    ("alphabets", |n| {
        format!(
            "Привет мир {} パスワード — naïve café № {}\n",
            n.below(9),
            n.below(99)
        )
    }),
    ("vectors", |n| format!("-0.{:06}, ", n.below(999_999))),
    ("matrix", |n| {
        format!("[{}, {}, {}], ", n.below(9), n.below(9), n.below(9))
    }),
    ("tokens", |n| {
        format!(
            "Token {{ kind: Ident, span: {}..{} }}, ",
            n.below(99),
            n.below(99)
        )
    }),
    ("pairs", |n| format!(" key=k{}", n.below(9))),
    ("secrets", |n| format!("password={},", n.below(99))),
    ("spans", |n| {
        format!(
            "handle{{user={} key=k{}}}:auth{{id={}}}: ",
            n.below(9),
            n.below(9),
            n.below(99)
        )
    }),
];

#[test]
fn honest_texts_take_a_part_of_what_they_may() {
    let strict = Policy::new()
        .profile(Profile::Strict)
        .deny("case_number")
        .deny("*.mrn");
    let sanitizers = [Sanitizer::default(), Sanitizer::new(&strict)];
    let mut worst = Vec::new();
    let mut look = |name: String, text: &str| {
        for (sanitizer, place) in sanitizers
            .iter()
            .flat_map(|sanitizer| [(sanitizer, Place::Message), (sanitizer, Place::Stack)])
        {
            let cost = sanitizer.cost(place, text);
            worst.push((
                cost.steps as f64 / cost.most as f64,
                cost.steps as f64 / text.len() as f64,
                name.clone(),
            ));
        }
    };
    let mut noise = Noise(7);
    for (name, item) in KINDS {
        let mut text = String::new();
        while text.len() < CAP {
            text.push_str(&item(&mut noise));
        }
        look((*name).to_owned(), &text);
    }
    let lines = || {
        let lines = LEAK.lines().chain(KEEP.lines());
        let lines = lines.filter(|line| !line.is_empty() && !line.starts_with("##"));
        lines.map(|line| {
            line.replace(['⟦', '⟧'], "")
                .replace('⏎', "\n")
                .replace('␛', "\u{1b}")
        })
    };
    for line in lines() {
        look(format!("line {line:?}"), &line);
    }
    let all: Vec<String> = lines().collect();
    let mut text = String::new();
    for (number, line) in all.iter().enumerate() {
        writeln!(text, "{line}").unwrap();
        if text.len() > CAP {
            look(format!("lines up to {number}"), &text);
            text.clear();
        }
    }
    worst.sort_by(|a, b| b.0.total_cmp(&a.0));
    for (share, a_byte, name) in worst.iter().take(20) {
        println!("{share:.3} of its steps, {a_byte:.1} a byte: {name}");
    }
    assert!(worst[0].0 * (MARGIN as f64) < 1.0, "{:?}", worst[0]);
}

/// The time that this thread has worked: on a busy machine less than what has passed.
#[cfg(unix)]
fn worked() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

/// The dearest that were found, and what once took half a minute. In a release build each takes some 10 ms; the limit is
/// for an unoptimized one on a busy machine.
#[cfg(unix)]
#[test]
fn a_program_that_logs_nothing_but_beginnings_goes_on() {
    const PIECES: &[&str] = &[
        "SG.",
        "$y$",
        "$5$-",
        "sk-",
        "%27-pw=",
        "'key'",
        "htpasswd: ",
        "\n  sig={",
        " key=k7",
        "<jwt:|\n ",
        "=[",
        "eyJ",
        "-----BEGIN PRIVATE KEY-----",
        "jdbc:oracle:thin:scott/s3same@//db/xe",
    ];
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::sink);
    let subscriber = tracing_subscriber::registry()
        .with(layer)
        .sanitized(SanitizeLayer::default());
    tracing::dispatcher::with_default(&subscriber.into(), || {
        for piece in PIECES {
            let text = piece.repeat(CAP / piece.len());
            let start = worked();
            tracing::info!(detail = text, "{text}");
            let took = worked().saturating_sub(start);
            println!("{piece:?}: {took:?}");
            assert!(took < Duration::from_secs(3), "{piece:?}: {took:?}");
        }
    });
}
