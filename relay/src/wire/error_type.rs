//! What may be an error's type: `io::NotFound`, `app::SyncError`, `java.io.IOException`, `TypeError`.

/// The longest type that is taken for one, in bytes. Longer ones are most often a generic type spelled out, or a text.
pub const MAX_TYPE_BYTES: usize = 256;

/// Is `text` an identifier, or a path of identifiers joined by `::`, `.` or `\\`? An identifier begins with a letter or
/// `_`; letters, digits, `_` and `$` follow.
#[must_use]
pub fn is_type(text: &str) -> bool {
    let is_identifier = |part: &str| {
        let mut letters = part.chars();
        letters
            .next()
            .is_some_and(|first| first == '_' || first.is_alphabetic())
            && letters.all(|letter| letter == '_' || letter == '$' || letter.is_alphanumeric())
    };
    text.len() <= MAX_TYPE_BYTES
        && text
            .split("::")
            .flat_map(|part| part.split(['.', '\\']))
            .all(is_identifier)
}

/// An error's text in two: its type and its message, by its first `: `. Without a type in front of that, all of it is the
/// message.
#[must_use]
pub fn split(error: &str) -> (Option<&str>, &str) {
    match error.split_once(": ") {
        Some((left, message)) if is_type(left) => (Some(left), message),
        _ => (None, error),
    }
}

/// The message of an error whose type is told beside it: its text, without that type where it begins with it.
#[must_use]
pub fn message<'e>(error: &'e str, error_type: &str) -> &'e str {
    error
        .strip_prefix(error_type)
        .and_then(|rest| rest.strip_prefix(": "))
        .unwrap_or(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_an_identifier_or_a_path() {
        for is in [
            "Timeout",
            "io::NotFound",
            "java.io.IOException",
            "_InternalError",
            "App\\Sync\\Failed",
            "Outer$Inner",
            "Fehlerzustand_2",
        ] {
            assert!(is_type(is), "{is}");
        }
        let long = "x".repeat(MAX_TYPE_BYTES + 1);
        for is_not in [
            "",
            "uploading /nope/x.bin for ada",
            "Open { path",
            "connect to printer 7 failed",
            "2",
            "a::",
            "::a",
            "a..b",
            "E<T>",
            "https://x",
            "a-b",
            &long,
        ] {
            assert!(!is_type(is_not), "{is_not}");
        }
    }

    #[test]
    fn only_a_type_is_split_off() {
        assert_eq!(
            split("Timeout: no answer: in 5 s"),
            (Some("Timeout"), "no answer: in 5 s")
        );
        assert_eq!(
            split("uploading /nope/x.bin: not found"),
            (None, "uploading /nope/x.bin: not found")
        );
        assert_eq!(split("Timeout"), (None, "Timeout"));
        assert_eq!(message("io::NotFound: gone", "io::NotFound"), "gone");
        assert_eq!(message("upload: gone", "io::NotFound"), "upload: gone");
    }
}
