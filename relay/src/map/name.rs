//! Which names of attributes are the relay's own, however a client writes them.
//!
//! Names are compared as they are read: without case, in Unicode's compatibility form (NFKC), without characters that take
//! no room. Otherwise `Courier.sender` or `ｃourier.sender` would stand beside the relay's own in a backend that folds them,
//! or before a reader who can't see the difference. Letters of other scripts that look alike are not folded.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

use crate::text::is_invisible;

/// The name as it is read; of a long one the beginning, which is all that is compared.
pub fn as_read(name: &str) -> Cow<'_, str> {
    if name
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && !byte.is_ascii_uppercase())
    {
        return Cow::Borrowed(name);
    }
    let has_shape = |c: &char| !is_invisible(*c) && !c.is_control() && !is_selector(*c);
    let read = name
        .chars()
        .filter(has_shape)
        .nfkc()
        .flat_map(char::to_lowercase)
        .filter(|c| has_shape(c) && !c.is_whitespace())
        .take(READ_CHARS)
        .collect();
    Cow::Owned(read)
}

/// Whether a name, as it is read, is one that only the relay gives.
pub fn is_reserved(read: &str) -> bool {
    PREFIXES.iter().any(|prefix| read.starts_with(prefix)) || NAMES.contains(&read)
}

fn is_selector(c: char) -> bool {
    matches!(c, '\u{fe00}'..='\u{fe0f}')
}

/// Every name that begins so is the relay's.
const PREFIXES: [&str; 3] = ["logfire.", "courier.", "client."];

/// These are, too.
const NAMES: [&str; 4] = [
    "server.received_at",
    "error.fingerprint",
    "error.group_id",
    "log.record.uid",
];

/// Longer than any name of the relay's own.
const READ_CHARS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_reserved_however_it_is_written() {
        for name in [
            "courier.sender",
            "Courier.Sender",
            "LOGFIRE.level_num",
            "\u{ff43}ourier.sender",
            "courier\u{ff0e}sender",
            "courier\u{2024}sender",
            "cou\u{200b}rier.sender",
            "\u{feff}courier.sender",
            "co\u{ad}urier.\u{202e}sender",
            "c\u{fe0f}lient.timestamp",
            "client.anything",
            " error.fingerprint",
            "error.fingerprint\u{0}",
            "Error.Group_ID",
            "server.received_at\u{200d}",
            "Log.Record.UID",
            "\u{24d2}lient.x",
        ] {
            assert!(is_reserved(&as_read(name)), "{name:?}");
        }
        for name in [
            "courier",
            "couriers.sender",
            "my.courier.sender",
            "clients.x",
            "error.type",
            "error.fingerprint.of_ours",
            "größe",
            "東京",
            "",
        ] {
            assert!(!is_reserved(&as_read(name)), "{name:?}");
        }
    }

    #[test]
    fn a_long_name_is_read_no_further_than_it_is_compared() {
        let name = format!("{}courier.x", "\u{200b}".repeat(100_000));
        assert!(is_reserved(&as_read(&name)));
        let name = "\u{fdfa}".repeat(100_000);
        assert_eq!(as_read(&name).chars().count(), READ_CHARS);
    }
}
