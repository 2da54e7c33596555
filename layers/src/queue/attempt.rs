//! A send that is under way, as whoever sends holds it: see `attempts`.

use super::QueueId;
use super::batch::Batch;
use super::disk_queue::DiskQueue;

/// A send that is under way, for as long as that tells something about its records; dropped when it has ended, well or not.
#[derive(Debug)]
#[must_use = "it lasts as long as the send"]
pub struct Attempt {
    queue: DiskQueue,
    id: QueueId,
}

impl DiskQueue {
    /// Says that `batch` is about to be sent. To be held until the answer is there.
    pub fn attempt(&self, batch: &Batch) -> Attempt {
        let engine = self.engine();
        engine.ledger().begin_attempt(batch);
        engine.bell().ring();
        Attempt {
            queue: self.clone(),
            id: batch.queue(),
        }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.queue.engine().ledger().end_attempt(self.id);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;
    use std::thread;

    use super::super::appended::Durability;
    use super::super::engine::Engine;
    use super::super::line::Line;
    use super::super::proofs::sim::Sim;
    use super::*;

    fn open(sim: &Sim) -> DiskQueue {
        let builder = DiskQueue::builder(Path::new("/queues")).storage(Arc::new(sim.clone()));
        builder.without_thread().open().unwrap()
    }

    /// How many records go at once after processes have died in a send, after so many rounds of their housekeeping.
    fn records_at_once_after(deaths: usize, rounds: usize) -> usize {
        let sim = Sim::default();
        let mut queue = open(&sim);
        for _ in 0..10 {
            let mut line = Line::new();
            line.body().extend_from_slice(b"\"timestamp\":\"t\"}");
            let _ = queue.append(&mut line, Durability::PageCache);
        }
        for _ in 0..deaths {
            let batch = queue.drain(100, 100_000).unwrap();
            let attempt = queue.attempt(&batch);
            (0..rounds).for_each(|_| Engine::keep_house(&queue.engine()));
            sim.kill();
            let next = open(&sim);
            std::mem::forget((attempt, std::mem::replace(&mut queue, next)));
        }
        queue.drain(100, 100_000).unwrap().len()
    }

    #[test]
    fn three_that_died_at_once_make_the_records_go_alone() {
        assert_eq!(records_at_once_after(2, 1), 10);
        assert_eq!(records_at_once_after(3, 1), 1);
    }

    #[test]
    fn those_that_died_of_something_else_do_not_count() {
        let sim = Sim::default();
        let mut queue = open(&sim);
        let fatal = |queue: &DiskQueue| {
            let mut line = Line::new();
            line.body().extend_from_slice(b"\"timestamp\":\"t\"}");
            let _ = queue.append(&mut line, Durability::Durable);
        };
        fatal(&queue);
        for is_before in [true, false].repeat(10) {
            let batch = queue.drain(100, 100_000).unwrap();
            if is_before {
                fatal(&queue);
            }
            let attempt = thread::scope(|scope| {
                let sender = scope.spawn(|| queue.attempt(&batch));
                sender.join().unwrap()
            });
            if !is_before {
                fatal(&queue);
            }
            sim.kill();
            let next = open(&sim);
            std::mem::forget((attempt, std::mem::replace(&mut queue, next)));
        }
        let (first, alone) = (queue.drain(100, 100_000).unwrap(), 1);
        assert!(first.len() > alone, "{}", first.len());
    }

    #[test]
    fn a_sender_that_panics_itself_counts() {
        let sim = Sim::default();
        let mut queue = open(&sim);
        for _ in 0..3 {
            let mut line = Line::new();
            line.body().extend_from_slice(b"\"timestamp\":\"t\"}");
            let _ = queue.append(&mut line, Durability::PageCache);
            let batch = queue.drain(100, 100_000).unwrap();
            let attempt = queue.attempt(&batch);
            line.clear();
            line.body().extend_from_slice(b"\"panic\":true}");
            let _ = queue.append(&mut line, Durability::Durable);
            sim.kill();
            let next = open(&sim);
            std::mem::forget((attempt, std::mem::replace(&mut queue, next)));
        }
        assert_eq!(queue.drain(100, 100_000).unwrap().len(), 1);
    }

    #[test]
    fn those_that_died_while_a_network_hung_do_not_count() {
        assert_eq!(records_at_once_after(20, 2), 10);
    }
}
