//! The options of `friskey revoke`.

use std::path::{Path, PathBuf};

use clap::Args;

use super::OnlineArgs;
use crate::cli::limits::Seconds;
use crate::cli::receiver::Receiver;

#[derive(Debug, Args)]
pub(in crate::cli) struct RevokeArgs {
    /// A JSON report of friskey; `-` reads the report, or the leaked key itself, from standard input
    /// [default: audit the repository given by --repo]
    #[arg(value_name = "REPORT")]
    pub(in crate::cli) report: Option<PathBuf>,

    /// The leaked key: its fingerprint or the first digits of it, at least 8. Needed if there are several leaks
    #[arg(long, value_name = "FINGERPRINT")]
    pub(in crate::cli) key: Option<String>,

    /// Repository to audit if there is no REPORT. With --report, the leaked key is read from it
    /// [default: that of the report, else .]
    #[arg(long, value_name = "REPO")]
    pub(in crate::cli) repo: Option<PathBuf>,

    /// Consider only keys of this project, for which the leaked key was used. Needed if the API shows only short
    /// forms of keys, which do not distinguish them
    #[arg(long, value_name = "PROJECTID")]
    pub(in crate::cli) project: Option<String>,

    /// Delete the key with this id, which a run without this option shows. This cannot be undone
    #[arg(long, value_name = "KEYID")]
    pub(in crate::cli) yes: Option<String>,

    /// Before deleting, write what is known about the key to FILE as JSON: owner, costs, audit log
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) evidence: Option<PathBuf>,

    /// How long to wait until the key is gone from the list [default: 900]
    #[arg(long, value_name = "SECONDS")]
    pub(in crate::cli) wait: Option<Seconds>,

    /// Before deleting a service account's key, create a new one for the same account, with the same permissions
    /// where the API lists them, and pass it to --to. If that fails, nothing is deleted
    #[arg(long, requires = "to")]
    pub(in crate::cli) replace: bool,

    /// With --replace, write the new key to the standard input of this program, which is run without a shell; the key is
    /// shown and stored nowhere else, and what the program prints is not shown
    #[arg(long, value_name = "PROGRAM ARGS", requires = "replace")]
    pub(in crate::cli) to: Option<Receiver>,

    /// Instead of deleting the key, report it to OpenAI as compromised, without an admin key: for a user's own key, or one
    /// of another organization. OpenAI does not document how, so the outcome is not certain; shows what would be sent
    /// unless --consent is given
    #[arg(long = "report", id = "as_compromised", conflicts_with_all = ["project", "yes", "evidence", "wait", "replace"])]
    pub(in crate::cli) as_compromised: bool,

    /// With --report, send the leaked key itself, named by the first digits of its fingerprint, at least 8. This
    /// cannot be undone
    #[arg(long, value_name = "FINGERPRINT", requires = "as_compromised")]
    pub(in crate::cli) consent: Option<String>,

    /// With --report, the e-mail address to which OpenAI may reply
    #[arg(long, value_name = "ADDRESS", requires = "as_compromised")]
    pub(in crate::cli) email: Option<String>,

    #[command(flatten)]
    pub(in crate::cli) online: OnlineArgs,
}

impl RevokeArgs {
    /// The repository to audit if there is no report.
    pub(in crate::cli) fn audited_repo(&self) -> &Path {
        self.repo.as_deref().unwrap_or(Path::new("."))
    }
}
