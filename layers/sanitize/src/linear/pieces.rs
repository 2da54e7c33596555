//! What is repeated: literals in each spelling with signs around them, and mixtures of them.

use crate::REDACTED;

/// What may stand before and behind a literal: signs, quotes at several depths, brackets, what encodes them.
pub(crate) const SIGNS: &[&str] = &[
    "",
    " ",
    "=",
    ":",
    ": ",
    "\"",
    "'",
    "`",
    "\\\"",
    "\\\\\\\"",
    "\"\"",
    "''",
    "\"=\"",
    "\": \"",
    "'=>'",
    "%22",
    "%27",
    "%3D",
    "%3D%27",
    "=%27",
    "%27-",
    "%20",
    "%26",
    "%40",
    "&quot;",
    "&lt;",
    "&",
    "?",
    "/",
    "//",
    "\\",
    "@",
    ".",
    ",",
    ";",
    "|",
    "-",
    "--",
    "_",
    "+",
    "~",
    "#",
    "$",
    "*",
    "^",
    "!",
    "0",
    "7",
    "a",
    "Z",
    "é",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "<",
    ">",
    "</",
    "((",
    "[[",
    "{{",
    "<![CDATA[",
    "\n",
    "\n  ",
    "\r\n",
    "\t",
    "\\n",
    "\\u0022",
    "\u{1b}[1m",
    "\0",
    "::",
    "..",
    " is ",
    " for ",
    "=[",
    ":{",
    "=(",
    ":|\n ",
    "=$",
    "=<",
    " -",
    " -u ",
    REDACTED,
];

/// Draws numbers that look random.
pub(crate) struct Draw(pub u64);

impl Draw {
    pub fn below(&mut self, limit: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut number = self.0;
        number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((number ^ (number >> 31)) % limit as u64).unwrap()
    }

    pub fn of<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.below(values.len())]
    }
}

/// The ways a literal is spelled: as it is, and as URLs, JSON and forms carry it.
pub(crate) fn spelled(text: &str, way: usize) -> String {
    let percent = |all: bool| {
        let encode = |byte: u8| match byte {
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' if !all => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        };
        text.bytes().map(encode).collect::<String>()
    };
    match way {
        0 => text.to_owned(),
        1 => percent(false),
        2 => percent(true),
        3 => text.escape_default().to_string(),
        4 => text.replace('\\', "\\\\").replace('"', "\\\""),
        5 => text
            .chars()
            .map(|letter| format!("\\u{:04x}", u32::from(letter)))
            .collect(),
        6 => text.to_uppercase(),
        _ => text
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('"', "&quot;"),
    }
}
/// How many there are.
pub(crate) const WAYS: usize = 8;

/// Pieces of any rule with signs between them, some of them in a row.
pub(crate) fn mixture(draw: &mut Draw, all: &[&str]) -> String {
    let mut piece = String::new();
    for _ in 0..=draw.below(5) {
        let way = if draw.below(4) == 0 {
            draw.below(WAYS)
        } else {
            0
        };
        let part = match draw.below(3) {
            0 => draw.of(SIGNS).to_owned(),
            _ => spelled(draw.of(all), way),
        };
        piece.push_str(&part.repeat(1 + draw.below(8) / 5));
    }
    if piece.is_empty() {
        " ".to_owned()
    } else {
        piece
    }
}
