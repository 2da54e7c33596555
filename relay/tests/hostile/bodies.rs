//! Bodies that are made to cost: each grows with `bytes`, and is a batch that the relay takes.

/// A kind of body, and how one of about so many bytes is made.
pub type Kind = (&'static str, fn(usize) -> String);

/// Kinds whose cost is the relay's own: reading, redacting by names, mapping.
pub const RELAY: [Kind; 24] = [
    ("keys that begin with v", |n| {
        attributes(n, |i| format!("\"v{i:x}\":{i}"))
    }),
    ("keys that begin with v, texts", |n| {
        attributes(n, |i| format!("\"v{i:x}\":\"x{i}\""))
    }),
    ("keys named value beside names", |n| {
        let spelled = |word: &str, i: usize| -> String {
            let case = |(at, letter): (usize, char)| {
                if i >> at & 1 == 1 {
                    letter.to_ascii_uppercase()
                } else {
                    letter
                }
            };
            word.chars().enumerate().map(case).collect()
        };
        attributes(n, |i| {
            let (value, name) = (spelled("values", i % 64), spelled("header", i % 64));
            format!("\"m{i}\":{{\"{value}\":\"x\",\"{name}\":\"token\"}}")
        })
    }),
    ("many keys", |n| attributes(n, |i| format!("\"{i:x}\":0"))),
    ("many keys, texts", |n| {
        attributes(n, |i| format!("\"k{i:x}\":\"text {i}\""))
    }),
    ("one key many times", |n| {
        attributes(n, |i| format!("\"k\":{i}"))
    }),
    ("fields that nobody knows", |n| {
        batch(&filled(n, |i| {
            record(&format!(
                ",\"attributes\":{{\"f{i}\":1}},\"f{i}\":1,\"g{i}\":2"
            ))
        }))
    }),
    ("many unknown fields of one record", |n| {
        batch(&record(&format!(
            ",{}",
            filled(n, |i| format!("\"u{i:x}\":{i}"))
        )))
    }),
    ("a location with many members", |n| {
        batch(&record(&format!(
            ",\"location\":{{{}}}",
            filled(n, |i| format!("\"v{i:x}\":{i}"))
        )))
    }),
    ("names that are the relay's own", |n| {
        attributes(n, |i| {
            if i.is_multiple_of(2) {
                format!("\"logfire.{i:x}\":1")
            } else {
                format!("\"client.logfire.{:x}\":1", i - 1)
            }
        })
    }),
    ("secret names", |n| {
        attributes(n, |i| format!("\"password{i}\":{{\"token\":[1,2]}}"))
    }),
    ("brackets", |n| {
        let half = n / 2;
        attributes(0, |_| {
            format!("\"a\":{}{}", "[".repeat(half), "]".repeat(half))
        })
    }),
    ("maps in maps", |n| {
        let (open, close) = ("{\"secret\":".repeat(15), "}".repeat(15));
        attributes(n, |i| {
            format!("\"m{i}\":{open}{{\"token\":[1,2,3]}}{close}")
        })
    }),
    ("pairs of headers", |n| {
        let pairs = filled(n, |i| format!("[\"Cookie\",\"a={i}\"]"));
        attributes(0, |_| format!("\"headers\":[{pairs}]"))
    }),
    ("arguments behind flags", |n| {
        let words = filled(n, |i| format!("\"--token\",\"x{i}\""));
        attributes(0, |_| format!("\"argv\":[{words}]"))
    }),
    ("names and values", |n| {
        let pairs = filled(n, |i| {
            format!("{{\"name\":\"X-Api-Key\",\"value\":\"x{i}\"}}")
        });
        attributes(0, |_| format!("\"headers\":[{pairs}]"))
    }),
    ("many records", |n| batch(&filled(n, |_| record("")))),
    ("a logger for each record", |n| {
        batch(&filled(n, |i| record(&format!(",\"logger\":\"app::{i}\""))))
    }),
    ("breadcrumbs", |n| {
        let crumbs = filled(n, |i| {
            format!("{{\"level\":\"info\",\"message\":\"step {i}\",\"value\":{i}}}")
        });
        batch(&record(&format!(",\"breadcrumbs\":[{crumbs}]")))
    }),
    ("a resource with many members", |n| {
        let members = filled(n, |i| format!("\"v{i:x}\":{i}"));
        format!("{{\"resource\":{{{members}}},\"logs\":[{}]}}", record(""))
    }),
    ("integers", |n| {
        let numbers = filled(n, |i| format!("{}", 4_111_111_111_111_u64 + i as u64));
        attributes(0, |_| format!("\"numbers\":[{numbers}]"))
    }),
    ("one number", |n| {
        attributes(0, |_| format!("\"number\":0.{}", "7".repeat(n)))
    }),
    ("numbers that no type holds", |n| {
        let numbers = filled(n, |i| format!("1e{}", 999 + i % 9));
        attributes(0, |_| format!("\"numbers\":[{numbers}]"))
    }),
    ("escapes", |n| {
        let escapes = "\\u0041\\ud83d\\ude00\\n\\\\".repeat(n / 22);
        attributes(0, |_| format!("\"text\":\"{escapes}\""))
    }),
];

/// Stacks of many kinds: what a fingerprint has to read.
pub const STACKS: [Kind; 6] = [
    ("frames of rust", |n| {
        stack(n, |i| {
            format!(
                "   {i}: app::sync::upload::h0123456789abcdef\\n             at src/sync.rs:41:9"
            )
        })
    }),
    ("frames that are foreign", |n| {
        stack(n, |i| {
            format!("   {i}: core::ops::function::FnOnce::call_once")
        })
    }),
    ("tracebacks of python", |n| {
        stack(n, |_| {
            "Traceback (most recent call last):\\n  File \\\"/srv/app/a.py\\\", line 3, in f"
                .to_owned()
        })
    }),
    ("one frame with references", |n| {
        let of = "&'a mut ".repeat(n / 8);
        stack(0, |_| {
            format!("   0: <{of}app::Store as core::fmt::Debug>::fmt")
        })
    }),
    ("one frame with brackets", |n| {
        let (open, close) = ("Vec<".repeat(n / 8), ">".repeat(n / 8));
        stack(0, |_| format!("   0: <{open}u8{close} as app::Send>::send"))
    }),
    ("frames of dart", |n| {
        stack(n, |i| {
            format!("#{i}      new <anonymous closure>.<fn> (package:flutter/a.dart:42:7)")
        })
    }),
];

/// Texts whose cost is the sanitizer's.
pub const TEXTS: [Kind; 8] = [
    ("SG.SG.SG.", |n| message(&"SG.".repeat(n / 3))),
    ("sk-sk-sk-", |n| message(&"sk-".repeat(n / 3))),
    ("%27-pw=", |n| message(&"%27-pw=".repeat(n / 7))),
    // The sanitizer reads so much of one text only; a body may have many.
    ("SG. in many texts", |n| texts(n, "SG.sk-")),
    ("%27-pw= in many texts", |n| texts(n, "%27-pw=")),
    ("password=", |n| message(&"password= ".repeat(n / 10))),
    ("near misses", |n| {
        message(&"pass word: a@b a@b. 4111-1111- ".repeat(n / 31))
    }),
    ("words", |n| {
        message(&"uploaded part of the survey to the depot ".repeat(n / 41))
    }),
];

/// As many pieces as fit, with commas between them.
fn filled(bytes: usize, piece: impl Fn(usize) -> String) -> String {
    let mut text = piece(0);
    for i in 1.. {
        let piece = piece(i);
        if text.len() + piece.len() > bytes {
            break;
        }
        text.push(',');
        text.push_str(&piece);
    }
    text
}

fn attributes(bytes: usize, piece: impl Fn(usize) -> String) -> String {
    batch(&record(&format!(
        ",\"attributes\":{{{}}}",
        filled(bytes, piece)
    )))
}

fn stack(bytes: usize, line: impl Fn(usize) -> String) -> String {
    let lines = filled(bytes, line)
        .replace(",   ", "\\n   ")
        .replace(",#", "\\n#")
        .replace(",Tr", "\\nTr");
    batch(&record(&format!(
        ",\"error\":\"io::NotFound: x\",\"stackTrace\":\"{lines}\""
    )))
}

fn message(text: &str) -> String {
    format!(
        "[{{\"timestamp\":\"2026-02-06T12:00:00Z\",\"level\":\"error\",\"message\":\"{text}\"}}]"
    )
}

/// Attributes of 8 KiB each.
fn texts(bytes: usize, piece: &str) -> String {
    let text = piece.repeat(8192.min(bytes) / piece.len());
    attributes(bytes, |n| format!("\"a{n}\":\"{text}\""))
}

fn record(more: &str) -> String {
    format!(
        "{{\"timestamp\":\"2026-02-06T12:00:00Z\",\"level\":\"error\",\"message\":\"m\"{more}}}"
    )
}

fn batch(records: &str) -> String {
    format!("{{\"logs\":[{records}]}}")
}
