//! Layer 2: whether a finding counts. Markers beside the key and the entries of a baseline accept
//! findings; each says why. Pure but for reading and writing the baseline file.

mod baseline;
mod date;
mod inline;
mod marker;
mod text;

pub use baseline::{Baseline, BaselineError, Entry, Glob};
pub use date::Date;
pub use inline::{Mark, inline};
pub use marker::{MARKERS, OWN_MARKER};
pub use text::read_text;

use crate::model::{Ignored, Suppression};

/// Which markers in the text count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Inline {
    /// None.
    #[default]
    Off,
    /// All.
    Lenient,
    /// Those that give a reason.
    Strict,
}

/// What a scan accepts. The default accepts nothing.
#[derive(Debug, Default)]
pub struct Policy {
    /// Which markers count.
    pub inline: Inline,
    /// Accepted keys.
    pub baseline: Option<Baseline>,
    /// The scan looks at all that the baseline is about, so that an entry which nothing meets is
    /// stale.
    pub whole: bool,
    /// Where all this comes from, for the report.
    pub notes: Vec<String>,
    /// How options, configuration and rules narrow the scan, for the report.
    pub ignored: Vec<Ignored>,
}

impl Policy {
    /// What `mark` does: accepts the finding, or does not count for want of a reason (`Err`).
    pub fn judge(&self, mark: Mark) -> Result<Suppression, Mark> {
        match self.inline {
            Inline::Strict if mark.reason.is_none() => Err(mark),
            _ => Ok(Suppression { by: "inline", source: mark.marker.to_owned(), reason: mark.reason }),
        }
    }
}
