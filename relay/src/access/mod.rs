//! Who may use the admin API, and the audit of what they did.
//!
//! 1. Each request of the admin API comes from a [`Caller`]: a name and a [`Role`]. The name is the token's; no parameter
//!    and no header names it.
//! 2. A role holds all rights of the roles below it: `read` looks and exports, `operate` changes what programs and the
//!    relay do, `admin` sees the audit, forgets people and makes tokens. Which route needs which is one table, in
//!    `admin/rights.rs`.
//! 3. Of a named token only the SHA-256 is kept. It is looked up by that hash, so that the time of an answer says nothing
//!    about the token.
//! 4. A token that is removed is refused from that moment on, and what is still streamed to it ends.
//! 5. Each look-up of a person's records, each export and each change is in the audit before it is done. When the audit
//!    can't be written, nothing is done. Look-ups and exports are noted by the route table, for all handlers; what changes
//!    something notes it itself.
//! 6. The audit lies in `store.db` and, one JSON object a line, in `audit.jsonl`; both are synced before the answer.
//!    After a kill the file gets what the database has and it has not. It is never rewritten by itself, and never rotated:
//!    it may be moved away at any time, and the next entry begins a new one.
//!
//! What it does not do: check tokens of devices; that is `identity`.

mod audit;
mod audit_file;
mod caller;
mod deed;
mod door;
mod entry;
mod forget;
mod page;
mod role;
mod token;
mod tokens;

pub use audit::{Audit, AuditError};
pub use audit_file::FILE as AUDIT_FILE;
pub use caller::{Caller, why};
pub use deed::{Deed, LOCAL};
pub use door::{Access, AccessError, ChangeError, note_in};
pub use entry::Entry;
pub use page::{Listing, Page};
pub use role::{Role, UnknownRole};
pub use token::{ADMIN as OWN_TOKEN, NamedToken, NewToken, check_name};
pub use tokens::{Known, TokenError};
