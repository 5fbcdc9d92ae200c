//! Examples and exit statuses of `friskey hook`.

use super::AfterHelp;
use super::statuses::{HOOK, HOOK_INSTALL, HOOK_RUN, HOOK_STATUS};

pub(super) const AFTER_HELP: &[AfterHelp] = &[
    AfterHelp {
        command: "friskey hook",
        examples: &[
            ("Install the default hooks", "friskey hook install"),
            ("See which hooks run friskey", "friskey hook status"),
        ],
        statuses: HOOK,
    },
    AfterHelp {
        command: "friskey hook install",
        examples: &[
            ("Install the default hooks in the current repository", "friskey hook install"),
            (
                "Install only the pre-commit and pre-push hooks",
                "friskey hook install --hook pre-commit,pre-push",
            ),
            ("Install the pre-receive hook on a server", "friskey hook install /srv/git/project.git"),
        ],
        statuses: HOOK_INSTALL,
    },
    AfterHelp {
        command: "friskey hook status",
        examples: &[("See which hooks of the current repository run friskey", "friskey hook status")],
        statuses: HOOK_STATUS,
    },
    AfterHelp {
        command: "friskey hook uninstall",
        examples: &[
            ("Remove all of friskey's hooks", "friskey hook uninstall"),
            ("Remove only the pre-push hook", "friskey hook uninstall --hook pre-push"),
        ],
        statuses: HOOK_INSTALL,
    },
    AfterHelp {
        command: "friskey hook run",
        examples: &[
            ("Call friskey from your own pre-commit hook", "friskey hook run pre-commit"),
            ("Call friskey from your own commit-msg hook", "friskey hook run commit-msg -- \"$@\""),
        ],
        statuses: HOOK_RUN,
    },
];
