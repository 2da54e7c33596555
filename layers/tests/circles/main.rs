//! No file of a crate imports another in a circle, in each crate of the workspace.
//!
//! Read are `use` lines and paths in the code, without what is compiled for tests alone. A name that is handed on by
//! another module counts for the file that defines it.

mod tree;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tree::Tree;

/// Circles that stay, each with its reason: any of its files names it. At most three.
const EXCEPTIONS: &[(&str, &str)] = &[];

/// Where each crate begins, from the root of the workspace.
const CRATES: &[&str] = &[
    "layers/sanitize/src/lib.rs",
    "layers/src/lib.rs",
    "relay/src/lib.rs",
    "relay/src/bin/courier-relay/main.rs",
];

#[test]
fn no_file_imports_another_in_a_circle() {
    assert!(EXCEPTIONS.len() <= 3);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found = Vec::new();
    let mut files = 0;
    // A package of one crate has no others beside it.
    for crate_root in CRATES.iter().map(|file| root.join(file)) {
        if crate_root.exists() {
            let tree = Tree::read(&crate_root);
            files += tree.files().count();
            found.extend(circles(&tree.imports()));
        }
    }
    assert!(files > 100, "{files} files were read");
    found.retain(|circle| {
        let is_excepted = |file: &PathBuf| EXCEPTIONS.iter().any(|(name, _)| file.ends_with(name));
        !circle.keys().any(is_excepted)
    });
    let count = found.len();
    assert_eq!(count, 0, "circles:\n{}", shown(&found, &root));
}

/// What each file takes from each other, by name.
type Imports = BTreeMap<PathBuf, BTreeMap<PathBuf, Vec<String>>>;

/// The sets of files that reach each other, with the imports among them.
fn circles(imports: &Imports) -> Vec<Imports> {
    let reached: BTreeMap<&PathBuf, Vec<&PathBuf>> = imports
        .keys()
        .map(|file| (file, reached_from(file, imports)))
        .collect();
    let is_one = |one: &PathBuf, other: &PathBuf| {
        let reaches = |from, to| reached.get(from).is_some_and(|files| files.contains(&to));
        reaches(one, other) && reaches(other, one)
    };
    let mut found: Vec<Imports> = Vec::new();
    for file in imports.keys() {
        if !is_one(file, file) || found.iter().any(|circle| circle.contains_key(file)) {
            continue;
        }
        let within = imports.iter().filter(|(other, _)| is_one(file, other));
        let circle = within.map(|(other, targets)| {
            let targets = targets.iter().filter(|(target, _)| is_one(file, target));
            let targets = targets.map(|(target, names)| (target.clone(), names.clone()));
            (other.clone(), targets.collect())
        });
        found.push(circle.collect());
    }
    found
}

fn reached_from<'i>(file: &PathBuf, imports: &'i Imports) -> Vec<&'i PathBuf> {
    let mut reached = Vec::new();
    let mut open = vec![file];
    while let Some(at) = open.pop() {
        for target in imports.get(at).into_iter().flat_map(BTreeMap::keys) {
            if !reached.contains(&target) {
                reached.push(target);
                open.push(target);
            }
        }
    }
    reached
}

fn shown(circles: &[Imports], root: &Path) -> String {
    let short = |file: &PathBuf| {
        file.strip_prefix(root)
            .unwrap_or(file)
            .display()
            .to_string()
    };
    let mut text = String::new();
    for circle in circles {
        text += &format!("{} files:\n", circle.len());
        for (file, targets) in circle {
            for (target, names) in targets {
                text += &format!(
                    "  {} -> {}: {}\n",
                    short(file),
                    short(target),
                    names.join(", ")
                );
            }
        }
    }
    text
}

/// Writes the files of a crate and reads it.
#[cfg(test)]
fn planted(files: &[(&str, &str)]) -> Vec<Imports> {
    let dir = tempfile::tempdir().unwrap();
    for (name, source) in files {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, source).unwrap();
    }
    circles(&Tree::read(&dir.path().join("lib.rs")).imports())
}

#[test]
fn a_circle_of_two_files_is_found_however_they_name_each_other() {
    let ways = [
        "use crate::b::B;",
        "use super::b::{self, B as C};",
        "use super::b; fn f() -> b::B { b::B }",
        "fn f() { crate::b::g(); }",
        "fn f() { println!(\"{}\", crate::b::N); }",
        "struct S { b: super::b::B }",
        // By a name that the root hands on.
        "use crate::Known;",
        "use super::*; fn f() -> Known { Known }",
    ];
    for way in ways {
        let found = planted(&[
            ("lib.rs", "mod a; mod b; pub use b::B as Known;"),
            ("a.rs", &format!("{way} pub struct A;")),
            (
                "b.rs",
                "use crate::a::A; pub struct B; pub fn g() {} pub const N: u8 = 1;",
            ),
        ]);
        // A glob alone names nothing.
        let expected = usize::from(!way.contains('*'));
        assert_eq!(found.len(), expected, "{way}: {found:?}");
    }
}

#[test]
fn a_child_that_takes_from_its_parent_what_that_takes_from_it_is_a_circle() {
    let parent = "mod child; pub struct P; pub fn f() { child::g(); }";
    let child = ("m/child.rs", "use super::P; pub fn g() {}");
    let found = planted(&[("lib.rs", "mod m;"), ("m/mod.rs", parent), child]);
    assert_eq!(found.len(), 1);
}

#[test]
fn a_parent_that_only_hands_on_is_no_circle() {
    let found = planted(&[
        ("lib.rs", "mod m;"),
        (
            "m/mod.rs",
            "mod one; mod two; pub use one::One; pub use two::Two;",
        ),
        ("m/one.rs", "pub struct One;"),
        ("m/two.rs", "use super::One; pub struct Two(One);"),
    ]);
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn a_crate_that_the_root_hands_on_is_no_circle() {
    let found = planted(&[
        ("lib.rs", "mod a; pub use {jiff, a::A}; pub struct Root;"),
        ("a.rs", "use jiff::Timestamp; pub struct A(Timestamp);"),
    ]);
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn what_is_compiled_for_tests_alone_does_not_count() {
    let found = planted(&[
        ("lib.rs", "mod a; mod b; #[cfg(test)] mod tests;"),
        (
            "a.rs",
            "pub struct A; #[cfg(test)] mod tests { use crate::b::B; }",
        ),
        ("b.rs", "use crate::a::A; pub struct B;"),
        ("tests.rs", "use crate::a::A;"),
    ]);
    assert!(found.is_empty(), "{found:?}");
}
