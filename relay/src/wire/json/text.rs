//! The inside of strings: where they end, what their escapes mean.

/// How many bytes come before a quote, a backslash or a control character; eight at a time.
#[inline]
pub fn plain_run(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES << 7;
    let equals = |word: u64, byte: u8| {
        let zero_where_equal = word ^ (ONES * u64::from(byte));
        zero_where_equal.wrapping_sub(ONES) & !zero_where_equal & HIGH
    };
    let mut run = 0;
    let (words, rest) = bytes.as_chunks::<8>();
    for &word in words {
        let word = u64::from_le_bytes(word);
        let is_control = word.wrapping_sub(ONES * 0x20) & !word & HIGH;
        // The lowest hit is exact: a borrow can only reach bytes above one.
        let hits = equals(word, b'"') | equals(word, b'\\') | is_control;
        if hits != 0 {
            return run + usize::try_from(hits.trailing_zeros() / 8).unwrap_or_default();
        }
        run += 8;
    }
    run + rest
        .iter()
        .take_while(|&&byte| !matches!(byte, b'"' | b'\\' | 0..0x20))
        .count()
}

/// `raw` is the inside of a string whose escapes are known to be whole.
pub fn unescape(raw: &str) -> String {
    let bytes = raw.as_bytes();
    let mut text = String::with_capacity(raw.len());
    let mut from = 0;
    while let Some(offset) = raw.get(from..).and_then(|rest| rest.find('\\')) {
        let escape = from + offset;
        text.push_str(raw.get(from..escape).unwrap_or_default());
        from = escape + 2;
        text.push(match bytes.get(escape + 1) {
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let (character, length) = unicode(bytes, escape);
                from = escape + length;
                character
            }
            Some(&other) => char::from(other),
            None => char::REPLACEMENT_CHARACTER,
        });
    }
    text.push_str(raw.get(from..).unwrap_or_default());
    text
}

/// The character of the `\u` escape at `at`, two of them for a pair, and how long that was.
fn unicode(bytes: &[u8], at: usize) -> (char, usize) {
    let first = hex4(bytes, at + 2).unwrap_or_default();
    if (0xD800..0xDC00).contains(&first)
        && bytes.get(at + 6..at + 8) == Some(br"\u")
        && let Some(second @ 0xDC00..0xE000) = hex4(bytes, at + 8)
    {
        let code = 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00);
        return (
            char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER),
            12,
        );
    }
    let character = char::from_u32(first).filter(|&character| character != '\0');
    (character.unwrap_or(char::REPLACEMENT_CHARACTER), 6)
}

pub fn hex4(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.iter().try_fold(0, |code, &byte| {
        Some(code << 4 | char::from(byte).to_digit(16)?)
    })
}
