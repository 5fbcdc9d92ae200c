//! What to do next about a key, by what the provider says of it.

use super::has_one_match;
use super::leaks::LeakedKey;
use crate::model::{KeyVerdict, Matching, Verification};

/// The steps in order; none when the key is dead.
pub(super) fn next_steps(leak: &LeakedKey, verification: &Verification) -> Vec<String> {
    let mut steps = Vec::new();
    if verification.verdict == KeyVerdict::Dead {
        steps.push("replace it where it is still used; the key itself can no longer be used".to_owned());
        return steps;
    }
    if has_one_match(verification) {
        let short = &leak.fingerprint.to_string()[..12];
        let id = verification.keys.first().map(|key| key.id.as_str()).unwrap_or_default();
        steps.push(format!("friskey revoke REPORT --key {short} shows what would be deleted; with --yes {id} it deletes the key"));
        return steps;
    }
    match verification.matching {
        Matching::Several => steps.push(
            "compare owner, creation and last use of the keys above with where the key was used, and revoke the one it is"
                .to_owned(),
        ),
        Matching::None if leak.shape.kind == "user" || leak.shape.kind == "service" => steps.push(
            "a user's own key is in no organization's list: its user revokes it at https://platform.openai.com/api-keys"
                .to_owned(),
        ),
        Matching::None => steps.push(
            "if it may belong to another of your organizations, repeat with that organization's admin key; to learn \
             whether it works, repeat with --send-key"
                .to_owned(),
        ),
        _ if verification.verdict.is_live() => steps.push(
            "revoke it now; with OPENAI_ADMIN_KEY set, friskey verify tells which key of the organization it is".to_owned(),
        ),
        _ => {}
    }
    steps
}
