//! Layer 0: plain data, no I/O. Everything else speaks in these terms.

mod base;
mod coverage;
mod finding;
mod ignored;
mod location;
mod origin;
mod report;
mod secret;
mod suppression;
mod surface;

pub use base::{PathBase, native_path};
pub use coverage::{Coverage, Skip};
pub use finding::{Change, Confidence, Excerpt, Finding, Identified, Leak, LeakStatus};
pub use ignored::{Ignored, IgnoredKind, IgnoredSet};
pub use location::{Position, Span};
pub use origin::Origin;
pub use report::{Report, RuleInfo, Severity, Status, VersionControl};
pub use secret::{Fingerprint, Secret, hex};
pub use suppression::Suppression;
pub use surface::Surface;
