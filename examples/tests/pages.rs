//! README and pages: their code is compiled and run (`src/pages.rs`); that none is left out, and no link is dead, is here.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Each page's path from the root, and its text.
fn pages() -> Vec<(String, String)> {
    let mut names = vec!["README.md".to_owned()];
    for page in fs::read_dir(root().join("docs")).expect("docs/ is there") {
        let name = page.expect("it lists").file_name();
        names.push(format!("docs/{}", name.to_string_lossy()));
    }
    let read = |name: String| {
        let text = fs::read_to_string(root().join(&name)).expect("a page");
        (name, text)
    };
    names.into_iter().map(read).collect()
}

#[test]
fn the_code_of_every_page_is_compiled() {
    let compiled = include_str!("../src/pages.rs");
    for (name, text) in pages() {
        let has_code = text.contains("\n```rust");
        assert!(
            !has_code || compiled.contains(&format!("\"{name}\";")),
            "{name} has code: name it in examples/src/pages.rs"
        );
        assert!(
            !text.contains("```rust,ignore") && !text.contains("```ignore"),
            "{name}"
        );
    }
}

#[test]
fn the_readme_shows_hello_as_it_is() {
    let source = include_str!("../examples/hello.rs");
    let (_, program) = source.split_once("\n\n").expect("docs, then the program");
    assert!(
        include_str!("../../README.md").contains(program),
        "the README's program is examples/examples/hello.rs"
    );
    assert!(source.lines().count() <= 25, "a newcomer copies it");
}

#[test]
fn the_readme_links_every_page_and_no_link_is_dead() {
    let readme = include_str!("../../README.md");
    for (name, text) in pages() {
        assert!(
            name == "README.md" || readme.contains(&format!("]({name})")),
            "{name} is not in the README"
        );
        for link in text
            .split("](")
            .skip(1)
            .filter_map(|link| link.split(')').next())
        {
            let path = link.split('#').next().unwrap_or_default();
            if path.is_empty() || path.contains("://") {
                continue;
            }
            let from = root().join(&name);
            let target = from.parent().expect("a directory").join(path);
            assert!(target.exists(), "{name}: {link}");
        }
    }
}
