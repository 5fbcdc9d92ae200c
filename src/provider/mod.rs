//! Layer 2: the only module that opens a connection. Asks OpenAI's administration API about an organization's keys,
//! and, on request, OpenAI about a key itself.
//!
//! Only `verify`, `revoke` and `keys` use it; a scan cannot reach it. Bodies of answers are never shown, since the
//! provider echoes parts of keys in them.

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
pub use client::{Client, ClientOptions};
pub use compromised::report_compromised;
pub use directory::{KeyDirectory, OrganizationKey};
pub use error::ProviderError;
pub use evidence::Evidence;
pub use evidence_window::EvidenceWindow;
pub use host::Host;
pub use key_mask::KeyMask;
pub use matching::{KeyShape, MaskMatches, matching_keys};
pub use probe::{ProbeAnswer, probe, whoami};
pub use proxy::HttpProxy;
pub use replacement::ReplacementKey;
pub use run_limits::RunLimits;
pub use service_accounts::ServiceAccounts;
