//! A person by one of their ids, known by name or only by a keyed hash of it.

use std::fmt;
use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// What an id is an id of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A user: what records claim, and whose token they came with. A look-up by user finds the same records.
    User,
    /// An installation of a program.
    Install,
    /// Whose token records came with, whoever they are about.
    Sender,
}

impl Kind {
    /// As a word: `user`, `install`, `sender`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Install => "install",
            Self::Sender => "sender",
        }
    }
}

/// The ids that a record has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Of<'a> {
    /// `user.id`.
    pub user: Option<&'a str>,
    /// `install.id`.
    pub install: Option<&'a str>,
    /// `courier.sender`.
    pub sender: Option<&'a str>,
}

/// The key of the hashes; nothing shows it.
#[derive(Clone)]
pub struct Key(Arc<[u8]>);

impl Key {
    /// The key of these bytes.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    /// The hash of an id; `of` keeps hashes for different uses apart.
    #[must_use]
    pub fn hash(&self, of: &str, id: &str) -> [u8; 32] {
        // A key of any length is good.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else {
            return [0; 32];
        };
        mac.update(of.as_bytes());
        mac.update(&[0]);
        mac.update(id.as_bytes());
        mac.finalize().into_bytes().into()
    }

    /// How the ledger of accepted names calls a sender who was erased.
    #[must_use]
    pub fn subject(&self, subject: &str) -> String {
        format!("{ERASED}{}", hex(&self.hash("subject", subject)))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

/// A person who is to be erased.
#[derive(Clone, Debug)]
pub struct Whom {
    kind: Kind,
    hash: [u8; 32],
    key: Key,
}

impl Whom {
    /// The one with this id.
    #[must_use]
    pub fn new(kind: Kind, id: &str, key: Key) -> Self {
        Self {
            kind,
            hash: key.hash(kind.name(), id),
            key,
        }
    }

    /// The one of whom this hash is known.
    #[must_use]
    pub fn hashed(kind: Kind, hash: [u8; 32], key: Key) -> Self {
        Self { kind, hash, key }
    }

    /// What the id is an id of.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The keyed hash of the id.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        self.hash
    }

    /// The key of the hash.
    #[must_use]
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// Whether this is the id.
    #[must_use]
    pub fn is(&self, id: &str) -> bool {
        self.key.hash(self.kind.name(), id) == self.hash
    }

    /// Whether what this sender sent is theirs.
    #[must_use]
    pub fn is_sender(&self, subject: &str) -> bool {
        matches!(self.kind, Kind::User | Kind::Sender) && !subject.is_empty() && self.is(subject)
    }

    /// Whether a record with these ids is theirs.
    #[must_use]
    pub fn owns(&self, of: &Of<'_>) -> bool {
        let is = |id: Option<&str>| id.is_some_and(|id| self.is(id));
        match self.kind {
            Kind::User => is(of.user) || (of.sender != of.user && is(of.sender)),
            Kind::Install => is(of.install),
            Kind::Sender => is(of.sender),
        }
    }
}

/// Bytes as lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// How a sender begins in the ledger who was erased.
pub const ERASED: &str = "erased:";
