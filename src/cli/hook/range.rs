//! Ranges in the syntax of `history --range`.

use anyhow::{Result, bail};

use crate::git::{is_id, is_zero_id};

/// The arguments that select commits reachable from `tips` but not from `hidden`. Missing ids in `hidden` exclude nothing.
pub(super) fn range_arguments(tips: Vec<String>, hidden: Vec<String>) -> Vec<String> {
    let not = ["--ignore-missing".to_owned(), "--not".to_owned()];
    tips.into_iter().chain(not).chain(hidden).collect()
}

/// The range of the `old new ref` lines that pre-receive reads, and the names of the refs that they create or
/// update; `None` if all are deletions.
pub(super) fn received_range(lines: &[String]) -> Result<Option<(Vec<String>, Vec<String>)>> {
    let (mut tips, mut names) = (Vec::new(), Vec::new());
    let mut hidden = vec!["--all".to_owned()];
    for line in lines {
        let words: Vec<&str> = line.splitn(3, ' ').collect();
        let [old, new, name] = words[..] else {
            bail!("pre-receive: `{line}` is not a line that git writes");
        };
        if !is_id(old) || !is_id(new) {
            bail!("pre-receive: `{line}` is not a line that git writes");
        }
        if !is_zero_id(new) {
            tips.push(new.to_owned());
            names.push(name.to_owned());
        }
        if !is_zero_id(old) {
            hidden.push(old.to_owned());
        }
    }
    Ok((!tips.is_empty()).then(|| (range_arguments(tips, hidden), names)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deletions_are_not_part_of_a_received_range() {
        let (a, zero) = ("a".repeat(40), "0".repeat(40));
        assert_eq!(received_range(&[format!("{a} {zero} refs/heads/x")]).unwrap(), None);
        let (range, names) = received_range(&[format!("{zero} {a} refs/heads/x")]).unwrap().unwrap();
        assert_eq!(names, ["refs/heads/x"]);
        assert_eq!(range, [a.as_str(), "--ignore-missing", "--not", "--all"]);
        assert!(received_range(&["junk".to_owned()]).is_err());
    }
}
