//! Where a value ends: where its own container ends, and nowhere else.
//!
//! | the value stands in | it ends at | in |
//! |---|---|---|
//! | quotes of any depth | the same quote at the same depth, else the end of the line | `quote` |
//! | brackets (JSON, Debug, Erlang) | the bracket that closes them | `structure` |
//! | an XML element | its closing tag | `element` |
//! | a header | the end of its list, of its cookies or of its line | `header` |
//! | a YAML key, a TOML or ini section | the block below it | `block` |
//! | a connection string, a struct, a list of pairs | the separator of that level, not a space | `level` |
//! | a shell word, a URL, a form body, nothing | white space, or a separator of its own level | `bare` |
//!
//! All scanners ask here, so that a value has one end, whoever finds its beginning.

use super::quote;
use super::text::{Bytes, Text, is_word};

mod bare;
pub(super) mod block;
pub(super) mod element;
pub(super) mod header;
pub(super) mod level;
mod structure;

pub(super) use bare::{end as bare_end, end_within as bare_end_within, is_bare};

/// A value's inside, without its quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    pub start: usize,
    pub end: usize,
    pub form: Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Quoted,
    /// In backticks, as prose sets code.
    Ticked,
    Structure,
    Bare,
}

/// What a bare value stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Around {
    /// A URL's query or fragment, where `&` and `#` end it.
    Url,
    /// Something in which commas, semicolons and bars part the values.
    Text,
    /// Nothing: it may hold any sign.
    Free,
    /// A shell's line: the same, and what is quoted or escaped inside belongs to it.
    Shell,
    /// A header's line: every sign but white space belongs to it.
    Header,
    /// Percent-encoded so many times together with what parts it from others: `%26` ends it, or `%2526`.
    Encoded(u8),
}

/// The value that begins at `at`; none when nothing stands there.
pub(super) fn value(text: Text<'_>, at: usize, around: Around) -> Option<Extent> {
    if let Some((quote, start)) = opened(text, at) {
        let (end, is_closed) = quote.close(text, start);
        let form = if quote.is_tick() {
            Form::Ticked
        } else {
            Form::Quoted
        };
        let end = match around {
            Around::Shell | Around::Free if is_closed => bare::joined(text, end, quote.len()),
            _ => end,
        };
        return extent(start, end, form);
    }
    if let Some(end) = hash_end(text, at) {
        return extent(at, end, Form::Bare);
    }
    if let Some(open) = structure::open(text, at) {
        let end = structure::end(text, open);
        // `Vec()` holds nothing, `X()7` is a word.
        return match end > open + 2 || text.at(open) == b'(' && is_word(text.at(end)) {
            true => extent(at, bare_end(text, end, around).max(end), Form::Structure),
            false => None,
        };
    }
    extent(at, bare_end(text, at, around), Form::Bare)
}

/// The value that begins at `at` and ends at `end` at the latest. Nothing behind that is read, unless it is quoted.
pub(super) fn value_within(
    text: Text<'_>,
    at: usize,
    end: usize,
    around: Around,
) -> Option<Extent> {
    if let Some((quote, start)) = opened(text, at) {
        return extent(start, quote.close(text, start).0, Form::Quoted);
    }
    if structure::open(text, at).is_some() {
        return extent(at, end, Form::Structure);
    }
    extent(at, bare::end_within(text, at, end, around), Form::Bare)
}

/// The shell's word that begins at `at`, without the quotes around it.
pub(super) fn word(text: Text<'_>, at: usize) -> Option<Extent> {
    match quote::open(text, at) {
        Some((quote, start)) => {
            let (end, is_closed) = quote.close(text, start);
            let end = if is_closed {
                bare::joined(text, end, quote.len())
            } else {
                end
            };
            extent(start, end, Form::Quoted)
        }
        None => extent(at, bare_end(text, at, Around::Shell), Form::Bare),
    }
}

fn extent(start: usize, end: usize, form: Form) -> Option<Extent> {
    (end > start).then_some(Extent { start, end, form })
}

/// The hash of a password in the form of PHC, which has commas and pairs in it: `$argon2id$v=19$m=65536,t=3,p=4$…`.
fn hash_end(text: Text<'_>, at: usize) -> Option<usize> {
    let name = text.run_most(at + 1, 16, |byte| {
        byte.is_ascii_alphanumeric() || byte == b'-'
    });
    if text.at(at) != b'$' || name == at + 1 || text.at(name) != b'$' {
        return None;
    }
    static HASH: Bytes = Bytes::letters_and(b"$=,+/.-_");
    Some(text.run_most(name, 512, |byte| HASH.has(byte)))
}

