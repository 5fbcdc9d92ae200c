//! The exit statuses of each command and their meanings.

pub(super) const SCAN: &[(u8, &str)] = &[
    (0, "No findings in what was scanned; the receipt names what was excluded"),
    (1, "At least one finding, whether or not everything could be scanned"),
    (2, "The scan could not be done: invalid arguments or configuration, no such path, not a repository"),
    (3, "No findings, but something could not be scanned; the receipt names it"),
];

pub(super) const TRACE: &[(u8, &str)] = &[
    (0, "The key is not in what was searched; the receipt names what was excluded"),
    (1, "The key was found, whether or not everything could be searched"),
    (2, "The search could not be done: no key given, invalid arguments, not a repository"),
    (3, "The key was not found, but something could not be searched; the receipt names it"),
];

pub(super) const PROVE: &[(u8, &str)] = &[
    (0, "Proven for this clone: none of the purged keys and none of the old objects is in it"),
    (1, "A purged key or an old object is still there; the output lists the refs that reach it"),
    (2, "The proof could not be attempted: invalid arguments or report, not a repository"),
    (
        3,
        "Nothing was found, but not everything could be checked: a plain or incomplete clone, something unreadable",
    ),
];

pub(super) const VERIFY: &[(u8, &str)] = &[
    (0, "Every leaked key is dead; accepted keys are not verified unless --no-suppress is given"),
    (1, "At least one leaked key is live"),
    (2, "No request was sent: invalid arguments, no admin key, no such report"),
    (3, "No leaked key is known to be live, but not every one is known to be dead"),
];

pub(super) const REVOKE: &[(u8, &str)] = &[
    (0, "The key is gone from the organization's list"),
    (1, "Nothing was changed or sent, since --yes or --consent was not given"),
    (
        2,
        "No request was sent and nothing was changed: invalid arguments, no admin key, --yes or --consent \
         names another key",
    ),
    (
        3,
        "Not revoked, or unknown: no certain match, a refusal, a report that was only submitted, or the key \
         is still listed",
    ),
];

pub(super) const PURGE: &[(u8, &str)] = &[
    (
        0,
        "The new repository is written and proven; or there is nothing to purge; or --dry-run showed the plan",
    ),
    (2, "Nothing was written: invalid arguments, no repository, NEW.git exists, a full disk, a failed proof"),
    (
        3,
        "Nothing was written, since the repository is incomplete: shallow, partial, or with unreadable objects",
    ),
];

pub(super) const KEYS: &[(u8, &str)] = &[
    (0, "All keys were listed, and none is due for attention"),
    (1, "At least one key is due for attention"),
    (2, "No request was sent: invalid arguments, no admin key"),
    (3, "None of the listed keys is due for attention, but not all keys could be listed"),
];

pub(super) const HOOK_RUN: &[(u8, &str)] = &[
    (0, "No findings in what was scanned; git continues"),
    (1, "At least one finding; git stops"),
    (2, "The scan could not be done; git stops"),
    (3, "No findings, but something could not be scanned; git stops"),
];

pub(super) const HOOK_STATUS: &[(u8, &str)] = &[
    (0, "Every hook that `friskey hook install` would install runs friskey"),
    (1, "At least one of these hooks does not run friskey"),
    (2, "The hooks could not be looked up: not a repository, invalid arguments"),
];

pub(super) const HOOK: &[(u8, &str)] = &[
    (0, "Done; for `run`, no findings in what was scanned"),
    (1, "`status`: a hook does not run friskey; `run`: at least one finding"),
    (2, "The command failed: invalid arguments, not a repository, a hook that cannot be written"),
    (3, "`run`: no findings, but something could not be scanned"),
];

pub(super) const BASELINE_SCAN: &[(u8, &str)] = &[
    (0, "Done, and everything could be scanned"),
    (2, "The command failed: invalid arguments or configuration, a baseline that cannot be read or written"),
    (3, "Done, but something could not be scanned; `friskey scan` names it"),
];

pub(super) const BASELINE_CHECK: &[(u8, &str)] = &[
    (0, "No expired entries and no stale ones; with PATH or --exclude, only expired ones are looked for"),
    (1, "At least one entry is expired or stale"),
    (2, "The check could not be done: no baseline, invalid arguments or configuration"),
    (3, "No such entries found, but something could not be scanned; `friskey scan` names it"),
];

pub(super) const BASELINE: &[(u8, &str)] = &[
    (0, "Done; for `check`, no expired or stale entries in what was checked"),
    (1, "`check`: at least one entry is expired or stale"),
    (2, "The command failed: invalid arguments or configuration, no baseline"),
    (3, "`create`, `update`, `check`: something could not be scanned; `friskey scan` names it"),
];

pub(super) const EXPLAIN: &[(u8, &str)] = &[
    (0, "A scan would report no key in this text"),
    (1, "A scan would report at least one key in this text"),
    (2, "The text could not be read, or the arguments, configuration or rules are invalid"),
];

pub(super) const RULES_CHECK: &[(u8, &str)] = &[
    (0, "Every rule passes its own examples and counter-examples"),
    (1, "At least one example or counter-example fails"),
    (2, "The rules could not be loaded"),
];

pub(super) const RULES: &[(u8, &str)] = &[
    (0, "Done"),
    (1, "`check`: at least one example or counter-example fails"),
    (2, "The rules could not be loaded, or no rule has the id"),
];

pub(super) const PRINT: &[(u8, &str)] =
    &[(0, "Done"), (2, "The command failed: invalid arguments, or output that cannot be written")];

/// Of `install` and `uninstall`.
pub(super) const HOOK_INSTALL: &[(u8, &str)] = &[
    (0, "Done"),
    (2, "The command failed: invalid arguments, not a repository, a hook that cannot be written"),
];

pub(super) const FLEET_PLAN: &[(u8, &str)] = &[
    (0, "Every directory was searched"),
    (2, "The search could not be done: invalid arguments, a root that cannot be read"),
    (3, "The plan was printed, but it is empty or something could not be searched; the plan names it"),
];

pub(super) const FLEET_AUDIT: &[(u8, &str)] = &[
    (0, "No findings, and every repository of the shard was audited completely"),
    (1, "At least one finding"),
    (2, "The audits could not be done: invalid arguments, no plan, results that cannot be written"),
    (3, "No findings, but the audit of a repository failed, is incomplete or was not started"),
];

pub(super) const FLEET_REPORT: &[(u8, &str)] = &[
    (0, "No findings, and every repository of the plan was audited completely, once"),
    (1, "At least one finding, whether or not the plan is covered"),
    (2, "The report could not be made: invalid arguments, no state directory"),
    (3, "No findings, but the plan is not covered; the report lists what is missing"),
];

pub(super) const FLEET: &[(u8, &str)] = &[
    (0, "Done, completely, and without findings"),
    (1, "`audit`, `report`: at least one finding"),
    (2, "The command failed: invalid arguments, no plan, results that cannot be written"),
    (3, "No findings, but something is missing; the output lists it"),
];
