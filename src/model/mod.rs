//! Layer 0: plain data without I/O, shared by all other modules.

mod civil_time;
mod coverage;
mod draft;
mod encoding;
mod finding;
mod fleet;
mod fleet_report;
mod ignored;
mod key_review;
mod origin;
mod os_error;
mod path_base;
mod position;
mod proof;
mod reachability;
mod report;
mod repository_info;
mod rule_info;
mod secret;
mod suppression;
mod surface;
mod verification;
mod version_control;

pub use civil_time::civil_time;
pub use coverage::{Coverage, Skip};
pub use draft::Draft;
pub(crate) use draft::Redact;
pub use encoding::{NESTED_ENCODINGS, SINGLE_ENCODINGS, encoding_from_name};
pub use finding::{Change, Confidence, DetectedKey, Excerpt, Finding, Leak, LeakStatus, Move};
pub use fleet::{
    FleetPlan, FleetResult, ObjectDirectory, PLAN_SCHEMA, PlannedRepository, RESULT_SCHEMA, RepositoryKind,
};
pub use fleet_report::{
    AuditRun, FleetCoverage, FleetIgnored, FleetLeak, FleetReport, FleetRepository, LeakInRepository,
    RepositoryState,
};
pub use ignored::{Ignored, IgnoredKind, IgnoredSet};
pub use key_review::{KeyConcern, KeyReview, ReviewedKey};
pub use origin::Origin;
pub use os_error::{cause, without_os_errors};
pub use path_base::{PathBase, native_path};
pub use position::{Position, Span};
pub use proof::{
    CloneKind, CloneProof, OldObject, OldObjects, ProofStatus, ProofTool, RefKind, RetainingRef,
    SearchedClone, SoughtKey, UnprovenFile,
};
pub use reachability::{Reachability, RemoteSighting, StashEntry, TagDate};
pub use report::{REPORT_SCHEMA, Report, Status};
pub use repository_info::RepositoryInfo;
pub use rule_info::{RuleInfo, Severity};
pub use secret::{Fingerprint, Secret, hex};
pub use suppression::Suppression;
pub use surface::Surface;
pub use verification::{
    AccountKey, AuditEvent, KeyOwner, KeyVerdict, ListedKey, ListedProject, MaskMatchCount, ServiceUse,
    Spending, SpendingDay, Verification,
};
pub use version_control::VersionControl;
