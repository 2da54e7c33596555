//! Planted secrets are looked for wherever bytes go.

use std::fs;
use std::path::Path;

use prost::Message as _;

use crate::planted::{self, Planted};
use crate::process::{Ended, poll};
use crate::program;
use crate::relay::Relay;
use crate::upstream::Upstream;

#[test]
fn planted_secrets_are_nowhere_and_the_words_around_them_are_everywhere() {
    let dir = tempfile::tempdir().expect("a directory");
    let (root, data_dir) = (dir.path().join("program"), dir.path().join("relay"));
    let upstream = Upstream::start();
    upstream.receiver().go_away();
    let mut relay = Relay::start(&data_dir, &upstream.receiver().url());
    let token = relay.token("user-abc");
    let search = Search::plant(&token);

    let ended = program::start(&root, &search.args()).wait();
    assert_eq!(ended.code, Some(0), "{:#?}", ended.stderr);
    search.assert_clean("what fmt printed", &printed(&ended));
    search.assert_clean("the queue", &files(&root));

    let (url, to_relay) = (relay.url(), ["--records", "0", "--token", &token]);
    let sent = program::start(&root, &[&to_relay[..], &["--relay", &url]].concat()).wait();
    program::assert_delivered(&sent);
    search.assert_without_secrets("what the second start printed", &printed(&sent));
    search.assert_without_secrets("the queue after it", &files(&root));
    // Its frames are packed; what is in them shows when they arrive upstream.
    search.assert_without_secrets("the spool", &files(&data_dir));

    upstream.receiver().come_back();
    let bytes = poll("the export", || {
        let bytes: Vec<u8> = upstream
            .receiver()
            .requests()
            .iter()
            .flat_map(|request| request.encode_to_vec())
            .collect();
        contains(&bytes, LAST_WORDS).then_some(bytes)
    });
    let numbered: Vec<u64> = upstream.numbered().into_iter().map(|(_, n)| n).collect();
    assert!(numbered.into_iter().eq(0..100), "numbers are numbers");
    search.assert_clean("what arrived upstream", &bytes);
    search.assert_without_secrets("the spool after it", &files(&data_dir));
    search.assert_without_secrets("what the relay printed", &printed(&relay.terminate()));
}

/// In the last attribute of the last record.
const LAST_WORDS: &str = "97 percent";

struct Search {
    planted: Vec<Planted>,
    keyed: Vec<(&'static str, String)>,
}

impl Search {
    fn plant(token: &str) -> Self {
        Self {
            planted: planted::secrets(token),
            keyed: planted::keyed(),
        }
    }

    /// All of it in one record's message, and each in an attribute of its own.
    fn args(&self) -> Vec<String> {
        let lines: Vec<&str> = self
            .planted
            .iter()
            .map(|planted| planted.line.as_str())
            .collect();
        let mut args = vec!["--fmt".to_owned(), "--say".to_owned(), lines.join("\n")];
        let notes = self
            .planted
            .iter()
            .enumerate()
            .map(|(place, planted)| format!("note_{place}={}", planted.line));
        let keyed = self
            .keyed
            .iter()
            .map(|(key, value)| format!("{key}={value}"));
        let harmless = [format!("disk_free={LAST_WORDS}")];
        for attribute in notes.chain(keyed).chain(harmless) {
            args.extend(["--attr".to_owned(), attribute]);
        }
        args
    }

    fn assert_clean(&self, place: &str, bytes: &[u8]) {
        self.assert_without_secrets(place, bytes);
        let missing: Vec<&str> = self
            .planted
            .iter()
            .map(|planted| planted.stays.as_str())
            .chain([LAST_WORDS])
            .filter(|text| !contains(bytes, text))
            .collect();
        assert!(missing.is_empty(), "{place} lacks {missing:#?}");
    }

    fn assert_without_secrets(&self, place: &str, bytes: &[u8]) {
        let planted = self
            .planted
            .iter()
            .map(|planted| (planted.kind, planted.secret.as_str()));
        let keyed = self
            .keyed
            .iter()
            .map(|(key, value)| (*key, value.rsplit(' ').next().unwrap_or_default()));
        let found: Vec<_> = planted
            .chain(keyed)
            .filter(|(_, secret)| contains(bytes, secret))
            .collect();
        assert!(found.is_empty(), "{place} shows {found:#?}");
    }
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

fn printed(ended: &Ended) -> Vec<u8> {
    [ended.stdout.join("\n"), ended.stderr.join("\n")]
        .join("\n")
        .into_bytes()
}

/// The content of all files below `dir`, whatever they are.
fn files(dir: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for found in fs::read_dir(dir).expect("a directory") {
        let path = found.expect("an entry").path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            all.extend(fs::read(&path).expect("it can be read"));
        }
        all.push(b'\n');
    }
    all
}
