//! A quoted secret behind a keyword and no sign: `IDENTIFIED BY 'x'` of SQL, encoded in a query too, and PowerShell's
//! `ConvertTo-SecureString 'x'`.

use crate::marker::Markers;
use crate::named::extent::{self, Around};
use crate::named::prose;
use crate::named::statement::{gap_end, is_statement};
use crate::rule::scanner::{Samples, Scanner};
use crate::rule_names::{Place, Rule};
use crate::text::quote;
use crate::text::span::Seen;
use crate::text::{Text, begins_word, is_word};

/// `start..end` is `identified` or `convertto-securestring`.
fn scan(text: Text<'_>, markers: &Markers, start: usize, end: usize) -> Seen {
    if !begins_word(text, start) && text.back(start, 1) != b'+' || is_word(text.at(end)) {
        return Seen::Nothing;
    }
    let is_cmdlet = text.at(start + b"convertto".len()) == b'-';
    let at = if is_cmdlet {
        behind_flags(text, end)
    } else {
        behind_identified(text, end)
    };
    let Some(at) = at else {
        return Seen::Nothing;
    };
    let prefix = text.run_most(at, 1, |byte| matches!(byte, b'N' | b'E'));
    let quoted = quote::open(text, at).or_else(|| quote::open(text, prefix));
    let (from, to) = match quoted {
        Some((quote, inner)) => (inner, quote.close(text, inner).0),
        None => {
            let word = text.run_most(at, MAX_WORD_BYTES, |byte| byte > b' ');
            (at, extent::bare_end_within(text, at, word, Around::Text))
        }
    };
    let value = text.slice(from, to);
    let is_secret = match quoted {
        Some(_) => is_cmdlet || is_statement(text, start, end) || prose::is_mixed(value),
        None => prose::is_mixed(value) && is_statement(text, start, end),
    };
    if to > from && is_secret && markers.end(text, from).is_none() && !prose::is_placeholder(value)
    {
        Seen::found(Rule::Key, from, to)
    } else {
        Seen::Nothing
    }
}

/// Longest secret without quotes.
const MAX_WORD_BYTES: usize = 128;

/// Behind `WITH plugin BY`, `BY PASSWORD`, `VIA plugin USING`, with spaces or what a URL writes for them.
fn behind_identified(text: Text<'_>, end: usize) -> Option<usize> {
    let mut at = gap_end(text, end)?;
    let word = |at, word: &[u8]| {
        text.has_any_case(at, word)
            .then(|| gap_end(text, at + word.len()))
            .flatten()
    };
    if let Some(plugin) = word(at, b"with").or_else(|| word(at, b"via")) {
        let plugin_end = text.run_most(plugin, 64, |byte| is_word(byte) || byte == b'`');
        // ClickHouse: `IDENTIFIED WITH no_password`.
        at = gap_end(text, plugin_end).filter(|_| plugin_end > plugin)?;
    }
    at = [&b"by"[..], b"as", b"using"]
        .into_iter()
        .find_map(|sign| word(at, sign))?;
    let inner = word(at, b"password").or_else(|| word(at, b"values"));
    let at = inner.unwrap_or(at);
    Some(if text.has_any_case(at, b"password(") {
        at + b"password(".len()
    } else {
        at
    })
}

/// Behind `-String`, `-AsPlainText`, `-Force` in any order.
fn behind_flags(text: Text<'_>, end: usize) -> Option<usize> {
    let mut at = gap_end(text, end)?;
    for _ in 0..3 {
        if text.at(at) == b'-' {
            let flag = text.run_most(at + 1, 16, |byte| byte.is_ascii_alphabetic());
            at = gap_end(text, flag)?;
        }
    }
    (text.at(at) != b'-').then_some(at)
}

pub(crate) static SCANNER: Scanner = Scanner {
    rule: Rule::Key,
    literals: &["identified", "convertto-securestring"],
    is_exact: false,
    find: |cx, hit| scan(cx.text, cx.markers, hit.start, hit.end),
    samples: Some(&SAMPLES),
};

const SAMPLES: Samples = Samples {
    place: Place::Message,
    taken: &[
        (
            "create user ann identified by 's3 same' host local",
            "create user ann identified by '[REDACTED]' host local",
        ),
        (
            "IDENTIFIED WITH sha256_password BY 'it''s 7', x",
            "IDENTIFIED WITH sha256_password BY '[REDACTED]', x",
        ),
        (
            "IDENTIFIED BY PASSWORD '*0f1e'",
            "IDENTIFIED BY PASSWORD '[REDACTED]'",
        ),
        (
            "IDENTIFIED VIA ed25519 USING PASSWORD('s3same')",
            "IDENTIFIED VIA ed25519 USING PASSWORD('[REDACTED]')",
        ),
        (
            "q=ALTER%20USER%20ann%20IDENTIFIED%20BY%20%27s3%20same%27&n=1",
            "q=ALTER%20USER%20ann%20IDENTIFIED%20BY%20%27[REDACTED]%27&n=1",
        ),
        (
            "q=IDENTIFIED+WITH+plain+BY+%27s3+same%27&n=1",
            "q=IDENTIFIED+WITH+plain+BY+%27[REDACTED]%27&n=1",
        ),
        (
            "alter user ann identified by tiger7 account unlock",
            "alter user ann identified by [REDACTED] account unlock",
        ),
        (
            "(ConvertTo-SecureString 's3 same' -AsPlainText -Force)",
            "(ConvertTo-SecureString '[REDACTED]' -AsPlainText -Force)",
        ),
        (
            r#"$p = ConvertTo-SecureString -AsPlainText -String "s3 same""#,
            r#"$p = ConvertTo-SecureString -AsPlainText -String "[REDACTED]""#,
        ),
    ],
    kept: &[
        "the culprit was identified by ann",
        "the fault was identified with strace",
        "rows are identified by 'id'?",
        "IDENTIFIED WITH no_password",
        "IDENTIFIED BY ?",
        "create user ann identified by $1",
        "ConvertTo-SecureString $plain -AsPlainText",
        "ConvertTo-SecureString failed",
    ],
};
