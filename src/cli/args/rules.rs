//! Subcommands of `friskey rules`.

use clap::Subcommand;

use crate::cli::help;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum RulesCommand {
    /// List the rules in force
    #[command(after_long_help = help::after_help_text("friskey rules list"))]
    List,
    /// Show everything about one rule
    #[command(after_long_help = help::after_help_text("friskey rules show"))]
    Show {
        /// Id of the rule
        id: String,
    },
    /// Test every rule against its own examples and counter-examples
    #[command(after_long_help = help::after_help_text("friskey rules check"))]
    Check,
}
