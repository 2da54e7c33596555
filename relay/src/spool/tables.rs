//! What is in the database, and how each older version of it becomes the next.

/// The format that this relay writes. An older one is brought up to it when it is opened.
pub const VERSION: i64 = STEPS.len() as i64;

/// Each brings a database from the version of its place to the next.
pub const STEPS: [&str; 5] = [TABLES, PACKED, QUEUES, NAMES, WHICH];

/// `end_*` count everything up to and including a frame since the database was made, so that what is pending for a
/// consumer is one subtraction. Seqs are stored with their top bit flipped, because SQLite's integers are signed.
const TABLES: &str = "
BEGIN;
CREATE TABLE frame (
    id INTEGER PRIMARY KEY,
    end_records INTEGER NOT NULL,
    end_bytes INTEGER NOT NULL,
    received INTEGER NOT NULL,
    records INTEGER NOT NULL,
    oldest INTEGER NOT NULL,
    newest INTEGER NOT NULL,
    subject TEXT NOT NULL,
    queue TEXT,
    first_seq INTEGER,
    last_seq INTEGER,
    crc INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE TABLE consumer (
    name TEXT PRIMARY KEY,
    frame INTEGER NOT NULL,
    done INTEGER NOT NULL,
    end_records INTEGER NOT NULL,
    end_bytes INTEGER NOT NULL
) STRICT;
INSERT INTO consumer VALUES ('export', 0, 0, 0, 0);
CREATE TABLE accepted (
    subject TEXT NOT NULL,
    queue TEXT NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (subject, queue, first)
) STRICT, WITHOUT ROWID;
CREATE TABLE seen (
    hash BLOB PRIMARY KEY,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX seen_at ON seen (at);
CREATE TABLE dead (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    body BLOB NOT NULL
) STRICT;
PRAGMA user_version = 1;
COMMIT;
";

/// Frames are packed (`bytes` before that; 0 in frames that are not), say what is in them, and may be for one consumer only.
const PACKED: &str = "
BEGIN;
ALTER TABLE frame ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE frame ADD COLUMN plain_crc INTEGER NOT NULL DEFAULT 0;
ALTER TABLE frame ADD COLUMN traits INTEGER NOT NULL DEFAULT 3;
ALTER TABLE frame ADD COLUMN only_for TEXT;
ALTER TABLE dead ADD COLUMN consumer TEXT NOT NULL DEFAULT 'export';
PRAGMA user_version = 2;
COMMIT;
";

/// When each queue was heard (hours since 1970), how many ranges it has, and how many seqs count as accepted only because
/// the gap that they were in was closed.
const QUEUES: &str = "
BEGIN;
CREATE TABLE queue (
    subject TEXT NOT NULL,
    queue TEXT NOT NULL,
    heard INTEGER NOT NULL,
    ranges INTEGER NOT NULL,
    closed INTEGER NOT NULL,
    PRIMARY KEY (subject, queue)
) STRICT, WITHOUT ROWID;
CREATE INDEX queue_heard ON queue (heard);
INSERT INTO queue SELECT subject, queue, unixepoch() / 3600, count(*), 0 FROM accepted GROUP BY subject, queue;
PRAGMA user_version = 3;
COMMIT;
";

/// What the records of a frame are called, in their order; see `names`.
const NAMES: &str = "
BEGIN;
ALTER TABLE frame ADD COLUMN names BLOB;
PRAGMA user_version = 4;
COMMIT;
";

/// Which spool this is, and which it was copied from up to which frame; how many records of a frame were erased.
const WHICH: &str = "
BEGIN;
CREATE TABLE spool (
    id BLOB NOT NULL
) STRICT;
INSERT INTO spool VALUES (randomblob(16));
CREATE TABLE ancestor (
    id BLOB PRIMARY KEY,
    frame INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE erased (
    frame INTEGER PRIMARY KEY,
    records INTEGER NOT NULL
) STRICT;
PRAGMA user_version = 5;
COMMIT;
";
