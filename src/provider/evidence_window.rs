//! Which evidence about a key is read.

/// A key, and the time from which on it is examined.
#[derive(Clone, Debug)]
pub struct EvidenceWindow {
    /// The id of the key.
    pub key: String,
    /// When it was leaked, in seconds since 1970.
    pub leaked_at: i64,
}
