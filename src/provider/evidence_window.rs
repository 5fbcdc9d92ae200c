//! The period whose evidence about a key is read.

/// A key, and the time of its leak, which separates the evidence before from that after.
#[derive(Clone, Debug)]
pub struct EvidenceWindow {
    /// The id of the key.
    pub key_id: String,
    /// When it was leaked, in seconds since 1970.
    pub leaked_at: i64,
}
