//! Layer 2: what is accepted. Markers next to a key and the entries of a baseline suppress findings, each with
//! a reason. No I/O except for the baseline file.

mod baseline;
mod date;
mod inline;
mod marker;

pub use baseline::{Baseline, BaselineEntry, BaselineError};
pub use date::Date;
pub use inline::{InlineMarker, find_marker};
pub use marker::{MARKERS, OWN_MARKER};

use crate::model::{Ignored, Suppression};

/// Which markers in the source are honored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InlineMode {
    /// None.
    #[default]
    Off,
    /// All.
    Lenient,
    /// Those with a reason.
    Strict,
}

/// What a scan accepts. The default accepts nothing.
#[derive(Debug, Default)]
pub struct Policy {
    /// Which markers are honored.
    pub inline: InlineMode,
    /// Accepted keys.
    pub baseline: Option<Baseline>,
    /// Whether the scan covers everything that the baseline does, so that an entry without findings is stale.
    pub covers_baseline: bool,
    /// Where the policy comes from, for the report.
    pub notes: Vec<String>,
    /// How options, configuration and rules narrow the scan, for the report.
    pub ignored: Vec<Ignored>,
}

impl Policy {
    /// The suppression by `marker`; `Err` if strict mode ignores the marker because it has no reason.
    pub fn judge(&self, marker: InlineMarker) -> Result<Suppression, InlineMarker> {
        match self.inline {
            InlineMode::Strict if marker.reason.is_none() => Err(marker),
            _ => Ok(Suppression { by: "inline", source: marker.marker.to_owned(), reason: marker.reason }),
        }
    }
}
