//! Recognizes the refs that hosting services keep for pull and merge requests. A server may have tens of thousands, and
//! chooses their names itself, so a purge neither searches these names for keys nor redacts them.

/// What precedes and follows the number in the name of such a ref.
const REQUEST_REFS: [(&str, &[&str]); 2] =
    [("refs/pull/", &["/head", "/merge"]), ("refs/merge-requests/", &["/head", "/merge"])];

/// Maximum number of digits. A longer number could be part of a key.
const MAX_DIGITS: usize = 7;

/// Whether the server chose the whole name, so that no key can be in it.
pub(super) fn is_request_ref(name: &str) -> bool {
    REQUEST_REFS.iter().any(|(prefix, suffixes)| {
        let rest = name.strip_prefix(prefix).unwrap_or_default();
        let number = suffixes.iter().find_map(|suffix| rest.strip_suffix(suffix)).unwrap_or_default();
        (1..=MAX_DIGITS).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_short_number_between_prefix_and_suffix_makes_a_request_ref() {
        for name in ["refs/pull/7/head", "refs/pull/1234567/merge", "refs/merge-requests/12/head"] {
            assert!(is_request_ref(name), "{name}");
        }
        for name in [
            "refs/pull//head",
            "refs/pull/12345678/head",
            "refs/pull/7a/head",
            "refs/pull/7/head/x",
            "refs/pull/7",
            "refs/heads/7/head",
            "refs/pull/7/from",
        ] {
            assert!(!is_request_ref(name), "{name}");
        }
    }
}
