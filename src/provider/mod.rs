//! Layer 2: the only module that opens a connection. Asks OpenAI's administration API about an organization's keys,
//! and, if the user asks for it, sends a leaked key to OpenAI to learn whether it works.
//!
//! Only `verify`, `revoke` and `keys` use it; scans do not. Bodies of responses are never displayed, since they
//! may contain parts of keys.

mod api_key;
mod audit_log;
mod buckets;
mod client;
mod compromised;
mod directory;
mod error;
mod evidence;
mod evidence_window;
mod host;
mod key_mask;
mod matching;
mod pages;
mod probe;
mod proxy;
mod replacement;
mod run_limits;
mod service_accounts;
mod usage;
mod wire;

pub use api_key::ApiKey;
pub use audit_log::LogCoverage;
pub use client::{Client, ClientOptions};
pub use compromised::report_compromised;
pub use directory::{KeyDirectory, OrganizationKey};
pub use error::ProviderError;
pub use evidence::Evidence;
pub use evidence_window::EvidenceWindow;
pub use host::Host;
pub use key_mask::KeyMask;
pub use matching::{KeyShape, MaskMatches, matching_keys};
pub use probe::{ProbeResult, probe, whoami};
pub use proxy::HttpProxy;
pub use replacement::ReplacementKey;
pub use run_limits::RunLimits;
pub use service_accounts::ServiceAccounts;
