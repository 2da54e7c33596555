//! The order that loss records, heads and unlinks keep, looked at by the simulated disk before each segment goes.
//!
//! A segment goes only when for each whole record in it
//! - the head of its queue says that it is delivered, or
//! - a loss record that names it is synced, with the name of its file, or
//! - a later segment holds it too: it was written once more.

use std::path::Path;

use super::super::QueueId;
use super::super::chain;
use super::super::head::{self, Stored};
use super::super::line::{Check, check, is_context};
use super::super::loss_record::Note;
use super::sim::Sim;

/// Panics when the file at `path` is a segment with a record that would go in silence.
pub(super) fn assert_may_go(sim: &Sim, path: &Path) {
    let (Some(dir), Some(name)) = (path.parent(), name_of(path)) else {
        return;
    };
    let id = name_of(dir).and_then(QueueId::from_dir_name);
    let (Some(_), Some(id)) = (chain::first_seq(name), id) else {
        return;
    };
    let live = sim.contents(dir);
    let Some(going) = live.get(path) else {
        return;
    };
    let delivered = match head::read(sim, &dir.join(head::FILE_NAME)) {
        Stored::Slot { slot, .. } => slot.position.seq,
        Stored::Lost | Stored::Newer => 0,
    };
    let mut left: Vec<u64> = records(going).map(|(seq, _)| seq).collect();
    left.retain(|&seq| seq >= delivered);
    if left.is_empty() {
        return;
    }
    let others = live.iter().filter(|(other, _)| *other != path);
    let others = others.filter(|(other, _)| name_is_segments(other));
    let again: Vec<u64> = others
        .flat_map(|(_, content)| records(content))
        .map(|(seq, _)| seq)
        .collect();
    left.retain(|seq| !again.contains(seq));
    let durable = sim.durable_contents();
    let said: Vec<Note> = durable
        .iter()
        .filter(|(file, _)| name_is_segments(file) && *file != path)
        .flat_map(|(_, content)| records(content))
        .filter_map(|(_, line)| Note::decode(line))
        .filter(|note| note.queue == id)
        .collect();
    left.retain(|seq| {
        !said
            .iter()
            .any(|note| (note.first_seq..=note.last_seq).contains(seq))
    });
    assert!(
        left.is_empty(),
        "{} goes, and nothing durable tells of {left:?}",
        path.display()
    );
}

/// The whole records in a segment.
fn records(content: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    content
        .split_inclusive(|&byte| byte == b'\n')
        .filter_map(|line| match check(line) {
            Check::Whole { seq, .. } if !is_context(line) => Some((seq, line)),
            Check::Whole { .. } | Check::Short | Check::Bad => None,
        })
}

fn name_is_segments(path: &Path) -> bool {
    name_of(path).and_then(chain::first_seq).is_some()
}

fn name_of(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()
}
