//! Every kind of damage at every byte of a stored queue: what is whole arrives, under its own context or under none,
//! what is missing is counted exactly, and nothing loops or fails.
//!
//! In CI at every seventh byte, with `COURIER_PROOF_ROUNDS=7` or more at every single one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::line::{Check, MARKER, check, is_context, parse_hex};
use super::super::{Context, DiskQueue, Durability, Line, QueueId};
use super::rounds;
use super::sim::Sim;
use crate::losses::Loss;

/// A queue that a killed process left, and what is in it.
struct Stored {
    id: QueueId,
    files: BTreeMap<PathBuf, Vec<u8>>,
    records: BTreeMap<u64, Written>,
}

/// One record line.
struct Written {
    line: Vec<u8>,
    user: String,
    /// The segment it belongs to.
    home: PathBuf,
}

fn stored(padding: usize) -> Stored {
    let sim = Sim::default();
    let queue = open(&sim);
    for n in 0..24 {
        if n % 5 == 0 {
            let mut context = Context::default();
            context
                .context
                .insert("userId".to_owned(), format!("user-{n}").into());
            queue.set_context(&context);
        }
        let mut line = Line::new();
        let body = format!(
            "\"timestamp\":\"t\",\"n\":{n},\"pad\":\"{}\"}}",
            "x".repeat(padding)
        );
        line.body().extend_from_slice(body.as_bytes());
        let _ = queue.append(&mut line, Durability::PageCache);
    }
    let id = queue.id();
    std::mem::forget(queue);
    let files = sim.contents(root());
    let mut records = BTreeMap::new();
    for (path, content) in files.iter().filter(|(path, _)| is_segment(path)) {
        let mut user = String::new();
        for line in content.split_inclusive(|&byte| byte == b'\n') {
            let Check::Whole { seq, .. } = check(line) else {
                panic!("a whole queue");
            };
            if is_context(line) {
                let text = std::str::from_utf8(line).unwrap();
                user = text
                    .split("user-")
                    .nth(1)
                    .unwrap()
                    .split('"')
                    .next()
                    .unwrap()
                    .to_owned();
            } else {
                let written = Written {
                    line: line.to_vec(),
                    user: user.clone(),
                    home: path.clone(),
                };
                records.insert(seq, written);
            }
        }
    }
    assert_eq!(records.len(), 24);
    Stored { id, files, records }
}

/// Whether a record may come under an older context.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Contexts {
    Right,
    /// Whole lines from another place may lie where a context line was, and nothing shows it.
    MayBeCovered,
}

/// Puts a damaged copy on a disk, opens it, and compares what arrives with what is whole in it.
fn check_damaged(stored: &Stored, what: &str, damaged: &Path, content: &[u8], contexts: Contexts) {
    let sim = Sim::default();
    for (path, whole) in &stored.files {
        sim.put(path, if path == damaged { content } else { whole });
    }
    let queue = open(&sim);
    let arrived = drain_all(&queue, stored, what, contexts);
    let expected = expected(stored, damaged, content);
    assert_eq!(arrived, expected, "{what}");
    let last = expected.last().copied();
    // What comes after the last whole record can't be known to have been there.
    let missing = stored
        .records
        .keys()
        .filter(|seq| Some(**seq) < last && !arrived.contains(seq))
        .count();
    let tail = segment_starts(stored)
        .filter(|first_seq| Some(*first_seq) > last)
        .max();
    let known_tail = tail.map_or(0, |tail| {
        stored
            .records
            .keys()
            .filter(|&&seq| Some(seq) > last && seq < tail)
            .count()
    });
    assert_eq!(
        queue.losses().count(Loss::Damaged),
        (missing + known_tail) as u64,
        "{what}"
    );
    let left = sim.contents(&root().join(stored.id.dir_name()));
    assert!(left.is_empty(), "{what}: the queue is done with");
}

fn drain_all(queue: &DiskQueue, stored: &Stored, what: &str, contexts: Contexts) -> BTreeSet<u64> {
    let mut arrived = BTreeSet::new();
    let mut batches = 0;
    while let Some(batch) = queue.drain(7, 100_000) {
        batches += 1;
        assert!(batches < 100, "{what}: it goes on for ever");
        if batch.queue() == stored.id {
            for index in 0..batch.len() {
                let seq = batch.seq(index).unwrap();
                let Written { line, user, .. } = &stored.records[&seq];
                assert_eq!([batch.record(index), b"\n"].concat(), *line, "{what}");
                let is_named = batch.context().contains("userId");
                let is_right = batch
                    .context()
                    .contains(&format!("\"userId\":\"user-{user}\""));
                assert!(
                    is_right || !is_named || contexts == Contexts::MayBeCovered,
                    "{what}: record {seq} under {}",
                    batch.context()
                );
                assert!(arrived.insert(seq), "{what}: record {seq} twice");
            }
        }
        queue.confirm(batch.token());
    }
    arrived
}

/// The seqs of the record lines that stand whole in `content`.
fn whole_lines(stored: &Stored, content: &[u8]) -> BTreeSet<u64> {
    let mut whole = BTreeSet::new();
    for at in 0..content.len() {
        let rest = &content[at..];
        if rest[0] == b'{' && rest.starts_with(MARKER) {
            let seq = rest.get(6..22).and_then(parse_hex).unwrap_or(u64::MAX);
            if stored
                .records
                .get(&seq)
                .is_some_and(|record| rest.starts_with(&record.line))
            {
                whole.insert(seq);
            }
        }
    }
    whole
}

