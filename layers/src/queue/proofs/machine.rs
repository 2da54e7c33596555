//! Random histories of one root, against a model that remembers every record.
//!
//! Whatever happens, for each record: it arrives, or a loss record names its seq, or it is excused, because its call
//! never said that it would survive what happened.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::ManuallyDrop;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use super::super::id::Ids;
use super::super::line::parse_hex;
use super::super::loss_record::Note;
use super::super::{Appended, Batch, Context, DiskQueue, Durability, Health, Line, QueueId};
use super::sim::{Plan, Sim};
use crate::clock::Clock;
use crate::losses::Loss;

#[derive(Clone, Debug)]
pub(super) enum Op {
    Append {
        padding: usize,
    },
    AppendFatal {
        padding: usize,
    },
    SetUser(u8),
    Drain {
        records: usize,
        bytes: usize,
    },
    /// Which of the batches, as a fraction of 2^64: so any number of them can be picked from.
    Confirm(u64),
    /// Which of the records of a batch, likewise.
    Reject(u64),
    Sync,
    Housekeeping,
    Clear,
    Kill {
        cap: u64,
    },
    LosePower {
        seed: u64,
        cap: u64,
    },
    Fail(Plan),
    Heal,
    MoveClock(i64),
}

/// A record as the model remembers it.
#[derive(Debug)]
struct Remembered {
    number: u64,
    user: u8,
    appended: Appended,
    is_durable: bool,
    is_excused: bool,
}

struct World {
    sim: Sim,
    queue: DiskQueue,
    cap: u64,
    clock: Arc<AtomicI64>,
    /// How many queues were begun: their names follow from it, so that a history can be replayed.
    begun: Arc<AtomicU64>,
    user: u8,
    numbers: u64,
    records: BTreeMap<(QueueId, u64), Remembered>,
    /// What the other side has.
    received: BTreeMap<(QueueId, u64), Vec<u8>>,
    said_lost: BTreeSet<(QueueId, u64)>,
    /// What was ever said, or to be said: on a disk that failed, a loss record may go as well.
    once_said_lost: BTreeSet<(QueueId, u64)>,
    confirmed: BTreeMap<QueueId, u64>,
    batches: Vec<Batch>,
    was_faulty: bool,
    lost_power: bool,
    /// Queues of killed processes. A killed process drops nothing: they go when the history is over, so that a million
    /// histories fit into memory, and stay where it failed.
    dead: Vec<ManuallyDrop<DiskQueue>>,
}

impl World {
    fn new(cap: u64) -> Self {
        let (sim, clock, begun) = (Sim::default(), Arc::default(), Arc::default());
        sim.keep_order();
        let queue = open(&sim, cap, &clock, &begun);
        Self {
            sim,
            queue,
            cap,
            clock,
            begun,
            user: 0,
            numbers: 0,
            records: BTreeMap::new(),
            received: BTreeMap::new(),
            said_lost: BTreeSet::new(),
            once_said_lost: BTreeSet::new(),
            confirmed: BTreeMap::new(),
            batches: Vec::new(),
            was_faulty: false,
            lost_power: false,
            dead: Vec::new(),
        }
    }

    fn run(&mut self, op: &Op) {
        match op {
            Op::Append { padding } => self.append(*padding, Durability::PageCache),
            Op::AppendFatal { padding } => self.append(*padding, Durability::Durable),
            Op::SetUser(user) => self.set_user(*user),
            Op::Drain { records, bytes } => drop(self.drain(*records, *bytes)),
            Op::Confirm(which) if !self.batches.is_empty() => {
                let batch = self.batches[picked(*which, self.batches.len())].clone();
                self.confirm(&batch);
            }
            Op::Reject(which) => {
                if let Some(batch) = self.drain(10, 10_000) {
                    self.queue
                        .reject(&batch, &[(picked(*which, batch.len()), "no".to_owned())]);
                    self.confirm(&batch);
                }
            }
            Op::Confirm(_) => {}
            Op::Sync => self.sync(),
            Op::Housekeeping => self.queue.engine().keep_house(),
            Op::Clear => self.clear(),
            Op::Kill { cap } => self.kill(*cap),
            Op::LosePower { seed, cap } => self.lose_power(*seed, *cap),
            Op::Fail(plan) => {
                self.was_faulty = true;
                self.sim.fail(*plan);
            }
            Op::Heal => self.sim.heal(),
            Op::MoveClock(by) => drop(self.clock.fetch_add(*by, Ordering::Relaxed)),
        }
        self.remember_notes();
        if !self.was_faulty {
            let used = self.sim.used(&root().join(self.queue.id().dir_name()));
            assert!(
                used <= self.cap,
                "{used} bytes on disk under a cap of {}",
                self.cap
            );
        }
    }

