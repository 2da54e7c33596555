//! Pass one: every literal that may begin something.
//!
//! A hit only names a scanner and a place; the scanner decides. The built-in literals are found by their first three
//! bytes (the policy's, which may be any, by an automaton: `own_literals`): each place of the text is looked up in a small
//! table, independently of the one before, so a clean line costs less than a nanosecond a byte here. An automaton
//! (measured first) waits for its own last step at each byte.

use std::sync::LazyLock;

use super::command::PROGRAMS;
use super::modem;
use super::text::{Text, WINDOW, window};
use super::token::VENDORS;

/// What a literal may begin: the scanner to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Trigger {
    Name,
    EncodedEmail,
    Jwt,
    Bearer,
    Basic,
    Url,
    Ssn,
    PrivateKey,
    Token,
    Home,
    Marking,
    MarkingWord,
    DashedIp,
    Pattern,
    Known,
    Command,
    Identified,
    Dialogue,
    Infix,
    Insert,
    Login,
    LoginFlag,
    Piped,
    Modem,
}

impl Trigger {
    /// How many there are.
    pub const COUNT: usize = 24;

    /// Are its literals written in one case only?
    fn is_exact(self) -> bool {
        matches!(self, Self::Jwt | Self::Token)
    }
}

/// A literal at a place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hit {
    pub trigger: Trigger,
    /// Which vendor, pattern or known value.
    pub which: u16,
    pub start: usize,
    pub end: usize,
}

/// For each scanner: nothing is to be found before this place.
#[derive(Default)]
pub(super) struct Resume([usize; Trigger::COUNT]);

impl Resume {
    #[inline(always)]
    pub fn is_due(&self, trigger: Trigger, start: usize) -> bool {
        let resume = self.0.get(trigger as usize);
        resume.is_none_or(|&resume| start >= resume)
    }

    /// Hands on what was found, and remembers what the scanner says.
    #[inline(always)]
    pub fn hand_on(&mut self, found: &Hit, hit: &mut impl FnMut(&Hit) -> Option<usize>) {
        let trigger = found.trigger;
        if let (Some(next), Some(resume)) = (hit(found), self.0.get_mut(trigger as usize)) {
            *resume = next;
        }
    }
}

/// A literal and what it means.
#[derive(Clone, Copy)]
struct Row {
    literal: &'static str,
    trigger: Trigger,
    which: u16,
}

/// The built-in literals by their first three bytes.
pub(super) struct Table {
    /// For each hash the bucket it leads to, from 1; 0 for none.
    index: Box<[u8; HASHES]>,
    buckets: Vec<Vec<Entry>>,
}

/// A row, made ready to be compared with eight bytes of the text at once.
struct Entry {
    row: Row,
    /// Its first bytes, at most eight, in lower case.
    head: u64,
    /// The bit that parts the cases, where a letter may have both.
    cases: u64,
    /// The bytes that count.
    mask: u64,
}

impl Entry {
    fn of(row: Row) -> Self {
        let (mut head, mut cases, mut mask) = ([0; 8], [0; 8], [0; 8]);
        let slots = head.iter_mut().zip(&mut cases).zip(&mut mask);
        for (((head, case), mask), &byte) in slots.zip(row.literal.as_bytes()) {
            let is_letter = byte.is_ascii_alphabetic() && !row.trigger.is_exact();
            *case = if is_letter { CASE } else { 0 };
            *head = byte | *case;
            *mask = u8::MAX;
        }
        Self {
            row,
            head: u64::from_le_bytes(head),
            cases: u64::from_le_bytes(cases),
            mask: u64::from_le_bytes(mask),
        }
    }

    /// Does `window` begin like the literal?
    #[inline(always)]
    fn begins(&self, window: u64) -> bool {
        (window | self.cases) & self.mask == self.head
    }

    /// Where the literal ends that begins at `start`; none when it goes on otherwise.
    fn end(&self, text: Text<'_>, start: usize) -> Option<usize> {
        let literal = self.row.literal.as_bytes();
        let is_whole = match literal.get(WINDOW..) {
            Some(tail) => text.has_any_case(start + WINDOW, tail),
            None => true,
        };
        is_whole.then_some(start + literal.len())
    }
}

/// What makes an ASCII letter lower case.
const CASE: u8 = 0x20;
/// Places in a window at which three bytes begin.
const PLACES: usize = WINDOW - 2;
const HASH_BITS: u32 = 14;
const HASHES: usize = 1 << HASH_BITS;
static TABLE: LazyLock<Table> = LazyLock::new(Table::new);

