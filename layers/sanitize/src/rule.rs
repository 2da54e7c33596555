//! The rules by name: what a marker, a counter and a report call them.

/// What took a piece of text. Of two that overlap, the first in this list names the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Rule {
    /// Something inside went wrong: the whole text goes.
    Error,
    /// A classification marking.
    Classification,
    /// The value of a secret name.
    Key,
    /// A PEM private key.
    PrivateKey,
    /// A secret that the policy knows word by word.
    Known,
    /// A pattern of the policy.
    Pattern,
    /// A token with the form of a known vendor.
    Token,
    /// A JSON web token.
    Jwt,
    /// The credential after `Bearer`.
    Bearer,
    /// The credential after `Basic`.
    Basic,
    /// `user:password@` in a URL.
    Userinfo,
    /// A US social security number.
    Ssn,
    /// A payment card number.
    Card,
    /// A bank account number (strict).
    Iban,
    /// A device's IMEI (strict).
    Imei,
    /// A DoD identification number (strict).
    Edipi,
    /// An e-mail address.
    Email,
    /// An IPv4 or IPv6 address.
    Ip,
    /// A hardware address (strict).
    Mac,
    /// A phone number (strict).
    Phone,
    /// Coordinates (strict).
    Location,
    /// The way to a source file in a stack trace, cut to crate-relative.
    Path,
    /// A user's home directory, cut to `~`.
    Home,
}

impl Rule {
    /// Every rule, in the order of declaration.
    pub const ALL: [Self; 23] = [
        Self::Error,
        Self::Classification,
        Self::Key,
        Self::PrivateKey,
        Self::Known,
        Self::Pattern,
        Self::Token,
        Self::Jwt,
        Self::Bearer,
        Self::Basic,
        Self::Userinfo,
        Self::Ssn,
        Self::Card,
        Self::Iban,
        Self::Imei,
        Self::Edipi,
        Self::Email,
        Self::Ip,
        Self::Mac,
        Self::Phone,
        Self::Location,
        Self::Path,
        Self::Home,
    ];

    /// The name in markers, counters and reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Classification => "classification",
            Self::Key => "key",
            Self::PrivateKey => "private_key",
            Self::Known => "known",
            Self::Pattern => "pattern",
            Self::Token => "token",
            Self::Jwt => "jwt",
            Self::Bearer => "bearer",
            Self::Basic => "basic",
            Self::Userinfo => "userinfo",
            Self::Ssn => "ssn",
            Self::Card => "card",
            Self::Iban => "iban",
            Self::Imei => "imei",
            Self::Edipi => "edipi",
            Self::Email => "email",
            Self::Ip => "ip",
            Self::Mac => "mac",
            Self::Phone => "phone",
            Self::Location => "location",
            Self::Path => "path",
            Self::Home => "home",
        }
    }
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
