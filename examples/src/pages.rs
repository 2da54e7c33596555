//! The code of the README and of the pages in `docs/`, compiled and run as tests of the documentation.

/// One line a page; `examples/tests/pages.rs` says when a page with code is missing.
macro_rules! pages {
    ($($name:ident: $path:literal;)+) => {
        $(#[doc = include_str!(concat!("../../", $path))] struct $name;)+
    };
}

pages! {
    Readme: "README.md";
    Levels: "docs/levels.md";
    Program: "docs/program.md";
    Redaction: "docs/redaction.md";
    Testing: "docs/testing.md";
    TraceIds: "docs/trace-ids.md";
}
