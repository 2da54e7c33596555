//! Which token subjects have sent records of which install and session, so that a rule for one of them is told to no
//! other.
//!
//! In memory and bounded: a relay that has just started, or one with very many devices, has to hear a device's next batch
//! first; its answer then carries the tag of the rule. A device that several users log in to has several subjects. A device that
//! sends records in the name of another's install hears of its rule, too, and those records carry its own subject.

use std::collections::HashSet;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::mem;
use std::sync::{Mutex, PoisonError};

use super::program::Program;

/// Pairs of a subject and an install or session.
#[derive(Debug, Default)]
pub struct Bonds {
    hasher: RandomState,
    heard: Mutex<Heard>,
}

/// Those heard of late, and those before: when the first are many they take the place of the others.
#[derive(Debug, Default)]
struct Heard {
    late: HashSet<u64>,
    before: HashSet<u64>,
}

impl Bonds {
    /// A batch of this program was accepted.
    pub fn note(&self, program: &Program<&str>) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        for bond in self.of(program).into_iter().flatten() {
            if heard.late.len() >= MAX_LATE && !heard.late.contains(&bond) {
                heard.before = mem::take(&mut heard.late);
            }
            heard.late.insert(bond);
        }
    }

    /// The program without an install or session that its subject has sent nothing of.
    pub fn known<'p>(&self, program: &Program<&'p str>) -> Program<&'p str> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let [install, session] = self.of(program).map(|bond| {
            bond.is_some_and(|bond| heard.late.contains(&bond) || heard.before.contains(&bond))
        });
        Program {
            install: program.install.filter(|_| install),
            session: program.session.filter(|_| session),
            ..*program
        }
    }

    fn of(&self, program: &Program<&str>) -> [Option<u64>; 2] {
        [(0, program.install), (1, program.session)].map(|(kind, name)| {
            let mut hash = self.hasher.build_hasher();
            hash.write_u8(kind);
            for text in [program.subject?, name?] {
                hash.write_usize(text.len());
                hash.write(text.as_bytes());
            }
            Some(hash.finish())
        })
    }
}

/// Bonds in each half: about a megabyte.
const MAX_LATE: usize = 65_536;

#[cfg(test)]
mod tests {
    use super::*;

    fn program<'p>(subject: &'p str, install: &'p str) -> Program<&'p str> {
        Program {
            subject: Some(subject),
            install: Some(install),
            session: Some("s-1"),
            service: Some("app"),
            version: None,
        }
    }

    #[test]
    fn only_who_has_sent_of_an_install_is_known_with_it() {
        let bonds = Bonds::default();
        assert_eq!(bonds.known(&program("a", "i-1")).install, None);
        bonds.note(&program("a", "i-1"));
        let known = bonds.known(&program("a", "i-1"));
        assert_eq!((known.install, known.session), (Some("i-1"), Some("s-1")));
        let known = bonds.known(&program("b", "i-1"));
        assert_eq!(
            (known.install, known.session, known.service),
            (None, None, Some("app"))
        );
        let known = bonds.known(&program("a", "s-1"));
        assert_eq!(known.install, None, "a session is no install");
        let nobody = Program {
            subject: None,
            ..program("a", "i-1")
        };
        bonds.note(&nobody);
        assert_eq!(bonds.known(&nobody).install, None);
    }

    #[test]
    fn it_never_grows_past_its_bound() {
        let bonds = Bonds::default();
        for n in 0..3 * MAX_LATE {
            bonds.note(&program("a", &n.to_string()));
        }
        let heard = bonds.heard.lock().expect("nobody panicked");
        assert!(heard.late.len() <= MAX_LATE && heard.before.len() <= MAX_LATE);
    }
}
