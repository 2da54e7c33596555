//! What is in the store's database, and how an older version of it becomes the next.

/// The format that this relay writes: each step leads to the next.
#[allow(clippy::cast_possible_wrap, reason = "there are few")]
pub const VERSION: i64 = STEPS.len() as i64;

/// The steps that lead from format `found` to the one of this relay; none for that or a newer one.
pub fn steps_after(found: i64) -> &'static [&'static str] {
    let done = usize::try_from(found).unwrap_or(0);
    STEPS.get(done..).unwrap_or_default()
}

/// What makes each format out of the one before. Times are Unix milliseconds.
pub const STEPS: [&str; 3] = [RULES, LEFT, ACCESS];

/// Numbers are never given twice, so that the audit names one rule for ever.
const RULES: &str = "
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

/// How much is left of a rule by the relay's count, in milliseconds.
const LEFT: &str = "
BEGIN;
ALTER TABLE level_rule ADD COLUMN left_millis INTEGER;
PRAGMA user_version = 2;
COMMIT;
";

/// Who may ask, and who asked. Of a token only the SHA-256 is kept; of several of one name at most one is not revoked.
/// Numbers of the audit are never given twice, so that cursors hold and a line of `audit.jsonl` names one entry.
const ACCESS: &str = "
BEGIN;
CREATE TABLE admin_token (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    hash BLOB NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER,
    revoked_at INTEGER
) STRICT;
CREATE UNIQUE INDEX admin_token_name ON admin_token (name COLLATE NOCASE) WHERE revoked_at IS NULL;
CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    who TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    query TEXT NOT NULL,
    why TEXT NOT NULL
) STRICT;
PRAGMA user_version = 3;
COMMIT;
";
