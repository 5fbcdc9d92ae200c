//! Layer 2: whether a finding counts. Markers beside the key and the entries of a baseline accept
//! findings; each says why. Pure but for reading and writing the baseline file.

mod baseline;
mod bounded_text;
mod date;
mod inline;
mod marker;

pub use baseline::{Baseline, BaselineEntry, BaselineError, Glob};
pub use bounded_text::read_text;
pub use date::Date;
pub use inline::{InlineMarker, find_marker};
pub use marker::{MARKERS, OWN_MARKER};

use crate::model::{Ignored, Suppression};

/// Which markers in the text count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InlineMode {
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
    pub inline: InlineMode,
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
    pub fn judge(&self, marker: InlineMarker) -> Result<Suppression, InlineMarker> {
        match self.inline {
            InlineMode::Strict if marker.reason.is_none() => Err(marker),
            _ => Ok(Suppression { by: "inline", source: marker.marker.to_owned(), reason: marker.reason }),
        }
    }
}
