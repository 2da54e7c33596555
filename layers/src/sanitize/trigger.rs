//! Pass one: every literal that may begin something.
//!
//! A hit only names a scanner and a place; the scanner decides. The built-in literals are found by their first three
//! bytes: each place of the text is looked up in a small table, independently of the one before, so a clean line costs
//! less than a nanosecond a byte here. An automaton (measured first) waits for its own last step at each byte.

use std::sync::LazyLock;

use aho_corasick::automaton::Automaton;
use aho_corasick::dfa::DFA;
use aho_corasick::{Anchored, MatchKind, StartKind};

use super::command::PROGRAMS;
use super::modem;
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
    Infix,
    Insert,
    Login,
    LoginFlag,
    Piped,
    Modem,
}

impl Trigger {
    /// How many there are.
    pub const COUNT: usize = 23;
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
    index: Box<[u8; BUCKETS]>,
    buckets: Vec<Vec<Row>>,
}

const BUCKET_BITS: u32 = 13;
const BUCKETS: usize = 1 << BUCKET_BITS;
static TABLE: LazyLock<Table> = LazyLock::new(Table::new);

impl Table {
    /// The table, made once in a process.
    pub fn built_in() -> &'static Self {
        &TABLE
    }

    fn new() -> Self {
        let mut table = Self {
            index: Box::new([0; BUCKETS]),
            buckets: Vec::new(),
        };
        for row in built_in() {
            let [a, b, c, ..] = *row.literal.as_bytes() else {
                continue;
            };
            let Some(slot) = table.index.get_mut(hash([a, b, c, 0])) else {
                continue;
            };
            if *slot == 0 {
                table.buckets.push(Vec::new());
                // Never more than there are literals; a test counts them.
                *slot = u8::try_from(table.buckets.len()).unwrap_or(u8::MAX);
            }
            if let Some(bucket) = table.buckets.get_mut(usize::from(*slot) - 1) {
                bucket.push(row);
            }
        }
        table
    }

    /// Calls `hit` at each literal, overlapping ones too, in the order of their starts.
    #[inline]
    pub fn scan(&self, text: &[u8], mut hit: impl FnMut(Hit)) {
        for (start, window) in text.windows(4).enumerate() {
            let window = <[u8; 4]>::try_from(window).unwrap_or_default();
            self.look(text, start, window, &mut hit);
        }
        // The last three bytes; no literal is shorter.
        if let Some(start) = text.len().checked_sub(3)
            && let Some(&[a, b, c]) = text.last_chunk::<3>()
        {
            self.look(text, start, [a, b, c, 0], &mut hit);
        }
    }

    #[inline(always)]
    fn look(&self, text: &[u8], start: usize, window: [u8; 4], hit: &mut impl FnMut(Hit)) {
        let bucket = self.index.get(hash(window)).copied().unwrap_or(0);
        if bucket != 0 {
            self.compare(text, start, usize::from(bucket) - 1, hit);
        }
    }

    fn compare(&self, text: &[u8], start: usize, bucket: usize, hit: &mut impl FnMut(Hit)) {
        for row in self.buckets.get(bucket).into_iter().flatten() {
            let end = start + row.literal.len();
            let found = text.get(start..end);
            if found.is_some_and(|found| found.eq_ignore_ascii_case(row.literal.as_bytes())) {
                hit(Hit {
                    trigger: row.trigger,
                    which: row.which,
                    start,
                    end,
                });
            }
        }
    }
}

/// The hash of the first three bytes, the same for both cases of a letter.
#[inline(always)]
fn hash(window: [u8; 4]) -> usize {
    let folded = (u32::from_le_bytes(window) & 0x00ff_ffff) | 0x0020_2020;
    // Knuth's multiplicative hash.
    (folded.wrapping_mul(0x9e37_79b1) >> (32 - BUCKET_BITS)) as usize
}

/// A literal of the policy.
pub(super) struct Own<'p> {
    literal: &'p str,
    trigger: Trigger,
    which: u16,
}

impl<'p> Own<'p> {
    pub fn new(literal: &'p str, trigger: Trigger, which: u16) -> Self {
        Self {
            literal,
            trigger,
            which,
        }
    }
}

/// The policy's literals, of any number and length: an automaton.
pub(super) struct Triggers {
    automaton: Option<DFA>,
    rows: Vec<(Trigger, u16, usize)>,
}

impl Triggers {
    pub fn new(own: &[Own<'_>]) -> Self {
        let automaton = DFA::builder()
            .match_kind(MatchKind::Standard)
            .start_kind(StartKind::Unanchored)
            .ascii_case_insensitive(true)
            .prefilter(false)
            .build(own.iter().map(|own| own.literal))
            .ok();
        let row = |own: &Own<'_>| (own.trigger, own.which, own.literal.len());
        Self {
            automaton,
            rows: own.iter().map(row).collect(),
        }
    }

    /// Calls `hit` at each literal, overlapping ones too, in the order of their ends. `false` when the automaton could
    /// not be built, so that nothing is known about the text.
    pub fn scan(&self, text: &[u8], mut hit: impl FnMut(Hit)) -> bool {
        let Some(dfa) = &self.automaton else {
            return false;
        };
        let Ok(mut state) = dfa.start_state(Anchored::No) else {
            return false;
        };
        for (at, &byte) in text.iter().enumerate() {
            state = dfa.next_state(Anchored::No, state, byte);
            if !(dfa.is_special(state) && dfa.is_match(state)) {
                continue;
            }
            for index in 0..dfa.match_len(state) {
                let row = dfa.match_pattern(state, index).as_usize();
                if let Some(&(trigger, which, len)) = self.rows.get(row) {
                    hit(Hit {
                        trigger,
                        which,
                        start: (at + 1).saturating_sub(len),
                        end: at + 1,
                    });
                }
            }
        }
        true
    }
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
    (Trigger::Jwt, &["eyj", "eyk"]),
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
    (Trigger::Identified, &["identified by"]),
    (
        Trigger::Infix,
        &[":aa", ":apa91b", ".atlasv1.", "_secret_", "7q~", "8q~"],
    ),
    (Trigger::Insert, &["values"]),
    (
        Trigger::Login,
        &["@//", "oracle:thin:", "sqlplus ", "@tcp(", "@unix("],
    ),
    (Trigger::DashedIp, &["ip-", "ec2-"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_literal_is_found_at_both_ends_and_in_any_case() {
        for row in built_in() {
            assert!(row.literal.len() >= 3, "{}", row.literal);
            for text in [
                row.literal.to_ascii_uppercase(),
                format!("{} x", row.literal),
                format!("x {}", row.literal),
            ] {
                let mut found = false;
                Table::built_in().scan(text.as_bytes(), |hit| {
                    found |= (hit.trigger, hit.which, hit.end - hit.start)
                        == (row.trigger, row.which, row.literal.len());
                });
                assert!(found, "{} in {text}", row.literal);
            }
        }
    }

    #[test]
    fn the_buckets_can_be_counted_in_a_byte() {
        assert!(Table::built_in().buckets.len() < usize::from(u8::MAX));
    }
}
