//! Why no record arrives, and what to do about it: one line for whoever develops the program.
//!
//! An answer's body is shown only where it is in the relay's own form, cut and without control characters.

use std::borrow::Cow;

use super::answer_form::Success;
use super::answer_form::{described, is_refusal, object};
use super::token::NoToken;
use super::transport::Answer;
use crate::wire::Refusal;

/// One reason. Two of the same kind are the same reason, whatever their words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reason {
    pub kind: Kind,
    /// What is wrong, and what to do.
    pub text: String,
}

/// A reason's name, and the answer's status where it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind(&'static str, u16);

/// What stands in the way of a connection: a part of the words of std, rustls, hyper or the system, by which it is
/// known, its name, and what to do. Words that none of them fits are shown as they are.
const NO_ANSWER: [(&str, &str, &str); 10] = [
    (
        "refused",
        "refused",
        "nothing listens there: start the relay, or check host and port",
    ),
    (
        "lookup address",
        "name",
        "this machine does not know that name: check its spelling, or the network",
    ),
    (
        "invalid dns name",
        "name",
        "no machine can have that name: check its spelling",
    ),
    (
        "No such host",
        "name",
        "this machine does not know that name: check its spelling, or the network",
    ),
    (
        "InvalidContentType",
        "no tls",
        "that port speaks no TLS: write `http://` (to another machine with `.allow_plain_http()`), or the relay's \
         https port",
    ),
    (
        "peer certificate",
        "certificate",
        "the relay's certificate is not trusted: name its root by `.root_certificates(..)`, and check that the host is \
         the one in the certificate",
    ),
    (
        "invalid HTTP version",
        "tls",
        "that port does not speak plain HTTP: write `https://`",
    ),
    (
        "timed out",
        "timeout",
        "the relay is away, or a firewall drops what is sent: check host, port and network",
    ),
    (
        "unreachable",
        "network",
        "there is no way to that network: check the network, or the address",
    ),
    (
        "proxy",
        "proxy",
        "check `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, or call `.without_proxy()`",
    ),
];

/// Paths that the library adds itself, or that belong to OpenTelemetry: somebody has pasted a URL with its path.
const PASTED: [&str; 2] = ["/api/v1/logs", "/v1/logs"];

impl Reason {
    fn new(name: &'static str, status: Option<u16>, text: String) -> Self {
        Self {
            kind: Kind(name, status.unwrap_or_default()),
            text,
        }
    }

    /// This answer took no record.
    pub fn of_answer(endpoint: &str, answer: &Answer, success: Success) -> Self {
        let what = described(answer, success);
        let Some(status) = answer.status else {
            let known = NO_ANSWER.iter().find(|(part, ..)| what.contains(part));
            let (name, todo) =
                known.map_or(("no answer", "it is tried again"), |row| (row.1, row.2));
            return Self::new(name, None, format!("{}: {todo}", short(&what)));
        };
        if let Some(root) = without_pasted_path(endpoint) {
            let text =
                format!("{what}: the URL has a path that is added here anyway, write `{root}`");
            return Self::new("pasted", None, text);
        }
        let is_relays = success == Success::Any || is_refusal(answer);
        let todo = match status {
            404 | 405 if is_relays => "is this the relay's own URL, without a path?",
            415 if is_relays => "the relay takes no JSON there: is this its own URL?",
            _ if is_relays => "it is tried again; the relay's log says more",
            _ => {
                "Log in to the network, check the proxy, or check that this is the relay's own URL"
            }
        };
        let words = words_of_relay(answer);
        // What is no verdict of the relay's is described by a question.
        let colon = if what.ends_with('?') { "" } else { ":" };
        let text = format!("{what}{words}{colon} {todo}");
        Self::new("answer", Some(status), text)
    }

    /// The relay refused the token, or the program gave none.
    pub fn of_token(why: &NoToken, has_token: bool) -> Self {
        match why {
            NoToken::StillRefused if has_token => Self::new(
                "refused token",
                Some(401),
                "the relay refused the token (401): it has expired, was cut, or is another relay's; set a new one by \
                 `courier.set_token(..)`"
                    .to_owned(),
            ),
            NoToken::StillRefused => Self::new(
                "no token",
                Some(401),
                "the relay wants a token (401), and none is set: set one by `.token(..)` or `courier.set_token(..)`"
                    .to_owned(),
            ),
            NoToken::Failed(_) | NoToken::Panicked => Self::new(
                "token provider",
                None,
                format!("{}: the token provider is asked again", short(&why.to_string())),
            ),
        }
    }