    fn remember_notes(&mut self) {
        let engine = self.queue.engine();
        let ledger = engine.ledger();
        let said = ledger
            .writer
            .chain
            .segments
            .iter()
            .flat_map(|segment| &segment.notes)
            .map(|(_, note)| note);
        for note in said.chain(ledger.account.owed()) {
            self.once_said_lost
                .extend((note.first_seq..=note.last_seq).map(|seq| (note.queue, seq)));
        }
    }

    fn append(&mut self, padding: usize, durability: Durability) {
        self.numbers += 1;
        let mut line = Line::new();
        let body = format!(
            "\"timestamp\":\"t\",\"level\":\"info\",\"n\":{},\"pad\":\"{}\"}}",
            self.numbers,
            "x".repeat(padding)
        );
        line.body().extend_from_slice(body.as_bytes());
        let appended = self.queue.append(&mut line, durability);
        let seq = parse_hex(&line.bytes()[6..22]).unwrap();
        let remembered = Remembered {
            number: self.numbers,
            user: self.user,
            appended,
            is_durable: appended == Appended::Durable,
            is_excused: false,
        };
        let before = self.records.insert((self.queue.id(), seq), remembered);
        assert!(before.is_none(), "seq {seq} is used twice");
        if !self.was_faulty {
            assert!(!matches!(appended, Appended::InMemory), "the disk is well");
            if durability == Durability::Durable && !matches!(appended, Appended::Lost(_)) {
                assert_eq!(appended, Appended::Durable);
            }
        }
    }

    fn set_user(&mut self, user: u8) {
        self.user = user;
        let mut context = Context::default();
        context
            .context
            .insert("userId".to_owned(), format!("user-{user}").into());
        self.queue.set_context(&context);
    }

    /// Drains, and the other side receives.
    fn drain(&mut self, records: usize, bytes: usize) -> Option<Batch> {
        let batch = self.queue.drain(records, bytes)?;
        assert_eq!(
            self.queue.drain(records, bytes).as_ref(),
            Some(&batch),
            "the same call, another batch"
        );
        assert!(batch.len() <= records);
        assert!(batch.joined().len() <= bytes || batch.len() == 1);
        let queue = batch.queue();
        let mut last = None;
        for index in 0..batch.len() {
            let seq = batch.seq(index).unwrap();
            assert!(last < Some(seq), "not in order");
            // Where the head could not be written, a crash brings confirmed ones back.
            assert!(
                self.was_faulty
                    || self
                        .confirmed
                        .get(&queue)
                        .is_none_or(|&confirmed| seq >= confirmed),
                "confirmed, and here again"
            );
            last = Some(seq);
            self.receive(queue, seq, batch.record(index), batch.context());
        }
        assert_eq!(last, Some(batch.last_seq()));
        self.batches.push(batch.clone());
        Some(batch)
    }

    fn receive(&mut self, queue: QueueId, seq: u64, record: &[u8], context: &str) {
        let json: serde_json::Value = serde_json::from_slice(record).unwrap();
        if let Some(before) = self.received.insert((queue, seq), record.to_vec()) {
            assert_eq!(before, record, "{queue} {seq} is two records");
        }
        if let Some(note) = Note::decode(record) {
            assert_ne!(note.count, 0);
            self.said_lost
                .extend((note.first_seq..=note.last_seq).map(|seq| (note.queue, seq)));
            return;
        }
        let remembered = self
            .records
            .get(&(queue, seq))
            .expect("a record that was never appended");
        assert_eq!(json["n"], remembered.number);
        // After a power loss a context may be gone; then nobody is named.
        let user = format!("\"userId\":\"user-{}\"", remembered.user);
        let is_named = context.contains("userId");
        let is_right = if remembered.user == 0 {
            !is_named
        } else {
            context.contains(&user)
        };
        assert!(
            is_right || (self.lost_power && !is_named),
            "{context} for {user}"
        );
    }

    fn confirm(&mut self, batch: &Batch) {
        self.queue.confirm(batch.token());
        let confirmed = self.confirmed.entry(batch.queue()).or_default();
        *confirmed = (*confirmed).max(batch.last_seq() + 1);
    }

    fn sync(&mut self) {
        if self.queue.sync().is_ok() {
            let own = self.queue.id();
            for ((queue, _), record) in &mut self.records {
                if *queue == own
                    && !matches!(record.appended, Appended::Lost(_))
                    && !self.was_faulty
                {
                    record.is_durable = true;
                }
            }
        }
    }

    fn clear(&mut self) {
        self.queue.clear();
        // What is forgotten can't come back; a token of before changes nothing.
        for record in self.records.values_mut() {
            record.is_durable = false;
            record.is_excused |= self.was_faulty;
        }
    }

