//! When a key is not deleted, and why.

use crate::cli::verify::leaks::LeakedKey;
use crate::model::{AccountKey, ListedKey, civil_time};
use crate::provider::{ApiKey, KeyDirectory, ProviderError};

/// The most keys of a service account that are named.
const SHOWN_KEYS: usize = 20;

/// Why the key must not be deleted.
pub(super) fn refusal(keys: &[ListedKey], directory: &KeyDirectory, admin: &ApiKey) -> Option<String> {
    let [key] = keys else {
        return Some(match keys {
            [] => "no key of this organization matches. A user's own key is revoked by its user at \
                   https://platform.openai.com/api-keys; for other organizations, use their admin key. \
                   If neither can be had, --report hands the key to OpenAI as compromised"
                .to_owned(),
            _ => "several keys match, and deleting the wrong one would break what uses it; find out which it is, \
                  name its project with --project PROJECTID if that tells them apart, or delete it at \
                  https://platform.openai.com/settings/organization/projects"
                .to_owned(),
        });
    };
    if directory.is_own(key, admin) {
        return Some(
            "the leaked key is the admin key in use: create another one at \
             https://platform.openai.com/settings/organization/admin-keys and repeat with that"
                .to_owned(),
        );
    }
    if key.created_after_leak {
        return Some(
            "the only match was created after the commit that leaked the key, so it is another key"
                .to_owned(),
        );
    }
    let gap = directory.gaps.first()?;
    Some(format!("not all keys could be listed, and another one may match as well ({gap})"))
}

/// Why a single match may still be another key.
pub(super) fn uncertainty(
    leak: &LeakedKey,
    keys: &[ListedKey],
    created_later: usize,
    in_project: bool,
) -> Option<String> {
    let why = if !in_project && keys.iter().any(|key| key.short_mask) {
        "the API shows only a short form of the key"
    } else if leak.shape.kind == "unknown" {
        "the key was found without its prefix"
    } else if created_later > 0 {
        "several keys match but for their dates, and dates of commits can be wrong"
    } else {
        return None;
    };
    Some(format!(
        "{why}, so the match is not certain; if you know which project the leaked key was \
         used for, name it with --project PROJECTID, else delete the right key at \
         https://platform.openai.com/settings/organization/projects"
    ))
}

/// What a refusal means, and what deleting the service account instead would break.
pub(super) fn refused(key: &ListedKey, error: &ProviderError) -> String {
    let owner = key.owner.as_ref().filter(|owner| owner.is_service_account());
    let Some(owner) = owner else { return error.to_string() };
    let account: Vec<&str> = [&owner.name, &owner.id].into_iter().flatten().map(String::as_str).collect();
    let others: Vec<String> = key.account_keys.iter().take(SHOWN_KEYS).map(account_key).collect();
    let rest = key.account_keys.len() - others.len();
    let broken = match (others.as_slice(), rest) {
        ([], _) => "no other key".to_owned(),
        (_, 0) => format!("these keys and break whatever uses them: {}", others.join("; ")),
        _ => format!("these keys and break whatever uses them: {}; and {rest} more", others.join("; ")),
    };
    format!(
        "{error}. The key belongs to the service account {}, and the API deletes some keys of service accounts only \
         together with their account. friskey does not do that: deleting the account at \
         https://platform.openai.com/settings/organization/projects would also delete {broken}",
        account.join(", ")
    )
}

/// `key_2 (batch), last used 2026-03-04`
fn account_key(key: &AccountKey) -> String {
    let name = if key.name.is_empty() { String::new() } else { format!(" ({})", key.name) };
    let used = key.last_used_at.map_or_else(
        || "never used, as far as the API says".to_owned(),
        |at| format!("last used {}", civil_time(at).date()),
    );
    format!("{}{name}, {used}", key.id)
}
