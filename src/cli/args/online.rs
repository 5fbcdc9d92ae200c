//! Arguments that the commands that talk to the provider share, and those of `friskey keys`.

use std::path::PathBuf;

use clap::Args;

use crate::cli::limits::{Count, Seconds};
use crate::provider::Host;

/// The formats of the results of `keys`.
const FORMATS: [&str; 2] = ["human", "json"];

/// Options of every command that talks to the provider.
#[derive(Debug, Args)]
pub(in crate::cli) struct OnlineArgs {
    /// Read the organization's admin key from FILE, which only you may read, instead of from the environment variable
    /// OPENAI_ADMIN_KEY
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) admin_key_file: Option<PathBuf>,

    /// Send requests to HOST, e.g. eu.api.openai.com for an organization in that region, or to a gateway
    /// [default: api.openai.com]
    #[arg(long, value_name = "HOST[:PORT]", value_parser = parse_host)]
    pub(in crate::cli) host: Option<Host>,

    /// Time limit of each request [default: 30]
    #[arg(long, value_name = "SECONDS")]
    pub(in crate::cli) timeout: Option<Seconds>,

    /// Make at most N requests in all, including retries. The rest remains unknown [default: 10000]
    #[arg(long, value_name = "N")]
    pub(in crate::cli) max_requests: Option<Count>,

    /// Time limit of all requests together [default: 3600]
    #[arg(long, value_name = "SECONDS")]
    pub(in crate::cli) max_time: Option<Seconds>,
}

fn parse_host(text: &str) -> Result<Host, String> {
    Host::parse(text)
        .ok_or_else(|| "expected a host name, e.g. eu.api.openai.com, without https:// and path".to_owned())
}

#[derive(Debug, Args)]
pub(in crate::cli) struct KeysArgs {
    /// Mark keys that are older than DAYS or have not been used for that long
    #[arg(long, value_name = "DAYS", default_value = "90")]
    pub(in crate::cli) max_age: Count,

    /// Format on standard output
    #[arg(long, value_name = "FORMAT", default_value = "human", value_parser = FORMATS)]
    pub(in crate::cli) format: String,

    #[command(flatten)]
    pub(in crate::cli) online: OnlineArgs,
}
