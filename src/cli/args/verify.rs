//! The options of `friskey verify`.

use std::path::{Path, PathBuf};

use clap::Args;

use super::OnlineArgs;
use crate::cli::limits::Seconds;

/// The formats of the results of `verify`.
pub(in crate::cli) const VERIFICATION_FORMATS: [&str; 3] = ["human", "json", "html"];

#[derive(Debug, Args)]
pub(in crate::cli) struct VerifyArgs {
    /// A JSON report of friskey; `-` reads the report, or leaked keys themselves, from standard input
    /// [default: audit the repository given by --repo]
    #[arg(value_name = "REPORT")]
    pub(in crate::cli) report: Option<PathBuf>,

    /// Repository to audit if there is no REPORT. With --send-key, the leaked keys are read from it
    /// [default: that of the report, else .]
    #[arg(long, value_name = "REPO")]
    pub(in crate::cli) repo: Option<PathBuf>,

    /// Verify accepted keys as well
    #[arg(long)]
    pub(in crate::cli) no_suppress: bool,

    /// Send each leaked key itself to the provider, to learn whether it works even without an admin key. Only for keys
    /// of your own: using other people's keys is unauthorized access
    #[arg(long)]
    pub(in crate::cli) send_key: bool,

    /// Treat keys that --host rejects as dead; only for a host that passes requests on to OpenAI. Otherwise their state is
    /// unknown, since a gateway also rejects live keys that it does not know
    #[arg(long, requires = "send_key")]
    pub(in crate::cli) trust_host: bool,

    /// With --send-key, also ask who owns the key; the answer contains personal data
    #[arg(long, requires = "send_key")]
    pub(in crate::cli) whoami: bool,

    /// Seconds until a key that the provider rejects is sent again, since an outage rejects live keys too [default: 5]
    #[arg(long, value_name = "SECONDS", requires = "send_key")]
    pub(in crate::cli) recheck_after: Option<Seconds>,

    /// Format on standard output
    #[arg(long, value_name = "FORMAT", default_value = "human", value_parser = VERIFICATION_FORMATS)]
    pub(in crate::cli) format: String,

    /// Write to a file as well; can be repeated
    #[arg(long, value_name = "FORMAT=PATH")]
    pub(in crate::cli) output: Vec<String>,

    #[command(flatten)]
    pub(in crate::cli) online: OnlineArgs,
}

impl VerifyArgs {
    /// The repository to audit if there is no report.
    pub(in crate::cli) fn audited_repo(&self) -> &Path {
        self.repo.as_deref().unwrap_or(Path::new("."))
    }
}
