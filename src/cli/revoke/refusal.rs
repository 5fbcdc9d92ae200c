//! Reasons not to delete a key.

use std::collections::BTreeSet;

use crate::cli::verify::leaks::LeakedKey;
use crate::cli::verify::shared_matches::SharedMatches;
use crate::model::{AccountKey, ListedKey, Verification, civil_time};
use crate::provider::{ApiKey, KeyDirectory, ProviderError, matching_keys};

/// Maximum number of a service account's keys that a message lists.
const MAX_LISTED_KEYS: usize = 20;

/// Why the key must not be deleted, judging by `matches`, the listed keys that it may be; `None` if there is exactly one and it
/// may be deleted.
pub(super) fn refusal(matches: &[ListedKey], directory: &KeyDirectory, admin: &ApiKey) -> Option<String> {
    let [key] = matches else {
        return Some(match (matches, directory.gaps.first()) {
            ([], Some(gap)) => format!(
                "none of the keys that could be listed matches, but not all could be ({gap}); repeat when they can"
            ),
            ([], None) => "no key of this organization matches. A user's own key is revoked by its user at \
                   https://platform.openai.com/api-keys; for other organizations, use their admin key. \
                   If neither is possible, --report reports the key to OpenAI as compromised"
                .to_owned(),
            _ => "several keys match, and deleting the wrong one would break what uses it; find out which it is, \
                  name its project with --project PROJECTID if that distinguishes them, or delete it at \
                  https://platform.openai.com/settings/organization/projects"
                .to_owned(),
        });
    };
    if directory.is_admin_in_use(key, admin) {
        return Some(
            "the leaked key is the admin key in use: create another one at \
             https://platform.openai.com/settings/organization/admin-keys and repeat with that"
                .to_owned(),
        );
    }
    if key.id == ListedKey::UNUSABLE_ID {
        return Some(ProviderError::UnusableId.to_string());
    }
    if key.created_after_leak {
        return Some(
            "the only match was created after the commit that leaked the key, so it is probably another key. Dates of \
             commits can be wrong: if it is the one, delete it at \
             https://platform.openai.com/settings/organization/projects"
                .to_owned(),
        );
    }
    let gap = directory.gaps.first()?;
    Some(format!("not all keys could be listed, and another one may match as well ({gap})"))
}

/// Why no key of the project that the user named can be the leaked one, and where the keys that match are; `None` if a key of
/// that project matches.
pub(super) fn wrong_project_reason(
    leak: &LeakedKey,
    directory: &KeyDirectory,
    project: Option<&str>,
) -> Option<String> {
    let project_id = project?;
    let project_keys = directory
        .keys
        .iter()
        .filter(|key| key.listed_key.project.as_ref().is_some_and(|project| project.id == project_id));
    if !matching_keys(&leak.shape, project_keys).keys.is_empty() {
        return None;
    }
    let matches = matching_keys(&leak.shape, &directory.keys).keys;
    let is_known = directory.projects.iter().any(|project| project.id == project_id);
    let reason = if is_known {
        "none in this project matches"
    } else {
        "the organization lists no project with this id"
    };
    let ids: BTreeSet<&str> =
        matches.iter().filter_map(|key| key.project.as_ref()).map(|project| project.id.as_str()).collect();
    let mut others = match ids.len() {
        0 if matches.is_empty() => "no key of its other projects matches either".to_owned(),
        0 => "an admin key matches, which belongs to no project, so repeat without --project".to_owned(),
        _ => format!("keys that match are in {}", ids.into_iter().collect::<Vec<_>>().join(", ")),
    };
    if let Some(gap) = directory.gaps.first() {
        others.push_str(&format!(". But not everything could be listed ({gap}); repeat when it can"));
    }
    Some(format!("--project {project_id}: {reason}; {others}"))
}

/// Why the only match may be another leaked key of the report.
pub(super) fn shared_match_reason(
    shared_matches: &SharedMatches,
    verification: &Verification,
) -> Option<String> {
    let count = shared_matches.leak_count(verification)?;
    Some(format!(
        "{count} leaked keys of the report fit the only match, and at most one of them is it. `friskey verify --send-key` \
         shows which of them works; if it is this one, delete it at \
         https://platform.openai.com/settings/organization/projects"
    ))
}

/// Why the only key in `matches` may still be another key. `later_key_ids` are those of keys that match as well, but were
/// created after the leaking commit. `in_project`: the user named the key's project.
pub(super) fn uncertainty(
    leak: &LeakedKey,
    matches: &[ListedKey],
    later_key_ids: &[String],
    in_project: bool,
) -> Option<String> {
    // Within the project that the user named, a short mask that fits only one key is enough.
    let why = if !in_project && matches.iter().any(|key| key.short_mask) {
        "the API shows only a short form of the key"
    } else if leak.shape.kind == "unknown" {
        "the key was found without its prefix"
    } else if !later_key_ids.is_empty() {
        "other keys match as well and differ only in that they were created after the leaking commit, whose date can be wrong"
    } else {
        return None;
    };
    if in_project {
        return Some(format!(
            "{why}, so the match is not certain; find out which one it is by its creation and last use, and delete it at \
             https://platform.openai.com/settings/organization/projects"
        ));
    }
    Some(format!(
        "{why}, so the match is not certain; if you know which project the leaked key was \
         used for, name it with --project PROJECTID, else delete the right key at \
         https://platform.openai.com/settings/organization/projects"
    ))
}

/// Explains a refusal by the API, and what deleting the service account instead would break. Other errors are unrelated to the
/// account: a missing permission (`MissingScope`, which has no status), a wrong admin key (401) or a rate limit (429).
pub(super) fn explain_api_refusal(key: &ListedKey, error: &ProviderError) -> String {
    let may_be_due_to_account =
        error.status().is_some_and(|status| matches!(status, 400 | 403 | 405 | 409 | 422));
    let owner = key.owner.as_ref().filter(|owner| may_be_due_to_account && owner.is_service_account());
    let Some(owner) = owner else { return error.to_string() };
    let account: Vec<&str> = [&owner.name, &owner.id].into_iter().flatten().map(String::as_str).collect();
    let others: Vec<String> =
        key.account_keys.iter().take(MAX_LISTED_KEYS).map(describe_account_key).collect();
    let rest = key.account_keys.len() - others.len();
    let also_deleted = match (others.as_slice(), rest) {
        ([], _) => "no other key".to_owned(),
        (_, 0) => format!("these keys and break whatever uses them: {}", others.join("; ")),
        _ => format!("these keys and break whatever uses them: {}; and {rest} more", others.join("; ")),
    };
    format!(
        "{error}. The key belongs to the service account {}, and the API deletes some keys of service accounts only \
         together with their account. friskey does not do that: deleting the account at \
         https://platform.openai.com/settings/organization/projects would also delete {also_deleted}",
        account.join(", ")
    )
}

/// `key_2 (batch), last used 2026-03-04`
fn describe_account_key(key: &AccountKey) -> String {
    let name = if key.name.is_empty() { String::new() } else { format!(" ({})", key.name) };
    let used = key.last_used_at.map_or_else(
        || "never used, according to the API".to_owned(),
        |time| format!("last used {}", civil_time(time).date()),
    );
    format!("{}{name}, {used}", key.id)
}