    /// The relay refused records for their content.
    pub fn of_rejected(records: usize, why: &str) -> Self {
        let text = format!(
            "the relay refused {records} for what is in them ({}): they lie in `rejected.jsonl`, beside the queue",
            short(why)
        );
        Self::new("rejected", None, text)
    }

    /// The network check says that there is no network.
    pub fn no_network() -> Self {
        let text = "the network check says that there is no network: they go once there is one";
        Self::new("offline", None, text.to_owned())
    }

    /// Something that the program gave the sender panicked.
    pub fn panic() -> Self {
        let text = "a panic in the transport or in what else the program gave the sender: it is tried again";
        Self::new("panic", None, text.to_owned())
    }
}

/// The endpoint without a path that is there by mistake.
fn without_pasted_path(endpoint: &str) -> Option<&str> {
    PASTED.iter().find_map(|path| endpoint.strip_suffix(path))
}

/// What the relay itself says, in brackets.
fn words_of_relay(answer: &Answer) -> String {
    match object::<Refusal>(&answer.body) {
        Some(Refusal { error }) => format!(" (`{}`)", short(&error)),
        None => String::new(),
    }
}

/// As much of somebody's words as a line has room for, in one line.
fn short(text: &str) -> Cow<'_, str> {
    let is_plain = |c: char| !c.is_control();
    if text.len() <= MAX_WORDS_CHARS && text.chars().all(is_plain) {
        return text.into();
    }
    let plain = text.chars().map(|c| if is_plain(c) { c } else { ' ' });
    plain.take(MAX_WORDS_CHARS).collect::<String>().into()
}

const MAX_WORDS_CHARS: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer {
            status: Some(status),
            body: body.as_bytes().to_vec(),
            ..Answer::default()
        }
    }

    fn text(endpoint: &str, answer: &Answer) -> String {
        Reason::of_answer(endpoint, answer, Success::Receipt).text
    }

    #[test]
    fn each_answer_says_what_is_wrong_and_what_to_do() {
        let relay = "https://relay.example";
        let refusal = r#"{"error":"the spool\nis full"}"#;
        for (answer, said) in [
            (
                answer(503, refusal),
                "the relay answered 503 (`the spool is full`): it is tried again; the relay's log says more",
            ),
            (
                answer(404, r#"{"error":"there is nothing at this path"}"#),
                "the relay answered 404 (`there is nothing at this path`): is this the relay's own URL, without a path?",
            ),
            (
                answer(302, "<html>"),
                "something between here and the relay answers (302): a captive portal, a proxy? Log in to the network, \
                 check the proxy, or check that this is the relay's own URL",
            ),
            (
                Answer::none("Connection refused (os error 111)"),
                "Connection refused (os error 111): nothing listens there: start the relay, or check host and port",
            ),
            (
                Answer::none("the modem\nsays no"),
                "the modem says no: it is tried again",
            ),
        ] {
            assert_eq!(text(relay, &answer), said);
        }
    }

    #[test]
    fn a_path_that_was_pasted_is_named_whoever_answers() {
        for path in PASTED {
            for body in ["<html>", r#"{"error":"there is nothing at this path"}"#] {
                let said = text(
                    &format!("https://relay.example/base{path}"),
                    &answer(404, body),
                );
                assert!(
                    said.ends_with("write `https://relay.example/base`"),
                    "{said}"
                );
            }
        }
    }

    #[test]
    fn kinds_differ_by_what_is_to_be_done_and_not_by_words() {
        let kind = |answer: &Answer| Reason::of_answer("https://r", answer, Success::Receipt).kind;
        let refused = |port: u16| Answer::none(format!("port {port}: Connection refused"));
        assert_eq!(kind(&refused(1)), kind(&refused(2)));
        assert_ne!(
            kind(&refused(1)),
            kind(&Answer::none("operation timed out"))
        );
        assert_ne!(kind(&answer(502, "")), kind(&answer(503, "")));
        let of_token = |has_token| Reason::of_token(&NoToken::StillRefused, has_token).kind;
        assert_ne!(of_token(true), of_token(false));
    }
}
