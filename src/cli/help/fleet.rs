//! Examples and exit statuses of `friskey fleet`.

use super::AfterHelp;
use super::statuses::{FLEET, FLEET_AUDIT, FLEET_PLAN, FLEET_REPORT};

pub(super) const AFTER_HELP: &[AfterHelp] = &[
    AfterHelp {
        command: "friskey fleet",
        examples: &[
            (
                "Plan the audit of all mirrors below a directory",
                "friskey fleet plan /srv/mirrors > fleet.json",
            ),
            ("Audit them", "friskey fleet audit fleet.json --state results"),
            ("Report on all of them", "friskey fleet report results"),
        ],
        statuses: FLEET,
    },
    AfterHelp {
        command: "friskey fleet plan",
        examples: &[(
            "Plan the audit of all mirrors below a directory",
            "friskey fleet plan /srv/mirrors > fleet.json",
        )],
        statuses: FLEET_PLAN,
    },
    AfterHelp {
        command: "friskey fleet audit",
        examples: &[
            ("Audit all repositories of a plan", "friskey fleet audit fleet.json --state results"),
            (
                "Audit the part that belongs to an engine's job, e.g. a task of a Slurm array",
                "friskey fleet audit fleet.json --state results --shard auto",
            ),
        ],
        statuses: FLEET_AUDIT,
    },
    AfterHelp {
        command: "friskey fleet report",
        examples: &[
            ("Report on all repositories", "friskey fleet report results"),
            (
                "Merge the results of two machines, and write SARIF with a run for each repository",
                "friskey fleet report results-1 results-2 --output sarif=fleet.sarif",
            ),
        ],
        statuses: FLEET_REPORT,
    },
];