/// A quote, or one with the prefix of a byte, raw or binary string.
fn opened(text: Text<'_>, at: usize) -> Option<(quote::Quote, usize)> {
    if text.has(at, b"<<\"") {
        return quote::open(text, at + 2);
    }
    let prefix = text.run_most(at, 2, |byte| {
        matches!(byte, b'b' | b'r' | b'u' | b'f' | b'N' | b'@' | b'$')
    });
    let prefix = text.run_most(prefix, 2, |byte| byte == b'#');
    quote::open_value(text, at).or_else(|| quote::open(text, prefix))
}

/// Does `name=` or `name:` begin at `at`?
fn begins_pair(text: Text<'_>, at: usize) -> bool {
    let end = text.run_most(at, 64, |byte| {
        is_word(byte) || matches!(byte, b'-' | b'.' | b'[' | b']' | b'%')
    });
    end > at && matches!(text.at(end), b'=' | b':' | b'"' | b'\'')
}

#[cfg(test)]
mod tests {
    use super::super::policy::Policy;
    use super::super::rule::Place;
    use super::super::scan;
    use super::super::text::Steps;

    /// What opens something that is never closed, behind a name and by itself.
    #[rustfmt::skip]
    const OPENINGS: &[&str] = &[
        "\"", "'", "`", "\\\"", "\"\"", "''x", "\"\"\"", "'''", "(", "[", "{", "<", "X(", "X { ", "(\"", "[]string{\"",
        "<![CDATA[", "<![CDATA[]", "</", "&", "&lt;", "&amp;", "\\u003c", "|-\n", "|\n  ", ">\n ", "\n", "\n  ", "\n- ",
        "\n  x: ", "\n  name: ", "# x\n", "a'", "a\"", "a'b", "a)b", "a>b", "a,", "a,b", "a;b", "a; ", "a b;", "a b; x", "a&",
        "a%", "%2526", "a=\"b", "a=b; ", "a=\"b\"; ", "x=y ", "Digest a=\"b\", ", "Bearer ", "Basic ", "\"a\" -> ", "a -> ",
        "<<\"", "$a$", "'a'\\''", "'a'\"b\"", "] => a ", "a [", "a:b ", "{a:b ", " ", "\t",
    ];
    #[rustfmt::skip]
    const NAMES: &[&str] = &[
        "", "password=", "password: ", "password:", "\"password\":", "password='", "\"\"token\"\":", "{token:", "{password,",
        "Cookie: ", "Authorization: ", "X-Api-Key: ", "<password>", "&lt;password&gt;", "<a name=\"token\">", "--password ",
        "password%3D", ";Password=", "(a=b, secret=", "PASSWORD ", "IDENTIFIED BY ", "identified with x ", "[password] => ",
        "secrets:", "[secrets]", "AUTH ", "PASS ", "334 ", "auth login", "a1 LOGIN ", "a1 LOGIN {7}\n", "set auth 0 ",
        "setuser a >", "AUTH\r\n$7\r\n", "convertto-securestring ", "curl -u ", "curl -u", "/home/", "\"C:\\Users\\",
        "authenticate x\n", "\n[secrets]\na = ", "- password:", "\"a\" -> ", "{\"password\", ",
    ];
    const BYTES: usize = 8 * 1024;
    /// What a text may take.
    const MOST_A_BYTE: usize = 256;

    #[test]
    fn a_text_of_nothing_but_openings_costs_so_many_steps_a_byte_and_no_more() {
        let rules = Policy::new().compile();
        let mut spans = Vec::new();
        let mut dear = Vec::new();
        for name in NAMES {
            for opening in OPENINGS {
                let pair = format!("{name}{opening}");
                let many = format!("{}{name}", opening.repeat(64));
                for text in [
                    pair.repeat(BYTES / pair.len()),
                    format!("{name}{}", opening.repeat(BYTES / opening.len())),
                    many.repeat(BYTES / many.len()),
                ] {
                    let all = Steps::of(text.len());
                    let mut steps = all;
                    scan::find(&rules, Place::Message, &text, &mut steps, &mut spans);
                    let a_byte = steps.taken(all) / text.len();
                    if a_byte > MOST_A_BYTE {
                        let head: String = text.chars().take(80).collect();
                        dear.push(format!("{a_byte} for {head:?}"));
                    }
                }
            }
        }
        assert!(dear.is_empty(), "{}\n{}", dear.len(), dear.join("\n"));
    }
}
