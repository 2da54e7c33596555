//! Rust's frames, spelled the same whichever way their symbols were mangled.
//!
//! The two manglings differ in what they keep. The legacy one knows no generic arguments and no type behind a default
//! method; it writes `module::<impl Trait for Type>::method` where the v0 one writes `<Type as Trait>::method`, and
//! `Type::method` for `<Type>::method`. What both tell is left:
//!
//! - a function is its path, without hashes, generic arguments and closures;
//! - a method of a trait is `Trait::method`, whoever's type it is called on;
//! - a method that a foreign trait *requires* (`drop`, `fmt`, `poll` …) is the type's, if that is the program's:
//!   `<Type as Trait>::method`. One that it may have from the trait is the trait's, and foreign.

/// The function of `<function>` or, as a full backtrace prints it, `0x55d0c0ffee - <function>`, if it is the program's.
pub fn frame(text: &str) -> Option<String> {
    let symbol = match text.split_once(" - ") {
        Some((address, symbol)) if address.starts_with("0x") => symbol,
        _ => text,
    };
    relevant(Function::of(symbol))
}

fn relevant(function: Function) -> Option<String> {
    match function {
        // `main` is the program's too, but the C entry point carries the same name and stands below `std::rt`.
        Function::Path(path) => (path.contains("::") && !is_foreign(&path)).then_some(path),
        Function::Method { of, by, method } => {
            if !is_foreign(&by) {
                return Some(format!("{by}::{method}"));
            }
            let is_required = REQUIRED.contains(&method.as_str());
            let is_ours = of.contains("::") && !is_foreign(&of);
            (is_required && is_ours).then(|| format!("<{of} as {by}>::{method}"))
        }
    }
}

/// What a symbol says.
#[derive(Debug, PartialEq, Eq)]
enum Function {
    /// A function, or a method of a type's own.
    Path(String),
    /// A trait's method, and the type that it is called on.
    Method {
        of: String,
        by: String,
        method: String,
    },
}

impl Function {
    fn of(symbol: &str) -> Self {
        let symbol = without_hash(symbol);
        if !symbol.contains(['<', '[', '{', '(']) {
            return Self::Path(symbol.to_owned());
        }
        // The legacy mangling has no sign for `-`.
        let symbol = symbol.replace(".>", "->");
        let implementation = if symbol.starts_with('<') {
            symbol.get(1..)
        } else {
            at_top(&symbol, "::<impl ").map(|(_, rest)| rest)
        };
        let Some((inside, rest)) = implementation.and_then(until_closed) else {
            return Self::Path(plain(&symbol));
        };
        let (of, by) = match (at_top(inside, " as "), at_top(inside, " for ")) {
            (Some((of, by)), _) => (of, Some(by)),
            (None, Some((by, of))) => (of, Some(by)),
            (None, None) => (inside, None),
        };
        let of = plain(without_pointer(of));
        let method = plain(rest.trim_start_matches("::"));
        match by {
            Some(by) => Self::Method {
                of,
                by: plain(by),
                method,
            },
            None => Self::Path(format!("{of}::{method}")),
        }
    }
}

/// Without `::h` and sixteen hex digits, which change with every build.
fn without_hash(symbol: &str) -> &str {
    match symbol.rsplit_once("::h") {
        Some((path, hash))
            if hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) =>
        {
            path
        }
        _ => symbol,
    }
}

fn without_pointer(of: &str) -> &str {
    let mut of = of;
    loop {
        let shorter = ["&", "*", "mut ", "const ", "dyn "]
            .iter()
            .fold(of, |of, prefix| of.trim_start_matches(prefix));
        // A lifetime.
        let shorter = match shorter.strip_prefix('\'') {
            Some(rest) => rest.split_once(' ').map_or(shorter, |(_, of)| of),
            None => shorter,
        };
        if shorter == of {
            return of;
        }
        of = shorter;
    }
}

/// What is inside the angle bracket that has been opened, and what follows it.
fn until_closed(text: &str) -> Option<(&str, &str)> {
    let mut depth = Depth::default();
    for (at, character) in text.char_indices() {
        if character == '>' && depth.is_top() && !depth.is_arrow() {
            return Some((text.get(..at)?, text.get(at + 1..)?));
        }
        depth.pass(character);
    }
    None
}

/// What stands before and behind the first `word` that is inside no bracket.
fn at_top<'t>(text: &'t str, word: &str) -> Option<(&'t str, &'t str)> {
    let mut depth = Depth::default();
    for (at, character) in text.char_indices() {
        if depth.is_top()
            && let Some(rest) = text.get(at..).and_then(|rest| rest.strip_prefix(word))
        {
            return Some((text.get(..at)?, rest));
        }
        depth.pass(character);
    }
    None
}

/// A path or type without what is in brackets of any kind: generic arguments, hashes of crates, closures, tuples.
fn plain(text: &str) -> String {
    let mut depth = Depth::default();
    let mut path = String::with_capacity(text.len());
    for character in text.chars() {
        let was_top = depth.is_top();
        depth.pass(character);
        if was_top && depth.is_top() && !matches!(character, '<' | '>' | ' ' | '-') {
            path.push(character);
        }
    }
    let segments: Vec<&str> = path
        .split("::")
        .filter(|segment| !segment.is_empty())
        .collect();
    segments.join("::")
}

/// How many brackets are open.
#[derive(Default)]
struct Depth {
    open: usize,
    previous: char,
}

impl Depth {
    fn is_top(&self) -> bool {
        self.open == 0
    }

    /// Whether a `>` that comes now is the head of an arrow.
    fn is_arrow(&self) -> bool {
        self.previous == '-'
    }

