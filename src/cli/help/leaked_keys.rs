//! Examples and exit statuses of commands that deal with leaked keys.

use super::AfterHelp;
use super::statuses::{KEYS, PROVE, PURGE, REVOKE, VERIFY};

pub(super) const AFTER_HELP: &[AfterHelp] = &[
    AfterHelp {
        command: "friskey verify",
        examples: &[
            (
                "Verify the keys in a report, with the admin key in OPENAI_ADMIN_KEY",
                "friskey verify report.json",
            ),
            (
                "Audit this repository and write a page with the result",
                "friskey verify --output html=verified.html",
            ),
            (
                "Paste a leaked key at a hidden prompt",
                "friskey verify - --admin-key-file ~/.openai-admin-key",
            ),
            ("Also ask with the leaked keys themselves", "friskey verify report.json --send-key"),
        ],
        statuses: VERIFY,
    },
    AfterHelp {
        command: "friskey revoke",
        examples: &[
            (
                "Show which key of the organization would be deleted",
                "friskey revoke report.json --key 3c1f09ab",
            ),
            (
                "Delete it, and keep its costs and audit log",
                "friskey revoke report.json --key 3c1f09ab --yes key_Qm3vX9 --evidence evidence.json",
            ),
            (
                "Put a new key into a GitHub secret first, and then delete the leaked one",
                "friskey revoke --key 3c1f09ab --yes key_Qm3vX9 --replace --to 'gh secret set API_KEY'",
            ),
            (
                "Show what would be reported to OpenAI about a key that no admin key can revoke",
                "friskey revoke report.json --key 3c1f09ab --report",
            ),
        ],
        statuses: REVOKE,
    },
    AfterHelp {
        command: "friskey keys",
        examples: &[
            ("List all keys, with the admin key in OPENAI_ADMIN_KEY", "friskey keys"),
            ("Mark keys that are older than half a year", "friskey keys --max-age 180"),
            (
                "In a scheduled job, print nothing if no key is due for attention",
                "friskey keys --quiet --format json",
            ),
        ],
        statuses: KEYS,
    },
    AfterHelp {
        command: "friskey purge",
        examples: &[
            ("Show what would be rewritten", "friskey purge --dry-run project.git"),
            (
                "Write a repository without any leaked key, and a report for `friskey prove`",
                "friskey purge project.git --into purged.git --report purge.json",
            ),
            (
                "Purge one key, by its fingerprint in a report",
                "friskey purge --into ../purged.git --key 3c1f09ab",
            ),
        ],
        statuses: PURGE,
    },
    AfterHelp {
        command: "friskey prove",
        examples: &[
            (
                "Prove that a new mirror clone contains none of the purged keys and objects",
                "friskey prove check.git --report purge.json",
            ),
            (
                "Write the proof as JSON",
                "friskey prove check.git --report purge.json --format json > proof.json",
            ),
        ],
        statuses: PROVE,
    },
];
