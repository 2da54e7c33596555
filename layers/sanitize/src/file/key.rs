//! The key of the pseudonyms, from a file that only its owner may read.

use std::path::Path;

use crate::file::policy_file::{FileError, PseudonymSettings};
use crate::policy::pseudonym::Pseudonyms;

impl PseudonymSettings {
    /// Reads the key and makes the pseudonyms. A relative `key_file` lies beside the policy, in `beside`.
    ///
    /// # Errors
    /// A key file that can't be read, that others may read, or that holds fewer than 32 bytes.
    pub fn load(&self, beside: &Path) -> Result<Pseudonyms, FileError> {
        let path = beside.join(&self.key_file);
        let read = |source| FileError::Read {
            path: path.clone(),
            source,
        };
        if is_open(&path).map_err(read)? {
            return Err(FileError::OpenKey { path });
        }
        let key = std::fs::read(&path).map_err(read)?;
        Pseudonyms::hmac_sha256(self.rules.iter().copied(), key.trim_ascii()).map_err(|error| {
            FileError::Content {
                path: path.clone(),
                line: 1,
                reason: error.to_string(),
            }
        })
    }
}

/// May anybody but the owner read the file?
#[cfg(unix)]
fn is_open(path: &Path) -> std::io::Result<bool> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(std::fs::metadata(path)?.permissions().mode() & 0o077 != 0)
}

/// Elsewhere access is no matter of bits; the directory's rules decide.
#[cfg(not(unix))]
fn is_open(path: &Path) -> std::io::Result<bool> {
    std::fs::metadata(path).map(|_| false)
}
