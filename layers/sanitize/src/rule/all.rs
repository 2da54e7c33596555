//! All scanners, in the order of their rules.

use crate::rule::account;
use crate::rule::bearer;
use crate::rule::card;
use crate::rule::command;
use crate::rule::device;
use crate::rule::dialogue;
use crate::rule::email;
use crate::rule::home;
use crate::rule::insert;
use crate::rule::ip;
use crate::rule::jwt;
use crate::rule::literal;
use crate::rule::location;
use crate::rule::login;
use crate::rule::marking;
use crate::rule::modem;
use crate::rule::pairs;
use crate::rule::pem;
use crate::rule::phone;
use crate::rule::scanner::Scanner;
use crate::rule::shell;
use crate::rule::source;
use crate::rule::ssn;
use crate::rule::token;
use crate::rule::userinfo;
use crate::rules::rules;

macro_rules! scanners {
    ($($(#[$doc:meta])* $rule:ident = $name:literal, $whose:ident: [$($scanner:path),*],)*) => {
        pub(crate) static SCANNERS: &[&Scanner] = &[$($(&$scanner,)*)*];
    };
}
rules!(scanners);
