//! Examples and exit statuses of commands that manage baseline and rules, or print completions and the manual.

use super::AfterHelp;
use super::statuses::{BASELINE, BASELINE_CHECK, BASELINE_SCAN, PRINT, RULES, RULES_CHECK};

pub(super) const AFTER_HELP: &[AfterHelp] = &[
    AfterHelp {
        command: "friskey baseline",
        examples: &[
            ("Accept all keys that a scan finds now", "friskey baseline create --reason 'revoked test keys'"),
            ("Look for entries that can be dropped", "friskey baseline check"),
        ],
        statuses: BASELINE,
    },
    AfterHelp {
        command: "friskey baseline add",
        examples: &[
            (
                "Accept all keys in a report",
                "friskey baseline add --from report.json --reason 'revoked' --owner security",
            ),
            (
                "Accept one key of a report, in test data only",
                "friskey baseline add 3c1f09ab --from report.json --path 'tests/**' --reason 'example'",
            ),
        ],
        statuses: &[
            (0, "Done"),
            (
                2,
                "The command failed: invalid arguments, an unreadable report, a baseline that cannot be written",
            ),
        ],
    },
    AfterHelp {
        command: "friskey baseline create",
        examples: &[
            ("Accept all keys that a scan finds now", "friskey baseline create --reason 'revoked test keys'"),
            (
                "Accept them until a date",
                "friskey baseline create --reason 'rotation is planned' --expires 2030-01-31",
            ),
        ],
        statuses: BASELINE_SCAN,
    },
    AfterHelp {
        command: "friskey baseline update",
        examples: &[
            ("Accept new keys too", "friskey baseline update --reason 'revoked test keys'"),
            ("Drop entries that are no longer needed", "friskey baseline update --prune"),
        ],
        statuses: BASELINE_SCAN,
    },
    AfterHelp {
        command: "friskey baseline check",
        examples: &[("Look for expired and stale entries", "friskey baseline check")],
        statuses: BASELINE_CHECK,
    },
    AfterHelp {
        command: "friskey rules",
        examples: &[
            ("List the rules in force", "friskey rules list"),
            ("Test your own rules", "friskey rules check --rules my-rules.toml"),
        ],
        statuses: RULES,
    },
    AfterHelp {
        command: "friskey rules list",
        examples: &[
            ("List the built-in rules and the configured ones", "friskey rules list"),
            ("List the built-in rules only", "friskey rules list --no-config"),
        ],
        statuses: &[(0, "Done"), (2, "The rules could not be loaded")],
    },
    AfterHelp {
        command: "friskey rules show",
        examples: &[("Show one rule", "friskey rules show openai-project-key")],
        statuses: &[(0, "Done"), (2, "The rules could not be loaded, or no rule has the id")],
    },
    AfterHelp {
        command: "friskey rules check",
        examples: &[
            ("Test the rules in force", "friskey rules check"),
            ("Test your own rules too", "friskey rules check --rules my-rules.toml"),
        ],
        statuses: RULES_CHECK,
    },
    AfterHelp {
        command: "friskey completions",
        examples: &[
            ("Enable completions in the current bash", "eval \"$(friskey completions bash)\""),
            (
                "Install completions for fish",
                "friskey completions fish > ~/.config/fish/completions/friskey.fish",
            ),
        ],
        statuses: PRINT,
    },
    AfterHelp {
        command: "friskey man",
        examples: &[
            ("Write the manual page to a file", "friskey man > friskey.1"),
            ("Write a page for each command", "friskey man --dir man1"),
        ],
        statuses: PRINT,
    },
];
