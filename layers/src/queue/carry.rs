//! Goes on in the directory of the program that ended last, so that a program that is run a thousand times without a
//! relay leaves one directory, not a thousand.
//!
//! 1. It goes on under an id of its own, which its directory takes: the records that are there keep their context, and
//!    with it the id that they were written under. So two copies of a disk that both go on still name no record twice.
//! 2. Its seqs go on where those of the records there end: the first is not 0.
//! 3. Only a plain queue is gone on in: every record whole and in its place, no losses said, nothing put aside, nobody
//!    died sending it, and half of the cap still free. Any other is adopted as ever.
//! 4. A kill at any moment leaves a directory under the old name or the new one, whole.
//!
//! What it does not do: keep the ids of losses apart. What overflow drops later is said under the id of the queue that
//! dropped it.

use std::sync::Arc;

use super::adopt::{Adopted, LOCK_NAME, lock_text, survey};
use super::blocks::on_disk;
use super::builder::Builder;
use super::engine::Engine;
use super::head;
use super::line::is_context;
use super::loss_record::is_note;
use super::reader::{Found, Reader};
use super::writer::Writer;
use crate::losses::Losses;

impl Builder {
    /// Goes on in the directory of the queue that began last, if a dead program left a plain one.
    pub(super) fn go_on(&self, losses: &Arc<Losses>) -> Option<Arc<Engine>> {
        let mut found = survey(self.disk(), self.root(), &[], &lock_text());
        let most = self.cap().max_bytes / 2;
        let at = found.adopted.iter().rposition(|dead| {
            !dead.is_done() && on_disk(dead.chain.disk_bytes()) <= most && is_plain(dead)
        })?;
        let Adopted {
            mut chain,
            end_seq,
            lock,
        } = found.adopted.remove(at);
        let id = self.next_id();
        let dir = self.root().join(id.dir_name());
        self.disk().rename(&chain.dir, &dir).ok()?;
        chain.move_to(dir, id);
        chain.slot.generation = found.generation + 1;
        chain.write_head();
        Some(self.engine_of(Writer::going_on(chain, end_seq), Some(lock), found, losses))
    }
}

