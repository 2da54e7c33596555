//! Secrets in the AT commands of modems and radio modules, which tell them by their place: `AT+CWJAP="net","x"`.

use crate::rule::scanner::{Samples, Scanner};
use crate::rule_names::{Place, Rule};
use crate::text::Text;
use crate::text::quote;
use crate::text::span::Seen;

/// How long a command may be.
const MAX_COMMAND_BYTES: usize = 256;

/// `start..end` is one of [`COMMANDS`].
fn scan(text: Text<'_>, start: usize, end: usize) -> Seen {
    let skipped = if text.has_any_case(start, b"at+mqttusercfg") {
        2
    } else {
        1
    };
    let mut at = text.run_most(end, 16, |byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if text.at(at) != b'=' {
        return Seen::Nothing;
    }
    for argument in 0..=skipped {
        at = text.run_most(at, MAX_COMMAND_BYTES, |byte| {
            !matches!(byte, b'"' | b'\\' | b'\n' | b' ')
        });
        let is_quote = matches!(text.at(at), b'"' | b'\\');
        let Some((quote, inner)) = quote::open(text, at).filter(|_| is_quote) else {
            return Seen::Nothing;
        };
        let (close, is_closed) = quote.close(text, inner);
        if argument == skipped {
            return if close > inner && text.at(inner) != b'[' {
                Seen::found(Rule::Key, inner, close)
            } else {
                Seen::Nothing
            };
        }
        if !is_closed {
            return Seen::Nothing;
        }
        at = close + quote.len();
    }
    Seen::Nothing
}

/// Joining a network, opening one, signing in at an access point, signing in at a broker.
const COMMANDS: &[&str] = &["at+cwjap", "at+cwsap", "at+cgauth", "at+mqttusercfg"];

pub(crate) static SCANNER: Scanner = Scanner {
    rule: Rule::Key,
    literals: COMMANDS,
    is_exact: false,
    find: |cx, hit| scan(cx.text, hit.start, hit.end),
    samples: Some(&SAMPLES),
};

const SAMPLES: Samples = Samples {
    place: Place::Message,
    taken: &[
        (
            r#"AT+CWJAP="net","s3same""#,
            r#"AT+CWJAP="net","[REDACTED]""#,
        ),
        (
            r#"> AT+CWJAP_CUR="net","s3same",1 OK"#,
            r#"> AT+CWJAP_CUR="net","[REDACTED]",1 OK"#,
        ),
        (
            r#"AT+CGAUTH=1,1,"apn","s3same""#,
            r#"AT+CGAUTH=1,1,"apn","[REDACTED]""#,
        ),
        (
            r#"{"tx":"AT+CWSAP=\"net\",\"s3same\",5,3"}"#,
            r#"{"tx":"AT+CWSAP=\"net\",\"[REDACTED]\",5,3"}"#,
        ),
        (
            r#"AT+MQTTUSERCFG=0,1,"id","ann","s3same",0,0,"""#,
            r#"AT+MQTTUSERCFG=0,1,"id","ann","[REDACTED]",0,0,"""#,
        ),
    ],
    kept: &[
        "AT+CWJAP?",
        r#"AT+CWJAP="net","""#,
        "AT+CGAUTH=1,0",
        r#"AT+CGDCONT=1,"IP","apn""#,
        "at+cwsap: ERROR",
    ],
};