impl Table {
    /// The table, made once in a process.
    pub fn built_in() -> &'static Self {
        &TABLE
    }

    fn new() -> Self {
        let mut index = Box::new([0; HASHES]);
        let mut buckets: Vec<Vec<Entry>> = Vec::new();
        for entry in built_in().map(Entry::of) {
            let Some(slot) = index.get_mut(hash(folded(entry.head))) else {
                continue;
            };
            // Some share a bucket when there are more than a byte can count; each entry is compared with the text anyway.
            if *slot == 0 && buckets.len() < usize::from(u8::MAX) {
                buckets.push(Vec::new());
            }
            if *slot == 0 {
                *slot = u8::try_from(buckets.len()).unwrap_or(u8::MAX);
            }
            if let Some(bucket) = buckets.get_mut(usize::from(*slot) - 1) {
                bucket.push(entry);
            }
        }
        Self { index, buckets }
    }

    /// Calls `hit` at each literal, overlapping ones too, in the order of their starts; but not where its scanner said
    /// that nothing is to be found.
    #[inline]
    pub fn scan(&self, text: Text<'_>, mut hit: impl FnMut(&Hit) -> Option<usize>) {
        let mut resume = Resume::default();
        let bytes = text.pass();
        let mut start = 0;
        while let Some(window) = bytes.get(start..).and_then(|rest| rest.first_chunk()) {
            let folded = folded(u64::from_le_bytes(*window));
            if self.has_any(folded) {
                self.ask(text, bytes, start, folded, &mut resume, &mut hit);
            }
            start += PLACES;
        }
        let folded = folded(window(bytes, start));
        if self.has_any(folded) {
            self.ask(text, bytes, start, folded, &mut resume, &mut hit);
        }
    }

    /// May a literal begin at one of the places of a window? Most often none does, so one question does for all.
    #[inline(always)]
    fn has_any(&self, folded: u64) -> bool {
        (0..PLACES).fold(0, |any, place| any | self.bucket(folded, place)) != 0
    }

    /// The bucket of the three bytes at `place` in a window.
    #[inline(always)]
    fn bucket(&self, folded: u64, place: usize) -> u8 {
        let hash = hash(folded >> (8 * place));
        self.index.get(hash).copied().unwrap_or(0)
    }

    /// Asks at each place of the window at `start` at which a literal may begin.
    #[inline(never)]
    fn ask(
        &self,
        text: Text<'_>,
        bytes: &[u8],
        start: usize,
        folded: u64,
        resume: &mut Resume,
        hit: &mut impl FnMut(&Hit) -> Option<usize>,
    ) {
        // A byte for each place.
        let mut buckets = (0..PLACES).fold(0, |buckets, place| {
            buckets | u64::from(self.bucket(folded, place)) << (8 * place)
        });
        while buckets != 0 {
            let bits = buckets.trailing_zeros() & !7;
            let bucket = (buckets >> bits) as u8;
            buckets &= !(u64::from(u8::MAX) << bits);
            let at = start + bits as usize / 8;
            let window = window(bytes, at);
            for entry in self.entries(bucket) {
                if entry.begins(window) && resume.is_due(entry.row.trigger, at) {
                    found(text, entry, at, resume, hit);
                }
            }
        }
    }

    #[inline(always)]
    fn entries(&self, bucket: u8) -> &[Entry] {
        self.buckets
            .get(usize::from(bucket) - 1)
            .map_or(&[], |bucket| bucket)
    }
}

/// Something begins like the literal of `entry` at `start`.
#[inline(never)]
fn found(
    text: Text<'_>,
    entry: &Entry,
    start: usize,
    resume: &mut Resume,
    hit: &mut impl FnMut(&Hit) -> Option<usize>,
) {
    let Some(end) = entry.end(text, start).filter(|_| text.look()) else {
        return;
    };
    let Row { trigger, which, .. } = entry.row;
    let found = Hit {
        trigger,
        which,
        start,
        end,
    };
    resume.hand_on(&found, hit);
}

/// Both cases of a letter alike; some signs become alike too.
#[inline(always)]
fn folded(window: u64) -> u64 {
    window | u64::from_ne_bytes([CASE; WINDOW])
}

/// The hash of the first three bytes.
#[inline(always)]
fn hash(folded: u64) -> usize {
    // Shifted, so that the fourth byte falls out of the product. Of 1,500 random odd factors the one with the fewest false
    // hits in prose and log lines.
    ((folded as u32).wrapping_mul(0x00f9_3899 << 8) >> (32 - HASH_BITS)) as usize
}

/// Does a built-in literal of names stand in `literal`? Then each name with it is looked at anyway.
pub(super) fn finds_name(literal: &str) -> bool {
    let literal = literal.to_ascii_lowercase();
    let names = LITERALS
        .iter()
        .filter(|(trigger, _)| *trigger == Trigger::Name);
    names
        .flat_map(|(_, names)| names.iter())
        .any(|name| literal.contains(name))
}