/// Whether there is nothing to be said of a queue but its records.
fn is_plain(dead: &Adopted) -> bool {
    let chain = &dead.chain;
    let names = chain.storage.names(&chain.dir).unwrap_or_default();
    let is_known = |name: &String| {
        name == LOCK_NAME || name == head::FILE_NAME || super::chain::first_seq(name).is_some()
    };
    let position = chain.slot.position;
    let mut expected = position.seq;
    let mut is_whole = |first_seq: u64, bytes: u64| {
        let file = chain.storage.read(&chain.path(first_seq)).ok()?;
        let offset = match first_seq == position.segment {
            true => position.offset,
            false => 0,
        };
        let mut reader = Reader::new(file, offset, bytes, u64::MAX);
        loop {
            match reader.next().ok()? {
                Found::End => return Some(()),
                Found::Garbage(_) => return None,
                Found::Line { len, .. } if is_context(reader.line(len)) => {}
                Found::Line { seq, len, .. } => {
                    if seq != expected || is_note(reader.line(len)) {
                        return None;
                    }
                    expected += 1;
                }
            }
        }
    };
    chain.slot.attempts == 0
        && names.iter().all(is_known)
        && chain
            .segments
            .iter()
            .all(|segment| is_whole(segment.first_seq, segment.bytes).is_some())
        && expected == dead.end_seq
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use serde_json::{Map, Value};

    use super::super::proofs::sim::Sim;
    use super::super::{Context, DiskQueue, Durability, Line, Pending};
    use super::*;

    const ROOT: &str = "/queues";

    fn open(sim: &Sim) -> DiskQueue {
        let builder = DiskQueue::builder(Path::new(ROOT)).storage(Arc::new(sim.clone()));
        builder.goes_on(true).without_thread().open().unwrap()
    }

    fn append(queue: &DiskQueue, numbers: std::ops::Range<u64>) {
        for n in numbers {
            let mut line = Line::new();
            line.body()
                .extend_from_slice(format!("\"timestamp\":\"t\",\"n\":{n}}}").as_bytes());
            let _ = queue.append(&mut line, Durability::PageCache);
        }
    }

    /// A run that is killed: each has a session of its own.
    fn run(sim: &Sim, session: u64, numbers: std::ops::Range<u64>) {
        let queue = open(sim);
        let context = Map::from_iter([("sessionId".to_owned(), Value::from(session))]);
        queue.set_context(&Context {
            context,
            ..Context::default()
        });
        append(&queue, numbers);
        sim.kill();
        std::mem::forget(queue);
    }

    /// Everything there is, as it would be sent: session, queue, seq, number.
    fn sent(queue: &DiskQueue) -> Vec<(u64, String, u64, u64)> {
        let mut sent = Vec::new();
        while let Some(batch) = queue.drain(100, 900_000) {
            let members: Value = serde_json::from_str(&format!("{{{}}}", batch.context())).unwrap();
            for at in 0..batch.len() {
                let record: Value = serde_json::from_slice(batch.record(at)).unwrap();
                sent.push((
                    members["context"]["sessionId"].as_u64().unwrap_or_default(),
                    members["context"]["queue"].as_str().unwrap().to_owned(),
                    batch.seq(at).unwrap(),
                    record["n"].as_u64().unwrap(),
                ));
            }
            queue.confirm(batch.token());
        }
        sent
    }

    fn directories(sim: &Sim) -> usize {
        let names = super::super::storage::Storage::names(sim, Path::new(ROOT)).unwrap();
        names.iter().filter(|name| name.starts_with("q-")).count()
    }

    #[test]
    fn a_hundred_runs_leave_one_directory_and_each_record_its_own_context_and_name() {
        let sim = Sim::default();
        for session in 0..100 {
            run(&sim, session, session * 3..session * 3 + 3);
            assert_eq!(directories(&sim), 1);
        }
        let last = open(&sim);
        assert_eq!(directories(&sim), 1);
        assert_eq!(last.pending().records, 300);
        let sent = sent(&last);
        let numbers: Vec<u64> = sent.iter().map(|record| record.3).collect();
        assert_eq!(numbers, (0..300).collect::<Vec<_>>());
        assert!(sent.iter().all(|record| record.0 == record.3 / 3));
        let queues: BTreeSet<&str> = sent.iter().map(|record| &*record.1).collect();
        assert_eq!(queues.len(), 100, "each under the id of its own run");
        let names: BTreeSet<_> = sent.iter().map(|record| (&record.1, record.2)).collect();
        assert_eq!(names.len(), 300);
        assert_eq!(last.losses().by_reason(), Default::default());
        assert_eq!(last.pending(), Pending::default());
    }

    #[test]
    fn what_was_delivered_before_is_not_sent_again() {
        let sim = Sim::default();
        run(&sim, 0, 0..10);
        let queue = open(&sim);
        append(&queue, 10..12);
        let batch = queue.drain(4, 900_000).unwrap();
        queue.confirm(batch.token());
        sim.kill();
        std::mem::forget(queue);
        let numbers: Vec<u64> = sent(&open(&sim)).iter().map(|record| record.3).collect();
        assert_eq!(numbers, (4..12).collect::<Vec<_>>());
    }

    #[test]
    fn one_that_is_not_plain_is_adopted_as_ever() {
        // With an attempt in which a process died, and with a torn record at its end.
        for is_torn in [false, true] {
            let sim = Sim::default();
            let queue = open(&sim);
            append(&queue, 0..3);
            let (id, batch) = (queue.id(), queue.drain(100, 900_000).unwrap());
            let attempt = (!is_torn).then(|| queue.attempt(&batch));
            sim.kill();
            if is_torn {
                let path = Path::new(ROOT).join(id.dir_name());
                let path = super::super::chain::path(&path, 0);
                let file = super::super::storage::Storage::open_to_append(&sim, &path).unwrap();
                file.append(b"{\"q\":\"0000").unwrap();
            }
            std::mem::forget((queue, attempt));
            let next = open(&sim);
            append(&next, 3..4);
            assert_eq!(directories(&sim), 2, "torn: {is_torn}");
            let numbers: Vec<u64> = sent(&next).iter().map(|record| record.3).collect();
            assert_eq!(numbers, [0, 1, 2, 3], "torn: {is_torn}");
        }
    }

    #[test]
    fn copies_of_a_disk_that_both_go_on_name_no_record_twice() {
        let dir = tempfile::tempdir().unwrap();
        let open = |root: &Path| DiskQueue::builder(root).goes_on(true).open().unwrap();
        let (one, other) = (dir.path().join("one"), dir.path().join("other"));
        let first = open(&one);
        append(&first, 0..2);
        drop(first);
        std::fs::create_dir(&other).unwrap();
        let queue = std::fs::read_dir(&one).unwrap().next().unwrap().unwrap();
        let copy = other.join(queue.file_name());
        std::fs::create_dir(&copy).unwrap();
        for file in std::fs::read_dir(queue.path()).unwrap().flatten() {
            std::fs::copy(file.path(), copy.join(file.file_name())).unwrap();
        }
        let mut names = Vec::new();
        for root in [&one, &other] {
            let queue = open(root);
            append(&queue, 2..4);
            names.push(
                sent(&queue)
                    .into_iter()
                    .map(|sent| (sent.1, sent.2, sent.3)),
            );
        }
        let [one, other] = names.try_into().unwrap();
        let (one, other): (Vec<_>, Vec<_>) = (one.collect(), other.collect());
        assert_eq!(one[..2], other[..2], "these are the same records");
        for of_one in &one[2..] {
            assert!(
                !other
                    .iter()
                    .any(|of_other| (&of_one.0, of_one.1) == (&of_other.0, of_other.1))
            );
        }
        assert_eq!((one.len(), other.len()), (4, 4));
    }
}
