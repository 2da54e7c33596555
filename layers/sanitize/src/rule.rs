//! The rules by name: what a marker, a counter and a report call them, and the scanners that find them.

use super::scanner::Scanner;
use super::{
    account, bearer, card, command, device, dialogue, email, home, insert, ip, jwt, literal,
    location, login, marking, modem, pairs, pem, phone, shell, source, ssn, token, userinfo,
};

/// Declares the rules. A row is the rule's documentation, its name, which policies have it, and the scanners that find
/// it; a rule that none finds comes from the policy or from trouble.
macro_rules! rules {
    ($($(#[$doc:meta])* $rule:ident = $name:literal, $whose:ident: [$($scanner:path),*],)*) => {
        /// What took a piece of text. Of two that overlap, the first in this list names the whole.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Rule {
            $($(#[$doc])* $rule,)*
        }

        impl Rule {
            /// Every rule, in the order of declaration.
            pub const ALL: [Self; [$($name),*].len()] = [$(Self::$rule),*];

            /// The name in markers, counters and reports.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$rule => $name,)*
                }
            }

            /// Which policies have it.
            pub(super) fn whose(self) -> Whose {
                match self {
                    $(Self::$rule => Whose::$whose,)*
                }
            }
        }

        /// All scanners, in the order of their rules.
        pub(super) static SCANNERS: &[&Scanner] = &[$($(&$scanner,)*)*];
    };
}

rules! {
    /// Something inside went wrong: the whole text goes.
    Error = "error", Always: [],
    /// A classification marking.
    Classification = "classification", Personal: [marking::LEVELS, marking::WORD],
    /// The value of a secret name.
    Key = "key", Always: [pairs::NAMES, command::SCANNER, dialogue::SCANNER, insert::SCANNER, literal::SCANNER, login::SCANNER, modem::SCANNER, shell::LOGIN_FLAG, shell::PIPED],
    /// A PEM private key.
    PrivateKey = "private_key", Always: [pem::SCANNER],
    /// A secret that the policy knows word by word.
    Known = "known", Always: [],
    /// A pattern of the policy.
    Pattern = "pattern", Always: [],
    /// A token with the form of a known vendor.
    Token = "token", Always: [token::VENDORS, token::INFIXES],
    /// A JSON web token.
    Jwt = "jwt", Always: [jwt::SCANNER],
    /// The credential after `Bearer`.
    Bearer = "bearer", Always: [bearer::BEARER],
    /// The credential after `Basic`.
    Basic = "basic", Always: [bearer::BASIC],
    /// `user:password@` in a URL.
    Userinfo = "userinfo", Always: [userinfo::SCANNER],
    /// A US social security number.
    Ssn = "ssn", Personal: [ssn::NAMED],
    /// A payment card number.
    Card = "card", Personal: [card::SCANNER],
    /// A bank account number (strict).
    Iban = "iban", Strict: [account::IBAN],
    /// A device's IMEI (strict).
    Imei = "imei", Strict: [device::IMEI],
    /// A DoD identification number (strict).
    Edipi = "edipi", Strict: [account::EDIPI],
    /// An e-mail address.
    Email = "email", Personal: [email::ENCODED],
    /// An IPv4 or IPv6 address.
    Ip = "ip", Personal: [ip::DASHED],
    /// A hardware address (strict).
    Mac = "mac", Strict: [device::MAC],
    /// A phone number (strict).
    Phone = "phone", Strict: [phone::SCANNER],
    /// Coordinates (strict).
    Location = "location", Strict: [location::SCANNER],
    /// The way to a source file in a stack trace, cut to crate-relative.
    Path = "path", Personal: [source::SCANNER],
    /// A user's home directory, cut to `~`.
    Home = "home", Personal: [home::SCANNER],
}

/// Which policies have a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    Always,
    /// All but the minimal profile: personal data.
    Personal,
    /// The strict profile alone.
    Strict,
}

/// Where a text comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// The record's message, or a panic's.
    Message,
    /// The value of a field of an event or a span.
    Attribute,
    /// A value whose name says that it is a version: `1.2.3.4` is no address there.
    Version,
    /// An error's text.
    Error,
    /// A stack trace: paths to source files are cut to crate-relative.
    Stack,
    /// A resource attribute.
    Resource,
    /// A breadcrumb.
    Breadcrumb,
}

impl Place {
    /// Every place, in the order of declaration.
    pub const ALL: [Self; 7] = [
        Self::Message,
        Self::Attribute,
        Self::Version,
        Self::Error,
        Self::Stack,
        Self::Resource,
        Self::Breadcrumb,
    ];

    /// The name in counters and reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Attribute => "attribute",
            Self::Version => "version",
            Self::Error => "error",
            Self::Stack => "stack",
            Self::Resource => "resource",
            Self::Breadcrumb => "breadcrumb",
        }
    }
}
