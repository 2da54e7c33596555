//! What the writer is asked for, and what it answers once that is committed.

use tokio::sync::oneshot;

use super::consumer::{Consumer, Cursor};
use super::erasing::Erased;
use super::error::OfferError;
use super::letters::{DeadLetter, Done, Replayed};
use super::offer::{Offer, Verdict};
use crate::stone::Stone;

/// What the writer is asked for; it answers after the commit.
#[derive(Debug)]
pub enum Command {
    Offer {
        offer: Offer,
        keep: bool,
        answer: oneshot::Sender<Result<Verdict, OfferError>>,
    },
    Advance {
        consumer: Consumer,
        to: Cursor,
        dead: Vec<DeadLetter>,
        answer: oneshot::Sender<Result<(), OfferError>>,
    },
    Replay {
        letters: Vec<Replayed>,
        answer: oneshot::Sender<Result<Done, OfferError>>,
    },
    Remove {
        ids: Vec<i64>,
        answer: oneshot::Sender<Result<u64, OfferError>>,
    },
    Mend {
        /// How often it had been mended when the damaged file was opened.
        mended: u64,
        answer: oneshot::Sender<Result<(), OfferError>>,
    },
    Erase {
        stone: Stone,
        answer: oneshot::Sender<Result<Erased, OfferError>>,
    },
    KeepFor {
        consumers: Vec<Consumer>,
        answer: oneshot::Sender<Result<(), OfferError>>,
    },
    Stop,
}

/// An answer that waits for the commit.
pub enum Reply {
    Offer(
        oneshot::Sender<Result<Verdict, OfferError>>,
        Result<Verdict, OfferError>,
    ),
    Done(oneshot::Sender<Result<(), OfferError>>),
    Replay(oneshot::Sender<Result<Done, OfferError>>, Done),
    Remove(oneshot::Sender<Result<u64, OfferError>>, u64),
}

impl Reply {
    /// Sends the answer: the transaction was committed.
    pub fn send(self) {
        // Whoever asked may have gone away; what was written stays written.
        match self {
            Self::Offer(answer, verdict) => drop(answer.send(verdict)),
            Self::Done(answer) => drop(answer.send(Ok(()))),
            Self::Replay(answer, done) => drop(answer.send(Ok(done))),
            Self::Remove(answer, removed) => drop(answer.send(Ok(removed))),
        }
    }

    /// Sends the error: the transaction failed, and nothing of the group was kept.
    pub fn fail(self, error: &OfferError) {
        match self {
            Self::Offer(answer, _) => drop(answer.send(Err(error.clone()))),
            Self::Done(answer) => drop(answer.send(Err(error.clone()))),
            Self::Replay(answer, _) => drop(answer.send(Err(error.clone()))),
            Self::Remove(answer, _) => drop(answer.send(Err(error.clone()))),
        }
    }
}
