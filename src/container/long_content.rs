//! Watches content that is too long to be read into memory before it is classified, for what can be opened only in memory:
//! runs, and archives in programs.

use super::encoded::{RunProbe, probe_runs};
use super::signatures::{PROBE_LEN, find_archive};

/// Number of bytes that are examined at once.
const WINDOW_LEN: usize = 1 << 17;

/// Number of bytes that are examined again with those that follow: more than are needed to recognize a run or an archive.
const OVERLAP_LEN: usize = 4 * PROBE_LEN;

/// Long content, which is read only once.
pub(super) struct LongContent {
    /// Whether it is a program, in which archives are to be noticed.
    is_program: bool,
    /// Maximum number of bytes to keep for runs.
    max_kept: usize,
    window: Vec<u8>,
    /// The offset of the window in the content.
    offset: u64,
    run_probe: RunProbe,
    has_archive: bool,
    runs: Runs,
}

/// What was noticed of runs.
pub(super) enum Runs {
    None,
    /// There are runs in `bytes`, which begin at `offset` and extend to the end of the content.
    Kept {
        bytes: Vec<u8>,
        offset: u64,
    },
    /// There are runs, but too many bytes follow.
    TooLong,
}

/// What was noticed in long content.
pub(super) struct Noticed {
    pub(super) runs: Runs,
    /// Whether there is an archive in a program.
    pub(super) has_archive: bool,
}

impl LongContent {
    pub(super) fn new(is_program: bool, max_kept: usize) -> Self {
        Self {
            is_program,
            max_kept,
            window: Vec::new(),
            offset: 0,
            run_probe: RunProbe::default(),
            has_archive: false,
            runs: Runs::None,
        }
    }

    /// Examines the next bytes.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        if let Runs::Kept { bytes: kept, .. } = &mut self.runs {
            kept.extend_from_slice(bytes);
        }
        self.window.extend_from_slice(bytes);
        if self.window.len() >= WINDOW_LEN {
            let examined = self.window.len() - OVERLAP_LEN;
            self.examine(examined);
            self.window.drain(..examined);
            self.offset += examined as u64;
        }
    }

    /// Examines what begins in the first `end` bytes of the window.
    fn examine(&mut self, end: usize) {
        if self.is_program && !self.has_archive {
            self.has_archive = find_archive(&self.window).is_some();
        }
        if let Runs::None = self.runs {
            probe_runs(&mut self.run_probe, &self.window, end);
            if self.run_probe.is_found() {
                self.runs = Runs::Kept { bytes: self.window.clone(), offset: self.offset };
            }
        }
        if let Runs::Kept { bytes, .. } = &self.runs
            && bytes.len() > self.max_kept
        {
            self.runs = Runs::TooLong;
        }
    }

    /// Ends the content.
    pub(super) fn finish(mut self) -> Noticed {
        self.examine(self.window.len());
        Noticed { runs: self.runs, has_archive: self.has_archive }
    }
}
