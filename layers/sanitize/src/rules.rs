//! The rules, one row each. A row is the rule's documentation, its name, which policies have it, and the scanners in
//! `rule` that find it; what none finds comes from the policy, or from trouble.

/// Hands the rows to the macro `$with`.
macro_rules! rules {
    ($with:ident) => {
        $with! {
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
    };
}
pub(crate) use rules;
