//! PEM private keys: from `-----BEGIN … PRIVATE KEY-----` to its end, or over what still looks like a key when the end
//! is missing. Certificates and public keys stay.

use crate::rule::scanner::{Samples, Scanner};
use crate::rule_names::{Place, Rule};
use crate::text::span::Seen;
use crate::text::{Bytes, Text};

/// No private key is longer, so a longer text between the lines is not taken for one.
const MAX_KEY_BYTES: usize = 16 * 1024;
const MAX_LABEL_BYTES: usize = 48;
/// Shortest run of base64 that is taken for a line of a key without end.
const MIN_LINE_BYTES: usize = 16;

/// `start..end` is `-----BEGIN`, SSH2's `---- BEGIN`, or PuTTY's `Private-Lines:`.
fn scan(text: Text<'_>, start: usize, end: usize) -> Seen {
    if text.back(end, 1) == b':' {
        return scan_putty(text, end);
    }
    let label_end = label_end(text, end);
    let has = |word: &[u8]| {
        let first = word.first().copied().unwrap_or_default();
        let is_first = |at: &usize| text.at(*at) | 0x20 == first;
        (end..label_end)
            .filter(is_first)
            .any(|at| at + word.len() <= label_end && text.has_any_case(at, word))
    };
    if !has(b"private") || !has(b"key") {
        return Seen::NothingBefore(label_end);
    }
    let body = text.run_most(label_end, 5, |byte| byte == b'-');
    let key_end = footer_end(text, body).unwrap_or_else(|| body_end(text, body));
    // A header alone is no secret, and may be what an error is about.
    if key_end == body {
        return Seen::NothingBefore(body);
    }
    Seen::found(Rule::PrivateKey, start, key_end)
}

/// Where the label that begins at `start` ends.
fn label_end(text: Text<'_>, start: usize) -> usize {
    static LABEL: Bytes = Bytes::letters_and(b" +%");
    text.run_most(start, MAX_LABEL_BYTES, |byte| LABEL.has(byte))
}

/// `Private-Lines: 8` and as many lines of base64, with `Private-MAC: …` behind them; `at` is behind the colon.
fn scan_putty(text: Text<'_>, at: usize) -> Seen {
    let count = text.run_most(at, 4, |byte| byte == b' ');
    let body = text.run_most(count, 4, |byte| byte.is_ascii_digit());
    let start = line_start(text, body);
    let end = body_end(text, body);
    if body == count || end <= start {
        return Seen::NothingBefore(body);
    }
    Seen::found(Rule::PrivateKey, start, end)
}

/// Where the `-----END … KEY-----` of the key ends that begins at `body`.
fn footer_end(text: Text<'_>, body: usize) -> Option<usize> {
    let limit = body.saturating_add(MAX_KEY_BYTES);
    let mut at = body;
    while at < limit && at < text.len() {
        at = text.run_most(at, limit - at, |byte| byte != b'-');
        if text.has_any_case(at, b"-----begin") {
            return None;
        }
        if text.has_any_case(at, b"-----end") || text.has_any_case(at, b"---- end") {
            let label = label_end(text, at + b"---- end".len());
            return Some(text.run_most(label, 5, |byte| byte == b'-'));
        }
        at += 1;
    }
    None
}

/// Where the lines of base64 behind a header end, over real and written line ends.
fn body_end(text: Text<'_>, body: usize) -> usize {
    let mut end = body;
    loop {
        let start = line_start(text, end);
        let line_end = text.run_most(start, MAX_KEY_BYTES, is_base64);
        let is_header = header_end(text, start);
        let is_line = line_end - start >= MIN_LINE_BYTES
            || (line_end > start && text.back(line_end, 1) == b'=');
        end = match is_header {
            Some(header) => header,
            None if is_line => line_end,
            // The last line of a key is short; a word of the text behind it is not told from it.
            None => {
                return if line_end > start
                    && end > body
                    && start > end
                    && line_end - start > 3
                    && text.at(line_end) < b' '
                {
                    line_end
                } else {
                    end
                };
            }
        };
        if end - body > MAX_KEY_BYTES {
            return end;
        }
    }
}

/// Behind the line ends and spaces at `at`, real ones and written ones.
fn line_start(text: Text<'_>, at: usize) -> usize {
    let mut at = at;
    loop {
        let next = text.run_most(at, 8, |byte| byte.is_ascii_whitespace());
        let slashes = text.run_most(next, 8, |byte| byte == b'\\');
        at = match text.at(slashes) {
            b'n' | b'r' if slashes > next => slashes + 1,
            _ if next > at => next,
            _ => return at,
        };
    }
}

/// `Proc-Type: 4,ENCRYPTED` and `DEK-Info: …` stand before an old key's body.
fn header_end(text: Text<'_>, at: usize) -> Option<usize> {
    let is_header = [&b"Proc-Type:"[..], b"DEK-Info:", b"Comment:", b"Version:"];
    let is_header = is_header.iter().any(|header| text.has_any_case(at, header));
    is_header.then(|| text.run_most(at, 128, |byte| !matches!(byte, b'\n' | b'\\')))
}

fn is_base64(byte: u8) -> bool {
    static BASE64: Bytes = Bytes::letters_and(b"+/=");
    BASE64.has(byte)
}

pub(crate) static SCANNER: Scanner = Scanner {
    rule: Rule::PrivateKey,
    literals: &["-----begin", "---- begin", "private-lines:"],
    is_exact: false,
    find: |cx, hit| scan(cx.text, hit.start, hit.end),
    samples: Some(&SAMPLES),
};

const SAMPLES: Samples = Samples {
    place: Place::Message,
    taken: &[
        (
            "key:\n-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0B\n-----END PRIVATE KEY-----\nnext",
            "key:\n[REDACTED:private_key]\nnext",
        ),
        (
            r#"{"k":"-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA\n-----END RSA PRIVATE KEY-----\n","n":1}"#,
            r#"{"k":"[REDACTED:private_key]\n","n":1}"#,
        ),
        (
            "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA\nb3BlbnNzaC1rZXktdjEA\n\ncut off here",
            "[REDACTED:private_key]\n\ncut off here",
        ),
        (
            "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0A1B\n\nMHcCAQEEIIrYSSNQ+4lk\n-----END EC PRIVATE KEY----- ok",
            "[REDACTED:private_key] ok",
        ),
        (
            "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQHYBGV4c2kBBADM\n=ab12\n-----END PGP PRIVATE KEY BLOCK-----",
            "[REDACTED:private_key]",
        ),
        (
            "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nP2/56wAAAi4AAAA3aWYt\n---- END SSH2 ENCRYPTED PRIVATE KEY ---- ok",
            "[REDACTED:private_key] ok",
        ),
        (
            "Private-Lines: 1\nAAAAgQCUEXAMPLExyz0123456789\nPrivate-MAC: 0f",
            "Private-Lines: 1\n[REDACTED:private_key]\nPrivate-MAC: 0f",
        ),
    ],
    kept: &[
        "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIE\n-----END CERTIFICATE-----",
        "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0B\n-----END PUBLIC KEY-----",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ ann",
        "no PRIVATE KEY found in file",
        "expected `-----BEGIN PRIVATE KEY-----` on line 1",
        "-----BEGIN CERTIFICATE REQUEST-----",
        "---- BEGIN SSH2 PUBLIC KEY ----\nAAAAB3NzaC1yc2EAAAAB\n---- END SSH2 PUBLIC KEY ----",
        "Private-Lines: 8",
    ],
};
