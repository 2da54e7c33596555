//! All scanners, in the order of their rules.

use crate::rule::scanner::Scanner;
use crate::rules::rules;

macro_rules! scanners {
    ($($(#[$doc:meta])* $rule:ident = $name:literal, $whose:ident: [$($module:ident::$scanner:ident),*],)*) => {
        pub(crate) static SCANNERS: &[&Scanner] = &[$($(&crate::rule::$module::$scanner,)*)*];
    };
}
rules!(scanners);
