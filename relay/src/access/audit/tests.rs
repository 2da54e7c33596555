use std::fs;
use std::path::Path;

use super::*;
use crate::store;

async fn open(dir: &Path, keep: i64) -> Audit {
    let (file, last) = AuditFile::open(dir).expect("a file");
    let store = store::open(dir).await.expect("a store");
    Audit::open(store, file, last, keep)
        .await
        .expect("it opens")
}

async fn note(audit: &Audit, subject: &str) {
    let noted = audit.note(Deed::local("look", subject, "", "")).await;
    noted.expect("it is kept");
}

async fn kept(audit: &Audit) -> Vec<i64> {
    let page = Page {
        limit: 1_000,
        ..Page::default()
    };
    let listing = audit.entries(&page).await.expect("entries");
    listing.entries.iter().map(|entry| entry.id).collect()
}

/// The numbers of the lines in the file, each of which is whole.
fn filed(dir: &Path) -> Vec<i64> {
    let text = fs::read_to_string(dir.join("audit.jsonl")).expect("text");
    assert!(text.is_empty() || text.ends_with('\n'), "{text:?}");
    let entries = text.lines().map(serde_json::from_str::<Entry>);
    entries.map(|entry| entry.expect("an entry").id).collect()
}

#[tokio::test]
async fn after_a_kill_between_database_and_file_the_file_gets_what_it_has_not() {
    // What the file lost of its three lines, and what must be in it after the next start.
    for (what, cut) in [
        ("nothing", 0),
        ("the line end", 1),
        ("half a line", 30),
        ("a line and a half", 140),
    ] {
        let dir = tempfile::tempdir().expect("a directory");
        let audit = open(dir.path(), 100).await;
        for _ in 0..3 {
            note(&audit, "user:ada").await;
        }
        audit.close().await;
        let path = dir.path().join("audit.jsonl");
        let whole = fs::read(&path).expect("it is read");
        fs::write(&path, &whole[..whole.len() - cut]).expect("it is cut");
        let audit = open(dir.path(), 100).await;
        assert_eq!(filed(dir.path()), [1, 2, 3], "{what}");
        assert_eq!(fs::read(&path).expect("it is read"), whole, "{what}");
        note(&audit, "user:ada").await;
        assert_eq!(filed(dir.path()), [1, 2, 3, 4], "{what}");
    }
}

#[tokio::test]
async fn a_file_that_was_moved_away_begins_anew_and_its_entries_do_not_come_again() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("audit.jsonl");
    let audit = open(dir.path(), 100).await;
    for _ in 0..3 {
        note(&audit, "user:ada").await;
    }
    fs::rename(&path, dir.path().join("audit-2026.jsonl")).expect("it moves");
    note(&audit, "user:ada").await;
    assert_eq!(filed(dir.path()), [4], "while the relay runs");
    audit.close().await;
    fs::remove_file(&path).expect("it goes");
    let audit = open(dir.path(), 100).await;
    // Whether the last one was in it can't be known: rather twice than not.
    assert_eq!(filed(dir.path()), [4], "over a restart");
    note(&audit, "user:ada").await;
    assert_eq!(filed(dir.path()), [4, 5]);
}

#[tokio::test]
async fn a_store_that_was_restored_or_moved_away_costs_no_later_entry_in_the_file() {
    let dir = tempfile::tempdir().expect("a directory");
    let audit = open(dir.path(), 100).await;
    for _ in 0..3 {
        note(&audit, "user:ada").await;
    }
    audit.close().await;
    for name in ["store.db", "store.db-wal", "store.db-shm"] {
        let _ = fs::remove_file(dir.path().join(name));
    }
    let audit = open(dir.path(), 100).await;
    note(&audit, "user:bob").await;
    assert_eq!(filed(dir.path()), [1, 2, 3, 1]);
}

