//! A user's home directory, cut to `~`: `/home/ann/notes.txt` becomes `~/notes.txt`.

use crate::rule::scanner::{Samples, Scanner};
use crate::rule_names::{Place, Rule};
use crate::text::span::Seen;
use crate::text::{Text, begins_word, is_word};

const MAX_NAME_BYTES: usize = 48;

/// `start..end` is `/home/`, `/users/`, `\users\` or one of these percent-encoded.
fn scan(text: Text<'_>, start: usize, end: usize) -> Seen {
    if !is_word(text.at(end)) && !matches!(text.at(end), b'\\' | b'.' | b'-') {
        return Seen::Nothing;
    }
    let Some(root) = root(text, start, end) else {
        return Seen::Nothing;
    };
    let name = text.run_most(end, 7, |byte| byte == b'\\');
    let name_end = name_end(text, name, root, text.at(start));
    let is_known = NOBODY
        .iter()
        .any(|nobody| text.slice(name, name_end).eq_ignore_ascii_case(nobody));
    let is_route = text.at(start) == b'/' && is_route(text, root, name_end);
    if name_end == name
        || is_known
        || is_route
        || text
            .slice(name, name_end)
            .iter()
            .all(|byte| byte.is_ascii_punctuation())
    {
        return Seen::Nothing;
    }
    Seen::found(Rule::Home, root, name_end)
}

/// Where the path begins: its drive, or the directories that homes lie under.
fn root(text: Text<'_>, start: usize, end: usize) -> Option<usize> {
    let slashes = text.run_back(start, 7, |byte| byte == b'\\');
    let is_drive = text.back(slashes, 1) == b':' && text.back(slashes, 2).is_ascii_alphabetic();
    if is_drive && (!is_word(text.back(slashes, 3)) || begins_word(text, slashes - 2)) {
        return Some(slashes - 2);
    }
    if text.at(start) == b'\\' {
        return (!is_word(text.back(slashes, 1))).then_some(slashes);
    }
    // A URL's route is written small: `/users/42`. On a Mac it is `/Users/`.
    let is_home = text.has(start, b"/home/")
        || text.has(start, b"/Users/")
        || text.at(start) == b'%'
            && (text.ends_any_case(end, b"home%2f") || text.has(start + 3, b"Users"));
    if !is_home {
        return None;
    }
    const ABOVE: [&[u8]; 9] = [
        b"/var",
        b"/usr",
        b"/export",
        b"/mnt/c",
        b"/mnt/d",
        b"/c",
        b"/d",
        b"/nfs",
        b"/System/Volumes/Data",
    ];
    let above = ABOVE.iter().find(|above| text.ends_any_case(start, above));
    let root = above.map_or(start, |above| start - above.len());
    let before = text.back(root, 1);
    let is_file = before == b'/' && text.ends_any_case(root, b"file://");
    // `-I/home/ann/include`
    let is_flag =
        before.is_ascii_alphabetic() && text.back(root, 2) == b'-' && !is_word(text.back(root, 3));
    let is_edge = is_flag
        || !is_word(before) && !matches!(before, b'.' | b'~' | b'/' | b'}' | b'-' | b'*')
        || begins_word(text, root) && before != 0 && is_word(before);
    (is_edge || is_file).then_some(root)
}

/// Where the user's name ends. It may hold spaces when a separator follows it, or the quote that stands before the path.
fn name_end(text: Text<'_>, name: usize, root: usize, separator: u8) -> usize {
    let is_name =
        |byte: u8| is_word(byte) || matches!(byte, b'.' | b'-' | b'@' | b'+' | b'$' | b'~');
    let mut end = text.run_most(name, MAX_NAME_BYTES, is_name);
    while text.has(end, b"%20") {
        end = text.run_most(end + 3, MAX_NAME_BYTES, is_name);
    }
    let spaced = text.run_most(name, MAX_NAME_BYTES, |byte| {
        is_name(byte) || matches!(byte, b' ' | b'\'' | b'(' | b')' | b',')
    });
    let quote = text.back(root, 1);
    let quote_at = text.run_most(spaced, 7, |byte| byte == b'\\');
    let is_quoted = matches!(quote, b'"' | b'\'' | b'`') && text.at(quote_at) == quote;
    // The quote of the path is no apostrophe of the name.
    let spaced = if quote == b'\'' {
        let end = text.run_most(name, spaced - name, |byte| byte != b'\'');
        if end < spaced { end } else { spaced }
    } else {
        spaced
    };
    let is_quoted = is_quoted || quote == b'\'' && text.at(spaced) == quote;
    let is_spaced = spaced > end
        && (text.at(spaced) == separator || is_quoted)
        && text.at(end) == b' '
        && text.back(spaced, 1) != b' '
        && is_full_name(text.slice(name, spaced));
    if is_spaced {
        return spaced;
    }
    // The stop of the sentence around it.
    while end > name && matches!(text.back(end, 1), b'.' | b'-') {
        end -= 1;
    }
    end
}

