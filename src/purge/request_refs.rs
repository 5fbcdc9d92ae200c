//! Refs that hosting services keep for pull and merge requests. A server may have tens of thousands.

/// What such a name is made of, around the number.
const NUMBERED: [(&str, &[&str]); 2] =
    [("refs/pull/", &["/head", "/merge"]), ("refs/merge-requests/", &["/head", "/merge"])];

/// The most digits of a number. A longer one might be the middle of a key.
const MAX_DIGITS: usize = 7;

/// Whether nothing in the name was chosen by a person, so that no key can be in it.
pub(super) fn is_numbered(name: &str) -> bool {
    NUMBERED.iter().any(|(start, ends)| {
        let rest = name.strip_prefix(start).unwrap_or_default();
        let number = ends.iter().find_map(|end| rest.strip_suffix(end)).unwrap_or_default();
        (1..=MAX_DIGITS).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_short_number_is_beyond_doubt() {
        for name in ["refs/pull/7/head", "refs/pull/1234567/merge", "refs/merge-requests/12/head"] {
            assert!(is_numbered(name), "{name}");
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
            assert!(!is_numbered(name), "{name}");
        }
    }
}