#[tokio::test]
async fn the_database_keeps_the_newest_entries_and_the_file_all() {
    let dir = tempfile::tempdir().expect("a directory");
    let audit = open(dir.path(), 2).await;
    for _ in 0..5 {
        note(&audit, "user:ada").await;
    }
    assert_eq!(kept(&audit).await, [5, 4]);
    assert_eq!(filed(dir.path()), [1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn what_a_stranger_says_is_cut_and_one_line_of_the_file() {
    let dir = tempfile::tempdir().expect("a directory");
    let audit = open(dir.path(), 100).await;
    let long = "\u{1b}\n\u{1d173}".repeat(10_000);
    for _ in 0..2 {
        let noted = audit
            .note(Deed::local("look", long.clone(), long.clone(), &long))
            .await;
        noted.expect("it is kept");
    }
    audit.close().await;
    let text = fs::read_to_string(dir.path().join("audit.jsonl")).expect("text");
    assert!(
        text.lines().all(|line| line.len() < 64 << 10),
        "{}",
        text.len()
    );
    assert!(!text.contains('\u{1b}'));
    let audit = open(dir.path(), 100).await;
    note(&audit, "user:ada").await;
    assert_eq!(filed(dir.path()), [1, 2, 3], "its end is found again");
}

#[tokio::test]
async fn a_request_that_goes_away_leaves_its_entry_whole() {
    let dir = tempfile::tempdir().expect("a directory");
    let audit = open(dir.path(), 100).await;
    for _ in 0..20 {
        let deed = Deed::local("look", "user:ada", "", "");
        let note = audit.note(deed);
        // Polled once, then dropped: the client has gone.
        let _ = tokio::time::timeout(std::time::Duration::ZERO, note).await;
    }
    note(&audit, "user:bob").await;
    let all: Vec<i64> = (1..=21).collect();
    assert_eq!(filed(dir.path()), all);
    let mut kept = kept(&audit).await;
    kept.reverse();
    assert_eq!(kept, all);
}

#[tokio::test]
async fn who_is_forgotten_is_in_no_byte_of_the_audit_and_the_other_entries_are_as_before() {
    let dir = tempfile::tempdir().expect("a directory");
    let audit = open(dir.path(), 1_000).await;
    for at in 0..300 {
        let subject = if at % 3 == 0 {
            "user:lovelace"
        } else {
            "user:bob"
        };
        let query = format!("q={subject} OR lovelaces at={at}");
        let deed = Deed::local("timeline", subject, query, "lovelace called");
        audit.note(deed).await.expect("it is kept");
    }
    let page = Page {
        limit: 1_000,
        ..Page::default()
    };
    let before = audit.entries(&page).await.expect("entries").entries;
    let changed = audit
        .forget(vec![Forgotten {
            id: "lovelace".to_owned(),
            stands_for: "#a1b2".to_owned(),
        }])
        .await
        .expect("it is done");
    assert_eq!(changed, 300, "each says so in its why");
    let after = audit.entries(&page).await.expect("entries").entries;
    for (before, after) in before.iter().zip(&after) {
        let expected = Entry {
            subject: before.subject.replace("lovelace", "#a1b2"),
            query: before.query.replace(":lovelace ", ":#a1b2 "),
            why: "#a1b2 called".to_owned(),
            ..before.clone()
        };
        assert_eq!(after, &expected);
    }
    note(&audit, "user:bob").await;
    let all: Vec<i64> = (1..=301).collect();
    assert_eq!(filed(dir.path()), all);
    for found in fs::read_dir(dir.path()).expect("it lists") {
        let path = found.expect("it lists").path();
        let bytes = fs::read(&path).expect("it is read");
        let text = String::from_utf8_lossy(&bytes).replace("lovelaces", "");
        assert!(!text.contains("lovelace"), "{}", path.display());
    }
}

#[test]
fn a_cursor_says_which_way_and_nothing_else_is_one() {
    let at = |cursor: &str| Page::default().at(cursor);
    assert_eq!(at("audit-before-7").and_then(|page| page.before), Some(7));
    assert_eq!(at("audit-after-0").and_then(|page| page.after), Some(0));
    for none in [
        "",
        "7",
        "audit-before-",
        "audit-before--7",
        "audit-after-x",
        "audit-after-7 ",
    ] {
        assert_eq!(at(none), None, "{none:?}");
    }
}
