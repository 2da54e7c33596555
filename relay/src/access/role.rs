//! What a caller of the admin API may do.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a caller may do. A role has all rights of those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Looks and exports.
    Read,
    /// Also changes what programs and the relay do: levels, dead letters, imports.
    Operate,
    /// Also sees the audit, forgets people, makes and removes tokens.
    Admin,
}

impl Role {
    /// All roles, the least first.
    pub const ALL: [Self; 3] = [Self::Read, Self::Operate, Self::Admin];

    /// The role's name, as commands and answers have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Operate => "operate",
            Self::Admin => "admin",
        }
    }

    /// Whether this role may do what needs `needed`.
    #[must_use]
    pub fn may(self, needed: Self) -> bool {
        self >= needed
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// There is no such role. Use one that is named.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no role `{0}`: use read, operate or admin")]
pub struct UnknownRole(String);

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let role = Self::ALL.into_iter().find(|role| role.name() == text);
        role.ok_or_else(|| UnknownRole(super::deed::shown(text, MAX_SHOWN)))
    }
}

/// Characters of an unknown role that are shown.
const MAX_SHOWN: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_may_what_the_roles_below_it_may_and_no_more() {
        use Role::{Admin, Operate, Read};
        for (has, may) in [
            (Read, [true, false, false]),
            (Operate, [true, true, false]),
            (Admin, [true, true, true]),
        ] {
            assert_eq!(Role::ALL.map(|needed| has.may(needed)), may, "{has}");
        }
    }

    #[test]
    fn an_unknown_role_is_named_with_what_is_possible() {
        for (said, expected) in [
            (
                "root",
                "there is no role `root`: use read, operate or admin",
            ),
            (
                "Read",
                "there is no role `Read`: use read, operate or admin",
            ),
            (
                "a\u{1b}[2J",
                r"there is no role `a\u001b[2J`: use read, operate or admin",
            ),
        ] {
            let error = said.parse::<Role>().expect_err("it is none");
            assert_eq!(error.to_string(), expected);
        }
        let long = "x".repeat(10_000).parse::<Role>().expect_err("it is none");
        assert!(long.to_string().len() < 100, "{long}");
    }
}
