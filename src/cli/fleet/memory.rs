//! Divides the memory of `friskey fleet audit` among its threads. Several audits run at once, each on one or more of these
//! threads, and an audit has the shares of its threads.

use anyhow::{Result, bail};

use crate::cli::session::Session;

/// Minimum memory for the objects of a thread, in bytes. Containers take theirs in addition.
const MIN_OBJECT_MEMORY: u64 = 64 << 20;

/// How the memory is divided among threads.
pub(super) struct AuditMemory {
    /// Share of each thread, in bytes.
    per_thread: u64,
    /// The number of threads for which the memory is enough.
    pub(super) max_threads: usize,
    /// The part of a thread's share that containers may take.
    containers: u64,
}

impl AuditMemory {
    /// Divides `bytes` among the threads of the session.
    ///
    /// # Errors
    /// If the memory is too little for one audit on one thread.
    pub(super) fn new(bytes: u64, session: &Session) -> Result<Self> {
        let containers = session.limits.memory;
        let minimum = containers.saturating_add(MIN_OBJECT_MEMORY);
        if bytes < minimum {
            bail!(
                "{} of memory is too little; one audit takes {}, most of it for containers: raise `--max-memory`, or lower \
                 `max-memory` in the table `[containers]` of the configuration",
                mebibytes(bytes),
                mebibytes(minimum)
            );
        }
        let max_threads = usize::try_from(bytes / minimum).unwrap_or(usize::MAX).min(session.threads).max(1);
        Ok(Self { per_thread: bytes / max_threads as u64, max_threads, containers })
    }

    /// Memory for objects in an audit on this many threads, in bytes.
    pub(super) fn for_objects(&self, threads: usize) -> u64 {
        (self.per_thread - self.containers).saturating_mul(threads as u64)
    }
}

/// A size in the syntax of options, rounded up.
fn mebibytes(bytes: u64) -> String {
    format!("{}MiB", bytes.div_ceil(1 << 20))
}
