//! Parses the input of git's pre-push and pre-receive hooks.

use std::io::{BufRead, Read};

use anyhow::{Context, Result, bail};

use crate::git::{ObjectId, is_id, is_zero_id};

/// Maximum size of standard input in bytes: enough for a million refs.
const MAX_INPUT: u64 = 1 << 28;

/// A pushed ref.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PushedRef {
    /// The local name of the ref, or the revision that the user wrote.
    pub(super) name: String,
    /// The id of the object that is pushed.
    pub(super) tip: String,
    /// The full name of the ref at the destination.
    pub(super) destination_name: String,
}

/// All lines of `input` that are not blank. Ref names need not be UTF-8.
///
/// # Errors
/// If the input cannot be read or is too long.
pub(super) fn input_lines(input: &mut dyn BufRead) -> Result<Vec<String>> {
    let mut bytes = Vec::new();
    input.take(MAX_INPUT).read_to_end(&mut bytes).context("cannot read standard input")?;
    if bytes.len() as u64 == MAX_INPUT {
        bail!("standard input has more than {MAX_INPUT} bytes; push fewer refs at a time");
    }
    let lines = bytes.split(|&byte| byte == b'\n').map(|line| String::from_utf8_lossy(line).into_owned());
    Ok(lines.filter(|line| !line.trim().is_empty()).collect())
}

/// The input of pre-push: lines with `local_ref local_oid remote_ref remote_oid`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct PrePushInput {
    /// The pushed refs, without those that are deleted.
    pub(super) refs: Vec<PushedRef>,
    /// The current object ids of these refs at the destination.
    pub(super) destination_values: Vec<String>,
    /// The refs that the push updates or deletes: the name at the destination, and the current object id there.
    pub(super) updates: Vec<(String, Option<ObjectId>)>,
}

impl PrePushInput {
    /// Parses the lines that git writes.
    ///
    /// # Errors
    /// A line that git would not write.
    pub(super) fn parse(lines: &[String]) -> Result<Self> {
        let mut input = Self::default();
        for line in lines {
            // The local revision may contain blanks: `HEAD@{1 day ago}`.
            let words: Vec<&str> = line.rsplitn(4, ' ').collect();
            let [old, destination_name, tip, name] = words[..] else {
                bail!("pre-push: `{line}` is not a line that git writes")
            };
            if !is_id(tip) || !is_id(old) {
                bail!("pre-push: `{line}` is not a line that git writes");
            }
            if !is_zero_id(tip) {
                let (name, tip, destination_name) =
                    (name.to_owned(), tip.to_owned(), destination_name.to_owned());
                input.refs.push(PushedRef { name, tip, destination_name });
            }
            let id = ObjectId::from_hex(old.as_bytes()).ok().filter(|_| !is_zero_id(old));
            input.destination_values.extend(id.map(|_| old.to_owned()));
            input.updates.push((destination_name.to_owned(), id));
        }
        Ok(input)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_parsed_and_deletions_push_no_ref() {
        let (a, b, zero) = ("a".repeat(40), "b".repeat(40), "0".repeat(40));
        let line = |local: &str, remote: &str| format!("refs/heads/x {local} refs/heads/x {remote}");
        let input = PrePushInput::parse(&[line(&a, &zero), line(&zero, &a), line(&b, &a)]).unwrap();
        let tips: Vec<&String> = input.refs.iter().map(|pushed_ref| &pushed_ref.tip).collect();
        assert_eq!((tips, input.destination_values), (vec![&a, &b], vec![a.clone(), a.clone()]));
        let have_ids: Vec<bool> = input.updates.iter().map(|(_, id)| id.is_some()).collect();
        assert_eq!(have_ids, [false, true, true]);
        assert_eq!(PrePushInput::parse(&[line(&zero, &a)]).unwrap().refs, []);
        let odd = format!("HEAD@{{1 day ago}} {a} refs/heads/x {zero}");
        assert_eq!(PrePushInput::parse(&[odd]).unwrap().refs[0].name, "HEAD@{1 day ago}");
        assert!(PrePushInput::parse(&["junk".to_owned()]).is_err());
    }

    #[test]
    fn ref_names_that_are_not_utf8_are_read() {
        let lines = input_lines(&mut &b"refs/heads/\xff a b c\n\n"[..]).unwrap();
        assert_eq!(lines.len(), 1);
    }
}
