//! Who takes frames out of the spool, and how far each of them is.

/// What takes frames out of the spool: it gets every frame, in order, at a pace of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consumer {
    /// The OTLP backend's logs.
    Export,
    /// The OTLP backend's spans: records with an error, once more.
    Spans,
    /// Files on this machine.
    File,
    /// The index of this relay.
    Index,
}

impl Consumer {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Export, Self::Spans, Self::File, Self::Index];

    /// Its name in the database and in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Export => "export",
            Self::Spans => "spans",
            Self::File => "file",
            Self::Index => "index",
        }
    }

    /// The one of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|consumer| consumer.name() == name)
    }

    /// Its place in [`Consumer::ALL`].
    #[must_use]
    pub fn place(self) -> usize {
        match self {
            Self::Export => 0,
            Self::Spans => 1,
            Self::File => 2,
            Self::Index => 3,
        }
    }
}

/// A place in the stream of all records ever kept: totals since the database was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Log records.
    pub records: u64,
    /// Bytes of frames.
    pub bytes: u64,
}

/// Where a consumer stands: all frames up to `frame`, and `done` records of the one after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// The last frame that was wholly consumed.
    pub frame: i64,
    /// How many records of the frame after it were consumed.
    pub done: u64,
    /// Where that frame ends.
    pub at: Position,
}

/// What waits for a consumer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// Log records.
    pub records: u64,
    /// Bytes of frames, before they were packed.
    pub bytes: u64,
}

/// Where the spool ends, and where every consumer stands.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stand {
    /// The end of the last frame.
    pub head: Position,
    /// The last frame.
    pub last_frame: i64,
    /// The consumers' cursors; `None` for whom nothing is kept.
    pub cursors: [Option<Cursor>; Consumer::ALL.len()],
}

impl Stand {
    /// Where `consumer` stands.
    #[must_use]
    pub fn of(&self, consumer: Consumer) -> Option<Cursor> {
        self.cursors.get(consumer.place()).copied().flatten()
    }

    /// Moves `consumer`, or forgets it.
    pub fn set(&mut self, consumer: Consumer, cursor: Option<Cursor>) {
        if let Some(place) = self.cursors.get_mut(consumer.place()) {
            *place = cursor;
        }
    }

    /// Where the consumer stands that is furthest behind.
    #[must_use]
    pub fn behind(&self) -> Cursor {
        let cursors = self.cursors.iter().flatten();
        let end = Cursor {
            frame: self.last_frame,
            done: 0,
            at: self.head,
        };
        cursors
            .min_by_key(|cursor| (cursor.frame, cursor.done))
            .copied()
            .unwrap_or(end)
    }

    /// What waits for the consumer that is furthest behind.
    #[must_use]
    pub fn depth(&self) -> Depth {
        self.depth_behind(self.behind())
    }

    /// What waits for each consumer.
    #[must_use]
    pub fn depths(&self) -> Vec<(Consumer, Depth)> {
        let depth = |consumer| Some((consumer, self.depth_behind(self.of(consumer)?)));
        Consumer::ALL.into_iter().filter_map(depth).collect()
    }

    fn depth_behind(&self, cursor: Cursor) -> Depth {
        Depth {
            records: self
                .head
                .records
                .saturating_sub(cursor.at.records + cursor.done),
            bytes: self.head.bytes.saturating_sub(cursor.at.bytes),
        }
    }
}
