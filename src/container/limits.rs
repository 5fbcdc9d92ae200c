//! Limits of container extraction: a few bytes can unpack to any size.

use std::cell::Cell;
use std::io;
use std::time::{Duration, Instant};

/// Limits for one file or blob, including everything nested in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Nesting depth; 0 opens no containers.
    pub depth: usize,
    /// Unpacked bytes.
    pub bytes: u64,
    /// Entries.
    pub entries: u64,
    /// Unpacked bytes per byte of the container, enforced once [`Limits::MIN_RATIO_BYTES`] have been unpacked.
    pub ratio: u64,
    /// Time for unpacking and searching.
    pub time: Duration,
    /// Bytes held in memory, e.g. for a zip within another container, which needs random access.
    pub memory: u64,
}

impl Limits {
    /// Highest depth that can be configured: each level uses stack.
    pub const MAX_DEPTH: usize = 64;

    /// Bytes that may be unpacked regardless of the ratio.
    pub const MIN_RATIO_BYTES: u64 = 256 << 20;
}

impl Default for Limits {
    /// Deflate expands at most 1032 times, so the default ratio stops only data that is compressed twice, or
    /// with a stronger method, to waste time.
    fn default() -> Self {
        Self {
            depth: 10,
            bytes: 8 << 30,
            entries: 1_000_000,
            ratio: 2000,
            time: Duration::from_secs(60),
            memory: 256 << 20,
        }
    }
}

/// The limits, and how much of each is used up.
#[derive(Debug)]
pub(super) struct Budget {
    pub(super) limits: Limits,
    start: Instant,
    /// Size of the outermost container, or of what was read of it so far.
    pub(super) input_bytes: Cell<u64>,
    /// Bytes unpacked so far.
    bytes: Cell<u64>,
    /// Entries so far.
    entries: Cell<u64>,
    /// Bytes held in memory now.
    memory: Cell<u64>,
    /// The limit that was hit; nothing is unpacked afterwards.
    limit_hit: Cell<Option<LimitHit>>,
}

/// A limit, or the user, that ended the extraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LimitHit {
    Bytes,
    Entries,
    Ratio,
    Time,
    Stopped,
}

impl Budget {
    pub(super) fn new(limits: Limits) -> Self {
        let limits = Limits { depth: limits.depth.min(Limits::MAX_DEPTH), ..limits };
        Self {
            limits,
            start: Instant::now(),
            input_bytes: Cell::new(0),
            bytes: Cell::new(0),
            entries: Cell::new(0),
            memory: Cell::new(0),
            limit_hit: Cell::new(None),
        }
    }

    pub(super) fn limit_hit(&self) -> Option<LimitHit> {
        self.limit_hit.get()
    }

    /// Ends the extraction because of `limit_hit`, unless another limit already ended it. Returns the error that readers
    /// then return.
    pub(super) fn stop(&self, limit_hit: LimitHit) -> io::Error {
        self.limit_hit.set(Some(self.limit_hit.get().unwrap_or(limit_hit)));
        io::Error::other(LIMIT_HIT_TEXT)
    }

