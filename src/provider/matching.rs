//! Finds the listed keys that a leaked key may be, by comparing it with their masks. Sends no request.

use super::{KeyMask, OrganizationKey};
use crate::model::ListedKey;

/// Number of characters at the start of a key that a mask shows.
const MASK_HEAD_CHARS: usize = 8;

/// What is known about a leaked key: enough to compare it with a mask.
#[derive(Clone, Debug)]
pub struct KeyShape {
    /// The kind of key that its rule finds: `project`, `service-account`, `admin`, `user`, ….
    pub kind: String,
    /// Its length in bytes.
    pub len: usize,
    /// Its first characters, up to eight, if they are known.
    pub head: String,
    /// Its last four characters.
    pub tail: String,
    /// When it was first committed, in seconds since 1970.
    pub leaked_at: Option<i64>,
}

impl KeyShape {
    /// Whether the leaked key may be `key`, according to the mask of `key`.
    fn fits(&self, key: &OrganizationKey) -> bool {
        let Some(mask) = &key.mask else { return false };
        let is_prefix_unknown = self.kind == "unknown";
        is_of_kind(&self.kind, mask)
            && self.fits_head(mask, is_prefix_unknown)
            && is_same_end(&self.tail, &mask.tail)
            && mask.len.is_none_or(|len| if is_prefix_unknown { len > self.len } else { len == self.len })
    }

    fn fits_head(&self, mask: &KeyMask, is_prefix_unknown: bool) -> bool {
        let compared_len = self.head.len().min(mask.head.len()).min(MASK_HEAD_CHARS);
        is_prefix_unknown || self.head.as_bytes()[..compared_len] == mask.head.as_bytes()[..compared_len]
    }
}

/// Whether the last characters agree as far as both are known: a short mask shows fewer than four.
fn is_same_end(end: &str, other: &str) -> bool {
    !end.is_empty() && !other.is_empty() && (end.ends_with(other) || other.ends_with(end))
}

/// Whether a mask begins like keys of a kind. A mask that shows too little of the beginning fits every kind.
fn is_of_kind(kind: &str, mask: &KeyMask) -> bool {
    let begins_with = |prefix: &str| {
        let compared_len = prefix.len().min(mask.head.len()).min(MASK_HEAD_CHARS);
        mask.head.as_bytes()[..compared_len] == prefix.as_bytes()[..compared_len]
    };
    let other_prefixes = ["sk-proj-", "sk-svcac", "sk-svcaa", "sk-admin"];
    match kind {
        "project" => begins_with("sk-proj-"),
        "service-account" => begins_with("sk-svcac") || begins_with("sk-svcaa"),
        "admin" => begins_with("sk-admin"),
        "user" | "service" => {
            begins_with("sk-") && !other_prefixes.iter().any(|prefix| mask.head.starts_with(prefix))
        }
        "unknown" => true,
        _ => false,
    }
}

/// The keys that a leaked key may be.
#[derive(Clone, Debug, Default)]
pub struct MaskMatches {
    /// The matching keys.
    pub keys: Vec<ListedKey>,
    /// The ids of keys that match as well, but were created after the leaking commit.
    pub later_key_ids: Vec<String>,
}

/// The keys that the leaked key may be. If there are several, those that were created after the leaking commit are
/// dropped; if there is one, it is only marked.
pub fn matching_keys<'k>(
    shape: &KeyShape,
    keys: impl IntoIterator<Item = &'k OrganizationKey>,
) -> MaskMatches {
    let is_created_later = |key: &ListedKey| {
        key.created_at.zip(shape.leaked_at).is_some_and(|(created, leaked)| created > leaked)
    };
    let mut matching: Vec<ListedKey> = keys
        .into_iter()
        .filter(|key| shape.fits(key))
        .map(|key| ListedKey {
            created_after_leak: is_created_later(&key.listed_key),
            ..key.listed_key.clone()
        })
        .collect();
    let mut later_key_ids = Vec::new();
    if matching.iter().any(|key| !key.created_after_leak) {
        let (later, earlier): (Vec<_>, Vec<_>) = matching.into_iter().partition(|key| key.created_after_leak);
        later_key_ids = later.into_iter().map(|key| key.id).collect();
        matching = earlier;
    }
    MaskMatches { later_key_ids, keys: matching }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn organization_key(id: &str, mask: &str, created_at: i64) -> OrganizationKey {
        OrganizationKey {
            mask: KeyMask::parse(mask),
            is_admin: false,
            scopes: None,
            listed_key: ListedKey {
                id: id.to_owned(),
                name: String::new(),
                project: None,
                owner: None,
                created_at: Some(created_at),
                last_used_at: None,
                expires_at: None,
                created_after_leak: false,
                account_keys: Vec::new(),
                short_mask: false,
            },
        }
    }

    fn mask(head: &str, len: usize, tail: &str) -> String {
        format!("{head}{}{tail}", "*".repeat(len - head.len() - tail.len()))
    }

    fn shape(leaked_at: Option<i64>) -> KeyShape {
        let (head, tail) = ("sk-proj-".to_owned(), "x9KA".to_owned());
        KeyShape { kind: "project".to_owned(), len: 164, head, tail, leaked_at }
    }

    fn ids(shape: &KeyShape, keys: &[OrganizationKey]) -> Vec<String> {
        matching_keys(shape, keys).keys.into_iter().map(|key| key.id).collect()
    }

    #[test]
    fn kind_length_beginning_and_end_must_agree() {
        let keys = [
            organization_key("same", &mask("sk-proj-", 164, "x9KA"), 1),
            organization_key("length", &mask("sk-proj-", 156, "x9KA"), 1),
            organization_key("end", &mask("sk-proj-", 164, "x9KB"), 1),
            organization_key("kind", &mask("sk-svcac", 164, "x9KA"), 1),
            organization_key("none", "hidden", 1),
        ];
        assert_eq!(ids(&shape(None), &keys), ["same"]);
        let user = KeyShape { kind: "user".to_owned(), len: 164, head: "sk-".to_owned(), ..shape(None) };
        assert!(ids(&user, &keys).is_empty());
    }

    #[test]
    fn later_keys_are_dropped_if_there_are_earlier_ones_and_marked_otherwise() {
        let (early, late) = (
            organization_key("early", &mask("sk-proj-", 164, "x9KA"), 10),
            organization_key("late", &mask("sk-proj-", 164, "x9KA"), 30),
        );
        let both = [early, late.clone()];
        assert_eq!(ids(&shape(Some(20)), &both), ["early"]);
        assert_eq!(matching_keys(&shape(Some(20)), &both).later_key_ids, ["late"]);
        assert_eq!(ids(&shape(None), &both), ["early", "late"]);
        assert_eq!(ids(&shape(Some(40)), &both), ["early", "late"]);
        assert!(matching_keys(&shape(Some(20)), [&late]).keys[0].created_after_leak);
    }

    #[test]
    fn short_masks_of_the_api_reference_match_by_the_characters_that_they_show() {
        let count_matches = |mask: &str| ids(&shape(None), &[organization_key("short", mask, 1)]).len();
        assert_eq!(count_matches("sk-pro...9KA"), 1);
        assert_eq!(count_matches("sk-abc...9KA"), 0);
        assert_eq!(count_matches("sk-pro...9KB"), 0);
    }
}