/// The seqs that are whole where they belong.
fn expected(stored: &Stored, damaged: &Path, content: &[u8]) -> BTreeSet<u64> {
    let whole = whole_lines(stored, content);
    let records = stored.records.iter();
    let belong = records.filter(|(seq, record)| record.home != damaged || whole.contains(seq));
    belong.map(|(seq, _)| *seq).collect()
}

fn segment_starts(stored: &Stored) -> impl Iterator<Item = u64> {
    stored
        .files
        .keys()
        .filter_map(|path| super::super::chain::first_seq(path.file_name()?.to_str()?))
}

fn segments(stored: &Stored) -> Vec<(&PathBuf, &Vec<u8>)> {
    stored
        .files
        .iter()
        .filter(|(path, _)| is_segment(path))
        .collect()
}

fn is_segment(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "jsonl")
}

fn open(sim: &Sim) -> DiskQueue {
    let builder = DiskQueue::builder(root())
        .max_bytes(64 * 1024)
        .storage(Arc::new(sim.clone()));
    builder.without_thread().open().unwrap()
}

fn root() -> &'static Path {
    Path::new("/queues")
}

fn at_every_byte(contexts: Contexts, damage: impl Fn(&[u8], usize) -> Vec<u8>) {
    for stored in [stored(0), stored(250)] {
        for (path, whole) in segments(&stored) {
            for at in (0..whole.len()).step_by(stride()) {
                let what = format!("{} at {at}", path.display());
                check_damaged(&stored, &what, path, &damage(whole, at), contexts);
            }
        }
    }
}

fn stride() -> usize {
    (7 / rounds(1) as usize).max(1)
}

fn zero(whole: &[u8], at: usize, bytes: usize) -> Vec<u8> {
    let mut content = whole.to_vec();
    let end = (at + bytes).min(content.len());
    content[at..end].fill(0);
    content
}

#[test]
fn a_queue_without_damage_arrives_whole() {
    let stored = stored(250);
    assert!(segments(&stored).len() > 1);
    check_damaged(&stored, "nothing", Path::new("/none"), &[], Contexts::Right);
}

#[test]
fn a_file_cut_at_any_byte_costs_what_is_behind_the_cut() {
    at_every_byte(Contexts::Right, |whole, at| whole[..at].to_vec());
}

#[test]
fn a_flipped_bit_at_any_byte_costs_one_line() {
    for bit in [0, 5] {
        at_every_byte(Contexts::Right, |whole, at| {
            let mut content = whole.to_vec();
            content[at] ^= 1 << bit;
            content
        });
    }
}

#[test]
fn a_zeroed_sector_at_any_byte_costs_the_lines_in_it() {
    at_every_byte(Contexts::Right, |whole, at| zero(whole, at, 512));
}

#[test]
fn a_zeroed_page_at_any_byte_costs_the_lines_in_it() {
    at_every_byte(Contexts::Right, |whole, at| zero(whole, at, 4096));
}

#[test]
fn a_tail_of_nuls_from_any_byte_costs_what_was_there() {
    at_every_byte(Contexts::Right, |whole, at| {
        [&whole[..at], &[0; 3000][..]].concat()
    });
}

#[test]
fn garbage_put_in_at_any_byte_costs_the_line_it_falls_into() {
    at_every_byte(Contexts::Right, |whole, at| {
        [&whole[..at], b"\x00{\"q\":\"00\n{\"q\":\"", &whole[at..]].concat()
    });
}

#[test]
fn a_page_that_is_there_twice_costs_the_line_it_falls_into() {
    at_every_byte(Contexts::Right, |whole, at| {
        let end = (at + 512).min(whole.len());
        [&whole[..end], &whole[at..]].concat()
    });
}

#[test]
fn a_page_written_to_another_place_costs_what_was_there() {
    for from in [0, 700, 1400] {
        at_every_byte(Contexts::MayBeCovered, |whole, at| {
            let mut content = whole.to_vec();
            let page = &whole[from.min(whole.len())..(from + 512).min(whole.len())];
            let end = (at + page.len()).min(content.len());
            let bytes = end - at;
            content[at..end].copy_from_slice(&page[..bytes]);
            content
        });
    }
}

#[test]
fn two_files_spliced_at_any_byte_cost_what_is_not_where_it_belongs() {
    let stored = stored(250);
    let files = segments(&stored);
    for (path, whole) in &files {
        let (_, other) = files.iter().find(|(other, _)| other != path).unwrap();
        for at in (0..whole.len().min(other.len())).step_by(stride()) {
            let content = [&whole[..at], &other[at..]].concat();
            check_damaged(
                &stored,
                &format!("{} at {at}", path.display()),
                path,
                &content,
                Contexts::Right,
            );
        }
    }
}

#[test]
fn a_damaged_head_costs_nothing() {
    let mut stored = stored(0);
    let head = root().join(stored.id.dir_name()).join("head.json");
    let whole = stored.files.remove(&head).unwrap();
    for at in 0..whole.len() {
        stored.files.insert(head.clone(), zero(&whole, at, 512));
        check_damaged(
            &stored,
            &format!("head at {at}"),
            Path::new("/none"),
            &[],
            Contexts::Right,
        );
    }
}
