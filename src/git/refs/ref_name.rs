//! Validates ref names as git does. Refs in a reftable, or in a file that was edited by hand, may have any name.

use gix::bstr::BStr;

/// Whether git accepts `name` as the full name of a ref, by the rules of `git check-ref-format`, and it is below
/// `refs/`. As a path, such a name cannot lead out of that directory.
pub fn is_valid_ref_name(name: &str) -> bool {
    name.starts_with("refs/") && gix::validate::reference::name(BStr::new(name)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ref_names_are_validated_as_in_git() {
        for name in ["refs/heads/main", "refs/pull/7/head", "refs/a", "refs/heads/ä@b"] {
            assert!(is_valid_ref_name(name), "{name}");
        }
        for name in [
            "HEAD",
            "main",
            "/etc/passwd",
            "refs/",
            "refs/heads/../../../x",
            "refs/heads/..",
            "refs/./x",
            "refs/heads/.x",
            "refs//x",
            "refs/x.lock",
            "refs/x.lock/y",
            "refs/a b",
            "refs/a\nb",
            "refs/a\u{1b}b",
            "refs/a\\b",
            "refs/a~",
            "refs/a@{b",
            "refs/a.",
        ] {
            assert!(!is_valid_ref_name(name), "{name:?}");
        }
    }
}