    /// Bytes unpacked so far.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.get()
    }

    /// Bytes that may still be unpacked.
    ///
    /// # Errors
    /// If a limit was hit before, or the time is up.
    pub(super) fn bytes_left(&self) -> io::Result<u64> {
        if let Some(limit_hit) = self.limit_hit.get() {
            return Err(self.stop(limit_hit));
        }
        if self.start.elapsed() > self.limits.time {
            return Err(self.stop(LimitHit::Time));
        }
        let max_bytes = self.limits.bytes.min(self.max_bytes_by_ratio());
        Ok(max_bytes.saturating_sub(self.bytes.get()))
    }

    /// Checks that the extraction may continue.
    ///
    /// # Errors
    /// If a limit was hit before, or the time is up.
    pub(super) fn check(&self) -> io::Result<()> {
        self.bytes_left().map(|_| ())
    }

    fn max_bytes_by_ratio(&self) -> u64 {
        self.input_bytes.get().saturating_mul(self.limits.ratio).max(Limits::MIN_RATIO_BYTES)
    }

    /// Counts `count` unpacked bytes.
    ///
    /// # Errors
    /// If a limit is exceeded; `count` is then not recorded.
    pub(super) fn add_unpacked(&self, count: usize) -> io::Result<()> {
        self.check()?;
        let bytes = self.bytes.get() + count as u64;
        if bytes > self.limits.bytes {
            return Err(self.stop(LimitHit::Bytes));
        }
        if bytes > self.max_bytes_by_ratio() {
            return Err(self.stop(LimitHit::Ratio));
        }
        self.bytes.set(bytes);
        Ok(())
    }

    /// Counts an entry.
    ///
    /// # Errors
    /// If a limit is hit.
    pub(super) fn add_entry(&self) -> io::Result<()> {
        self.entries.set(self.entries.get() + 1);
        if self.entries.get() > self.limits.entries {
            return Err(self.stop(LimitHit::Entries));
        }
        self.check()
    }

    /// Bytes that may still be held in memory.
    pub(super) fn memory_left(&self) -> u64 {
        self.limits.memory.saturating_sub(self.memory.get())
    }

    /// Counts `bytes` as held while `work` runs.
    pub(super) fn while_holding<T>(&self, bytes: usize, work: impl FnOnce() -> T) -> T {
        let before = self.memory.get();
        self.memory.set(before + bytes as u64);
        let result = work();
        self.memory.set(before);
        result
    }

    /// The limit that was hit as text; `None` if none was, or if the user stopped the scan.
    pub(super) fn reason(&self) -> Option<String> {
        let Limits { bytes, entries, ratio, time, .. } = self.limits;
        let exceeded = match self.limit_hit.get()? {
            LimitHit::Stopped => return None,
            LimitHit::Bytes => format!("it unpacks to more than {} (`--max-unpacked`)", size_text(bytes)),
            LimitHit::Entries => format!("it has more than {entries} entries (`--max-entries`)"),
            LimitHit::Ratio => format!("it unpacks to more than {ratio} times its size (`--max-ratio`)"),
            LimitHit::Time => {
                format!("it takes longer than {} s to unpack (`{TIME_OPTION}`)", time.as_secs_f64())
            }
        };
        let scanned = self.entries.get().min(entries);
        Some(format!("stopped: {exceeded}; {} in {scanned} entries were scanned", size_text(self.bytes())))
    }
}

/// The option that limits the time, which the reason names if that limit was hit.
const TIME_OPTION: &str = "--max-container-time";

/// Whether a container was not opened completely for a `reason` that another run may not have, since it depends on the time.
pub fn depends_on_time(reason: &str) -> bool {
    reason.contains(TIME_OPTION)
}

/// The text of the error that readers return once a limit is hit. It is never shown: [`Budget::reason`] reports the limit.
const LIMIT_HIT_TEXT: &str = "given up";

/// The text of `error`. For a decoder that needs more memory than the limit allows, it names the limit.
pub(super) fn error_text(error: &io::Error) -> String {
    let reason = error.to_string();
    const MEMORY_ERRORS: [&str; 3] = ["needed memory too big", "too much memory", "dict size too large"];
    match MEMORY_ERRORS.iter().any(|text| reason.contains(text)) {
        true => "its dictionary exceeds the memory limit (`--max-memory`)".to_owned(),
        false => reason,
    }
}

/// Bytes as text, in the binary units in which limits are given. Reports show amounts in decimal units instead, with
/// `report::humanize::bytes`.
pub(super) fn size_text(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{} KiB", bytes >> 10),
        1_048_576..1_073_741_824 => format!("{} MiB", bytes >> 20),
        _ => format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30)).replace(".0 ", " "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_limit_on_time_depends_on_time() {
        let reason = |limits: Limits| {
            let budget = Budget::new(limits);
            while budget.add_entry().and_then(|()| budget.add_unpacked(1 << 20)).is_ok() {}
            budget.reason().unwrap()
        };
        let limits = Limits { time: Duration::MAX, ..Limits::default() };
        assert!(depends_on_time(&reason(Limits { time: Duration::ZERO, ..limits })));
        assert!(!depends_on_time(&reason(Limits { bytes: 5 << 20, ..limits })));
        assert!(!depends_on_time(&reason(Limits { entries: 5, ..limits })));
        assert!(!depends_on_time(&reason(limits)), "the ratio");
    }
}
