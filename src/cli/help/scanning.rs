//! Examples and exit statuses of commands that scan.

use super::AfterHelp;
use super::statuses::{EXPLAIN, SCAN, TRACE};

pub(super) const AFTER_HELP: &[AfterHelp] = &[
    AfterHelp {
        command: "friskey",
        examples: &[
            ("Scan the current directory", "friskey scan"),
            ("Check every commit before it is made", "friskey hook install"),
            ("Audit the whole history of a repository", "friskey history path/to/repo"),
        ],
        statuses: SCAN,
    },
    AfterHelp {
        command: "friskey scan",
        examples: &[
            ("Scan the current directory", "friskey scan"),
            ("Scan standard input", "git diff | friskey scan -"),
            (
                "Write a SARIF report and print the findings",
                "friskey scan --format human --output sarif=friskey.sarif",
            ),
            (
                "Scan ignored files too, except those in `vendor`",
                "friskey scan --no-ignore --exclude vendor/",
            ),
        ],
        statuses: SCAN,
    },
    AfterHelp {
        command: "friskey staged",
        examples: &[
            ("Scan what the next commit would contain", "friskey staged"),
            ("Scan the staged content of one file", "friskey staged src/config.py"),
        ],
        statuses: SCAN,
    },
    AfterHelp {
        command: "friskey history",
        examples: &[
            ("Audit the repository around the current directory", "friskey history"),
            ("Audit what a branch adds to main", "friskey history --range origin/main..HEAD"),
            (
                "Write an HTML report on a bare repository",
                "friskey history repo.git --output html=audit.html",
            ),
        ],
        statuses: SCAN,
    },
    AfterHelp {
        command: "friskey ci",
        examples: &[
            ("Scan the commits of the current CI event", "friskey ci"),
            (
                "Give the range on a CI system that friskey does not know",
                "friskey ci --base origin/main --head HEAD",
            ),
            ("Write a SARIF report", "friskey ci --output sarif=friskey.sarif"),
        ],
        statuses: SCAN,
    },
    AfterHelp {
        command: "friskey trace",
        examples: &[
            ("Paste the key at a hidden prompt", "friskey trace"),
            ("Take the key from an environment variable", "friskey trace --env OPENAI_API_KEY"),
            ("Select the key by the fingerprint in a report", "friskey trace --fingerprint 3c1f09ab"),
            ("Select the key by its last four characters", "friskey trace --last-four x9KA"),
        ],
        statuses: TRACE,
    },
    AfterHelp {
        command: "friskey explain",
        examples: &[
            ("Paste the text at a hidden prompt", "friskey explain"),
            ("Explain the contents of a file as JSON", "friskey explain --json < .env"),
        ],
        statuses: EXPLAIN,
    },
];
