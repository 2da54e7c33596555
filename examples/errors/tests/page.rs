//! `docs/errors.md` shows what arrives: its tables are those of this build. To write them anew:
//! `COURIER_WRITE_PAGE=1 cargo test -p courier-error-trials --test page`.

use std::path::Path;
use std::process::Command;

#[test]
fn the_page_shows_what_arrives() {
    let output = Command::new(env!("CARGO_BIN_EXE_courier-error-trials"))
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    let tables = String::from_utf8(output.stdout).unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/errors.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let mut written = page.clone();
    for table in tables.split_inclusive("<!-- end -->\n") {
        let name = table.lines().next().unwrap();
        let (before, rest) = written
            .split_once(name)
            .unwrap_or_else(|| panic!("the page lacks {name}"));
        let (_, after) = rest.split_once("<!-- end -->\n").unwrap();
        written = format!("{before}{table}{after}");
    }
    if std::env::var_os("COURIER_WRITE_PAGE").is_some() {
        std::fs::write(&path, &written).unwrap();
        return;
    }
    for (is, should) in page.lines().zip(written.lines()) {
        assert_eq!(is, should, "docs/errors.md is not what arrives");
    }
    assert_eq!(page, written);
}