/// All built-in literals.
pub(super) fn literals() -> impl Iterator<Item = &'static str> {
    built_in().map(|row| row.literal)
}

fn built_in() -> impl Iterator<Item = Row> {
    let literals = LITERALS.iter().flat_map(|&(trigger, literals)| {
        literals.iter().map(move |&literal| Row {
            literal,
            trigger,
            which: 0,
        })
    });
    let vendors = VENDORS.iter().zip(0..).map(|(vendor, which)| Row {
        literal: vendor.prefix,
        trigger: Trigger::Token,
        which,
    });
    literals.chain(vendors)
}

/// At least three bytes each.
const LITERALS: &[(Trigger, &[&str])] = &[
    (
        Trigger::Name,
        &[
            "pass",
            "pwd",
            "secret",
            "token",
            "auth",
            "cred",
            "cookie",
            "ssn",
            "jwt",
            "csrf",
            "xsrf",
            "key",
            "sessid",
            "sessionid",
            "bearer",
            "social",
            "signature",
            "senha",
            "kennwort",
            "contrase",
            "psk",
            "pswd",
            "rootpw",
            "bindpw",
            "_pw",
            "mnemonic",
            "seedphrase",
            "phrase",
            "backup",
            "recovery",
            "scratch",
            "sig=",
            "pw=",
            "pw:",
            "pw\"",
            "пароль",
            "Пароль",
            "密码",
            "口令",
            "パスワード",
            "비밀번호",
            "wachtwoord",
            "parola",
            "hasło",
            "heslo",
            "lösenord",
            "salasana",
            "schlüssel",
            "schluessel",
            "clave",
            "clé",
            "jeton",
            "zugang",
            "geheimnis",
            "adgangskode",
            "jelszó",
            "şifre",
        ],
    ),
    (Trigger::EncodedEmail, &["%40", "\\u0040"]),
    (Trigger::Jwt, &["eyJ", "eyK"]),
    (Trigger::Bearer, &["bearer"]),
    (Trigger::Basic, &["basic"]),
    (Trigger::Url, &["://", ":\\/\\/"]),
    (Trigger::Ssn, &["ssn", "social security"]),
    (
        Trigger::PrivateKey,
        &["-----begin", "---- begin", "private-lines:"],
    ),
    (
        Trigger::Home,
        &[
            "/home/",
            "/users/",
            "\\users\\",
            "%2fhome%2f",
            "%2fusers%2f",
            "\\documents and settings\\",
        ],
    ),
    // The last letter of a level, and what parts it from its controls.
    (
        Trigger::Marking,
        &["t//", "l//", "d//", "i//", "s//", "c//", "u//"],
    ),
    (Trigger::MarkingWord, &["noforn"]),
    (Trigger::Command, PROGRAMS),
    (Trigger::LoginFlag, &[" -p ", " \"-p\"", " '-p'"]),
    (Trigger::Piped, &["echo "]),
    (Trigger::Modem, modem::COMMANDS),
    (
        Trigger::Identified,
        &["identified", "convertto-securestring"],
    ),
    (
        Trigger::Dialogue,
        &[
            "334 ",
            "auth login",
            "auth plain",
            "authenticate ",
            "auth 0 ",
            "acl setuser ",
            "auth\r\n",
            "auth\\r\\n",
        ],
    ),
    (
        Trigger::Infix,
        &[":aa", ":apa91b", ".atlasv1.", "_secret_", "7q~", "8q~"],
    ),
    (Trigger::Insert, &["values"]),
    (
        Trigger::Login,
        &[
            "@//",
            "oracle:thin:",
            "sqlplus ",
            "@tcp(",
            "@unix(",
            " login ",
        ],
    ),
    (Trigger::DashedIp, &["ip-", "ec2-"]),
];

#[cfg(test)]
mod tests {
    use super::super::text::{Source, Steps};
    use super::*;

    #[test]
    fn each_literal_is_found_at_both_ends_and_in_any_case() {
        for row in built_in() {
            assert!(row.literal.len() >= 3, "{}", row.literal);
            let upper = row.literal.to_ascii_uppercase();
            for (text, is_same_case) in [
                (upper.clone(), upper == row.literal),
                (format!("{} x", row.literal), true),
                (format!("x {}", row.literal), true),
            ] {
                let mut found = false;
                let source = Source::new(text.as_bytes(), Steps::of(text.len()));
                Table::built_in().scan(Text::of(&source), |hit| {
                    found |= (hit.trigger, hit.which, hit.end - hit.start)
                        == (row.trigger, row.which, row.literal.len());
                    None
                });
                let may_be_found = is_same_case || !row.trigger.is_exact();
                assert!(found || !may_be_found, "{} in {text}", row.literal);
            }
        }
    }
}
