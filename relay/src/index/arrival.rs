//! What comes to the index: one frame of the spool, unpacked.

use opentelemetry_proto::tonic::logs::v1::ResourceLogs;

/// A frame of the spool on its way into a segment.
#[derive(Clone, Debug, Default)]
pub struct Arrival {
    /// The frame's number.
    pub frame: i64,
    /// How many records the spool had ever kept before it.
    pub from_records: u64,
    /// The same with it.
    pub to_records: u64,
    /// When it came, in Unix nanoseconds.
    pub received: u64,
    /// Its bytes before they were packed.
    pub plain_bytes: u64,
    /// Whether it is for another consumer of the spool alone, and has no records for the index.
    pub is_for_another: bool,
    /// How many of its records were erased while it waited.
    pub erased: u64,
    /// Whose token; empty for what was carried by hand.
    pub subject: String,
    /// The disk queue that its named records come from.
    pub queue: Option<String>,
    /// The seq of each record, in the order of `logs`; shorter when they are not known.
    pub seqs: Vec<Option<u64>>,
    /// What stands for the name of records without a seq.
    pub hash: Option<[u8; 32]>,
    /// The records; `None` when the frame is damaged: its records are lost.
    pub logs: Option<ResourceLogs>,
}

/// What the names in a segment's dictionary are names of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// `user.id`, what the record claims.
    User,
    /// The token's subject, where it is not the user.
    Sender,
    /// `install.id`.
    Install,
    /// `session.id`.
    Session,
    /// The error group, until there are groups the fingerprint.
    Group,
    /// The disk queue.
    Queue,
    /// The scope's name.
    Logger,
    /// `service.name`.
    Service,
    /// `service.version`.
    Version,
    /// `event_name`.
    Event,
}

impl Kind {
    /// All of them, in the order of their columns.
    pub const ALL: [Self; 10] = [
        Self::User,
        Self::Sender,
        Self::Install,
        Self::Session,
        Self::Group,
        Self::Queue,
        Self::Logger,
        Self::Service,
        Self::Version,
        Self::Event,
    ];

    /// As it is kept; also its place in [`Kind::ALL`]. Never renumbered.
    #[must_use]
    pub const fn code(self) -> i64 {
        self as i64
    }

    /// Its place in [`Kind::ALL`].
    #[must_use]
    pub const fn place(self) -> usize {
        self as usize
    }

    /// Its column in the table `record`.
    #[must_use]
    pub const fn column(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Sender => "sender",
            Self::Install => "install",
            Self::Session => "session",
            Self::Group => "grp",
            Self::Queue => "queue",
            Self::Logger => "logger",
            Self::Service => "service",
            Self::Version => "version",
            Self::Event => "event",
        }
    }
}
