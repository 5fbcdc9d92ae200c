//! Layer 2: decides which findings are accepted. Markers next to a key and entries of a baseline suppress them, with
//! reasons. No I/O except for the baseline file.

mod baseline;
mod blank;
mod date;
mod inline;
mod marker;

pub use baseline::{Baseline, BaselineEntry, BaselineError};
pub use blank::is_blank;
pub use date::Date;
pub use inline::{InlineMarker, find_marker};
pub use marker::{MARKERS, OWN_MARKER};

use crate::model::{Ignored, Suppression};

/// Which markers in the source are honored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MarkerMode {
    /// No markers.
    #[default]
    Off,
    /// All markers.
    Lenient,
    /// Markers with a reason.
    Strict,
}

/// What a scan accepts. The default accepts nothing.
#[derive(Debug, Default)]
pub struct Policy {
    /// Which markers are honored.
    pub markers: MarkerMode,
    /// Accepted keys.
    pub baseline: Option<Baseline>,
    /// Whether the scan covers everything that the baseline does, so that an entry without findings is stale.
    pub covers_baseline: bool,
    /// Where the policy was configured, for the report.
    pub notes: Vec<String>,
    /// How options, configuration and rules narrow the scan, for the report.
    pub ignored: Vec<Ignored>,
}

impl Policy {
    /// The suppression by `marker`.
    ///
    /// # Errors
    /// The marker itself, if strict mode ignores it because it has no reason.
    pub fn suppression_by(&self, marker: InlineMarker) -> Result<Suppression, InlineMarker> {
        match self.markers {
            MarkerMode::Strict if marker.reason.is_none() => Err(marker),
            _ => Ok(Suppression { by: "inline", source: marker.marker.to_owned(), reason: marker.reason }),
        }
    }
}
