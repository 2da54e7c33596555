//! The public API is what `layers/api.txt` and `layers/sanitize/api.txt` list: a change of it shows up in a review.
//!
//! Who changes it on purpose writes the lists anew, and looks at what they say:
//!
//! ```text
//! COURIER_API=write cargo test -p tracing-courier --test api
//! ```
//!
//! Listed is what can be named from outside: items with their signatures, public fields and variants, methods, and
//! which traits a type has. Read from the sources, with all features; hidden items are left out, and so is what a macro
//! makes, as the sanitizer's `Rule` from its table `rules.rs`.

mod listing;

use std::path::Path;

use listing::listing;

fn compare(root: &str, list: &str) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    if !here.join(root).exists() {
        // A package of one crate has no others beside it.
        return;
    }
    let is = listing(&here.join(root));
    let path = here.join(list);
    if std::env::var("COURIER_API").is_ok_and(|it| it == "write") {
        std::fs::write(&path, &is).unwrap();
    }
    let was = std::fs::read_to_string(&path).unwrap_or_default();
    let gone: Vec<&str> = was
        .lines()
        .filter(|it| !is.lines().any(|now| now == *it))
        .collect();
    let new: Vec<&str> = is
        .lines()
        .filter(|it| !was.lines().any(|then| then == *it))
        .collect();
    assert!(
        gone.is_empty() && new.is_empty(),
        "the public API is not what {list} lists.\nGone or changed:\n  {}\nNew or changed:\n  {}\nIf that is meant: \
         COURIER_API=write cargo test -p tracing-courier --test api",
        gone.join("\n  "),
        new.join("\n  ")
    );
}

#[test]
fn the_public_api_of_the_library_is_listed() {
    compare("src/lib.rs", "api.txt");
}

#[test]
fn the_public_api_of_the_sanitizer_is_listed() {
    compare("sanitize/src/lib.rs", "sanitize/api.txt");
}

/// Writes the files of a crate and lists it.
fn listed(files: &[(&str, &str)]) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    for (name, source) in files {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, source).unwrap();
    }
    let list = listing(&dir.path().join("lib.rs"));
    list.lines().map(str::to_owned).collect()
}

#[test]
fn what_can_be_named_from_outside_is_listed_and_nothing_else() {
    let list = listed(&[
        (
            "lib.rs",
            "mod a; pub mod b; pub use a::Known; pub(crate) use a::Hidden; fn private() {}",
        ),
        (
            "a.rs",
            "#[derive(Clone)] #[non_exhaustive] pub struct Known { pub field: u8, own: u8 } pub struct Hidden;
             impl Known { pub fn get(&self) -> u8 { self.own } fn own(&self) {} pub(crate) fn near(&self) {} }
             impl Drop for Known { fn drop(&mut self) {} }
             impl Hidden { pub fn get(&self) {} }",
        ),
        ("b.rs", "pub enum E { One, Two(u8), } pub fn f<T: Copy>(t: T) -> T { t } pub const N: u8 = 1;"),
    ]);
    assert_eq!(
        list,
        [
            "Known::field: u8",
            "b::E::One",
            "b::E::Two (u8)",
            "const b::N: u8",
            "enum b::E",
            "fn Known::get (& self) -> u8",
            "fn b::f < T : Copy > (t : T) -> T",
            "impl Clone for Known",
            "impl Drop for Known",
            "struct Known (non-exhaustive)",
        ]
    );
}

#[test]
fn a_changed_signature_changes_the_list() {
    let list =
        |result: &str| listed(&[("lib.rs", &format!("pub fn f() -> {result} {{ todo!() }}"))]);
    assert_ne!(list("u8"), list("u16"));
}