    fn pass(&mut self, character: char) {
        match character {
            '<' | '[' | '{' | '(' => self.open += 1,
            '>' if self.is_arrow() => {}
            '>' | ']' | '}' | ')' => self.open = self.open.saturating_sub(1),
            _ => {}
        }
        self.previous = character;
    }
}

fn is_foreign(path: &str) -> bool {
    let crate_name = path.split("::").next().unwrap_or_default();
    crate_name.is_empty() || !path.contains("::") || FOREIGN.contains(&crate_name)
}

/// Methods that the traits of the standard library and of serde ask of every type.
const REQUIRED: [&str; 27] = [
    "drop",
    "fmt",
    "poll",
    "next",
    "from",
    "try_from",
    "from_str",
    "from_iter",
    "default",
    "clone",
    "deref",
    "deref_mut",
    "index",
    "index_mut",
    "eq",
    "cmp",
    "partial_cmp",
    "hash",
    "as_ref",
    "as_mut",
    "borrow",
    "extend",
    "read",
    "write",
    "flush",
    "serialize",
    "deserialize",
];

/// Crates that no field program's authors wrote: the standard library, async runtimes, error and log machinery.
const FOREIGN: [&str; 34] = [
    "std",
    "core",
    "alloc",
    "backtrace",
    "panic_unwind",
    "proc_macro",
    "test",
    "rustc_demangle",
    "gimli",
    "addr2line",
    "tokio",
    "tokio_util",
    "async_std",
    "smol",
    "async_executor",
    "async_io",
    "async_task",
    "futures",
    "futures_util",
    "futures_executor",
    "futures_core",
    "mio",
    "rayon",
    "rayon_core",
    "crossbeam",
    "tracing",
    "tracing_core",
    "tracing_subscriber",
    "tracing_courier",
    "log",
    "anyhow",
    "eyre",
    "hyper",
    "tower",
];

#[cfg(test)]
mod tests {
    use super::*;

    /// What rustc 1.95 says of one program (`tests/backtraces/app.rs`) under each mangling.
    const LEGACY: &str = include_str!("../../tests/backtraces/legacy.txt");
    const V0: &str = include_str!("../../tests/backtraces/v0.txt");

    fn of(line: &str) -> Option<String> {
        frame(line.trim().split_once(": ").expect("a numbered frame").1)
    }

    #[test]
    fn both_manglings_of_every_function_of_a_real_program_are_one_frame() {
        let mut relevant = Vec::new();
        for (legacy, v0) in LEGACY.lines().zip(V0.lines()) {
            assert_eq!(of(legacy), of(v0), "{legacy}\n{v0}");
            relevant.extend(of(v0));
        }
        assert_eq!(LEGACY.lines().count(), V0.lines().count());
        let expected = [
            "app::trace",
            "app::sync::inner",
            "app::sync::Store::put",
            "app::sync::Store::put",
            "app::sync::Store::def",
            "app::sync::closures",
            "app::sync::closures",
            "app::sync::closures",
            "app::sync::Store::put",
            "app::sync::Queue::push",
            "app::sync::Store::put",
            "app::sync::Store::def",
            "app::sync::Store::put",
            "app::sync::Store::put",
            "app::sync::Store::put",
            "app::sync::Store::put",
            "app::sync::Store::put",
            "app::dyn_::D::kids",
            "app::dyn_::D::kids",
            "app::main",
            "app::main",
        ];
        assert_eq!(relevant, expected);
    }

    #[test]
    fn a_function_has_one_spelling_in_each_mangling_and_build() {
        let cases = [
            (
                "app::sync::upload::h0123456789abcdef",
                Some("app::sync::upload"),
            ),
            (
                "app[4f2a9c1b0d3e5f67]::sync::upload::<u32>",
                Some("app::sync::upload"),
            ),
            (
                "app::sync::upload::{{closure}}::h0123456789abcdef",
                Some("app::sync::upload"),
            ),
            (
                "app::sync::upload::{closure#0}::{closure#3}",
                Some("app::sync::upload"),
            ),
            (
                "0x55d0c0ffee - app::sync::upload",
                Some("app::sync::upload"),
            ),
            ("<app::Queue>::push", Some("app::Queue::push")),
            (
                "app::other::<impl app::Queue<T>>::push",
                Some("app::Queue::push"),
            ),
            (
                "<app[12ab]::Queue<u8> as app[12ab]::Store>::push",
                Some("app::Store::push"),
            ),
            (
                "app::<impl app::Store for fn(u8) .> u8>::push",
                Some("app::Store::push"),
            ),
            ("app::call::<fn(u8) -> u8>", Some("app::call")),
            (
                "<app::Guard as core::ops::drop::Drop>::drop",
                Some("<app::Guard as core::ops::drop::Drop>::drop"),
            ),
            (
                "<&mut app::Job<'_> as core::future::future::Future>::poll::{{closure}}",
                Some("<app::Job as core::future::future::Future>::poll"),
            ),
            (
                "<app::Rows as core::iter::traits::iterator::Iterator>::fold",
                None,
            ),
            ("core::iter::traits::iterator::Iterator::fold", None),
            (
                "<alloc::vec::Vec<app::X> as core::ops::drop::Drop>::drop",
                None,
            ),
            ("core::ptr::drop_in_place<app::Guard>", None),
            ("main", None),
            ("<", None),
            ("", None),
            ("::<impl ", None),
            ("<>::", None),
        ];
        for (symbol, expected) in cases {
            assert_eq!(frame(symbol).as_deref(), expected, "{symbol}");
        }
    }
}