/// `Ann Lee`, not `ann and then`.
fn is_full_name(name: &[u8]) -> bool {
    let mut words = name.split(|&byte| byte == b' ');
    let count = words.clone().count();
    (2..=4).contains(&count)
        && words.all(|word| {
            word.first()
                .is_some_and(|first| !first.is_ascii_lowercase())
                || count == 2 && !matches!(word, b"and" | b"or" | b"to" | b"in" | b"is" | b"not")
        })
}

/// A route of a web service that begins like a home directory: `GET /home/feed`, `/home/dashboard`.
fn is_route(text: Text<'_>, root: usize, name_end: usize) -> bool {
    const BEFORE: [&[u8]; 16] = [
        b"GET ",
        b"POST ",
        b"PUT ",
        b"HEAD ",
        b"PATCH ",
        b"DELETE ",
        b"OPTIONS ",
        b"route=",
        b"route: ",
        b"route ",
        b"url=",
        b"uri=",
        b"path\":\"",
        b"href=\"",
        b"endpoint ",
        b"redirect ",
    ];
    let name = text.run_back(name_end, MAX_NAME_BYTES, |byte| {
        is_word(byte) || byte == b'-'
    });
    let is_page = PAGES
        .iter()
        .any(|page| text.slice(name, name_end).eq_ignore_ascii_case(page));
    is_page
        || text.at(name_end) == b'?'
        || BEFORE.iter().any(|before| text.ends_any_case(root, before))
}

const NOBODY: &[&[u8]] = &[
    b"public",
    b"shared",
    b"default",
    b"all",
    b"guest",
    b"linuxbrew",
    b"user",
    b"username",
    b"default user",
];
const PAGES: &[&[u8]] = &[
    b"dashboard",
    b"index",
    b"index.html",
    b"feed",
    b"settings",
    b"about",
    b"profile",
    b"login",
    b"news",
    b"overview",
    b"main",
    b"search",
    b"tab",
    b"page",
    b"en",
    b"api",
    b"view",
    b"widgets",
    b"banner",
    b"welcome",
];

pub(crate) static SCANNER: Scanner = Scanner {
    rule: Rule::Home,
    literals: &[
        "/home/",
        "/users/",
        "\\users\\",
        "%2fhome%2f",
        "%2fusers%2f",
        "\\documents and settings\\",
    ],
    is_exact: false,
    find: |cx, hit| scan(cx.text, hit.start, hit.end),
    samples: Some(&SAMPLES),
};

const SAMPLES: Samples = Samples {
    place: Place::Message,
    taken: &[
        (
            "open /home/ann/notes.txt: denied",
            "open ~/notes.txt: denied",
        ),
        (r"C:\Users\Ann Lee\AppData\app.log", r"~\AppData\app.log"),
        (r#""C:\\Users\\ann\\x""#, r#""~\\x""#),
        ("file:///Users/ann/a%20b", "file://~/a%20b"),
        ("HOME=/home/ann", "HOME=~"),
        ("C:/Users/ann/x and /mnt/c/Users/bob/y", "~/x and ~/y"),
        (r"line\n/home/ann/x", r"line\n~/x"),
        ("/Users/Ann Lee/Library", "~/Library"),
        (r#"cd "C:\Users\Ann Lee" failed"#, r#"cd "~" failed"#),
        ("HOME='/home/Ann Lee'", "HOME='~'"),
        (r#"{"home":"C:\\Users\\Ann Lee"}"#, r#"{"home":"~"}"#),
    ],
    kept: &[
        "GET /home/ann HTTP/1.1",
        "https://example.com/home/ann",
        "/users/42/orders",
        "/home/dashboard",
        "/Users/Shared/app",
        r"C:\Users\Public\Documents",
        "~/notes.txt",
        "/var/log/app.log",
        "/homework/1",
    ],
};
