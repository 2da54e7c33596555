//! What is in the store's database, and how an older version of it becomes the next.

/// The format that this relay writes.
pub const VERSION: i64 = 2;

/// Numbers are never given twice, so that the audit names one rule for ever. Times are Unix milliseconds.
pub const TABLES: &str = "
BEGIN;
CREATE TABLE level_rule (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    whom TEXT NOT NULL,
    levels TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    expires_at INTEGER,
    why TEXT NOT NULL,
    author TEXT NOT NULL
) STRICT;
CREATE TABLE level_audit (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    action TEXT NOT NULL,
    author TEXT NOT NULL,
    rule TEXT NOT NULL
) STRICT;
PRAGMA user_version = 1;
COMMIT;
";

/// Since format 2: how much is left of a rule by the relay's count, in milliseconds.
pub const LEFT: &str = "
BEGIN;
ALTER TABLE level_rule ADD COLUMN left_millis INTEGER;
PRAGMA user_version = 2;
COMMIT;
";