    fn kill(&mut self, cap: u64) {
        for record in self.records.values_mut() {
            record.is_excused |= matches!(record.appended, Appended::InMemory | Appended::Lost(_));
        }
        self.sim.kill();
        self.reopen(cap);
    }

    fn lose_power(&mut self, seed: u64, cap: u64) {
        self.lost_power = true;
        for record in self.records.values_mut() {
            record.is_excused |= !record.is_durable;
        }
        let mut state = seed | 1;
        self.sim.lose_power(|| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state & 64 == 0
        });
        // What was confirmed since the last sync may come again.
        self.confirmed.clear();
        self.reopen(cap);
    }

    fn reopen(&mut self, cap: u64) {
        self.sim.heal();
        self.batches.clear();
        self.cap = cap;
        self.user = 0;
        let queue = open(&self.sim, cap, &self.clock, &self.begun);
        let dead = std::mem::replace(&mut self.queue, queue);
        self.dead.push(ManuallyDrop::new(dead));
    }

    /// Delivers everything and settles the account.
    fn settle(mut self) {
        self.sim.heal();
        for _ in 0..2 {
            self.queue.engine().keep_house();
            self.append(0, Durability::PageCache);
        }
        assert_eq!(self.queue.health(), Health::Healthy);
        let mut pending = self.queue.pending().records;
        let is_exact = !self.was_faulty && !self.lost_power;
        while let Some(batch) = self.drain(50, 100_000) {
            self.confirm(&batch);
            if is_exact {
                // What a dead process lost on the way counts until it is passed.
                let after = self.queue.pending().records;
                assert!(
                    after <= pending - batch.len() as u64,
                    "{after} of {pending} pending"
                );
                pending = after;
            }
        }
        assert_eq!(self.queue.pending().records, 0);
        if is_exact {
            assert_eq!(self.queue.losses().count(Loss::Damaged), 0);
            assert_eq!(self.queue.losses().count(Loss::Disk), 0);
        }
        for ((queue, seq), record) in &self.records {
            let name = (*queue, *seq);
            let is_accounted_for = (self.was_faulty && self.once_said_lost.contains(&name))
                || self.received.contains_key(&name)
                || self.said_lost.contains(&name)
                || record.is_excused;
            assert!(
                is_accounted_for,
                "{queue} {seq} is gone in silence: {record:?}"
            );
        }
        if is_exact {
            self.check_that_no_seq_is_missing();
        }
        let names = super::super::storage::Storage::names(&self.sim, root()).unwrap();
        assert_eq!(
            names,
            [self.queue.id().dir_name()],
            "adopted queues are removed"
        );
        self.check_that_everything_is_json();
        self.sim.end();
        for dead in self.dead {
            drop(ManuallyDrop::into_inner(dead));
        }
    }

    fn check_that_no_seq_is_missing(&self) {
        let mut next: BTreeMap<QueueId, u64> = BTreeMap::new();
        let known: BTreeSet<_> = self.received.keys().chain(&self.said_lost).collect();
        for (queue, seq) in known {
            let expected = next.entry(*queue).or_default();
            assert_eq!(seq, expected, "a gap in {queue}");
            *expected += 1;
        }
    }

    fn check_that_everything_is_json(&self) {
        for (path, content) in self.sim.contents(root()) {
            if path.extension().is_some() {
                // A line that was torn, and could not be cut off, has no end.
                let ended = content.iter().rposition(|&byte| byte == b'\n');
                let lines = &content[..ended.map_or(0, |end| end + 1)];
                for value in
                    serde_json::Deserializer::from_slice(lines).into_iter::<serde_json::Value>()
                {
                    assert!(value.is_ok(), "{} is no JSON", path.display());
                }
            }
        }
    }
}

fn open(sim: &Sim, cap: u64, clock: &Arc<AtomicI64>, begun: &Arc<AtomicU64>) -> DiskQueue {
    DiskQueue::builder(root())
        .max_bytes(cap)
        .max_root_bytes(cap * 3)
        .clock(Clock::Manual(Arc::clone(clock)))
        .ids(Ids::Counted(Arc::clone(begun)))
        .storage(Arc::new(sim.clone()))
        .without_thread()
        .open()
        .unwrap()
}

fn root() -> &'static Path {
    Path::new("/queues")
}

fn picked(which: u64, of: usize) -> usize {
    ((u128::from(which) * of as u128) >> 64) as usize
}

pub(super) fn run(cap: u64, ops: &[Op]) {
    let mut world = World::new(cap);
    for op in ops {
        world.run(op);
    }
    world.settle();
}
