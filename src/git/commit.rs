//! Parses the headers of commits, leniently: histories contain commits that today's git would not write.

use gix::ObjectId;
use gix::hash::oid;

use crate::model::{Change, civil_time};

/// Maximum length of a subject, in bytes.
const MAX_SUBJECT: usize = 4096;

/// The header of a commit, parsed on request.
pub(super) struct Header<'a> {
    commit: &'a [u8],
}

impl<'a> Header<'a> {
    /// Takes the whole commit.
    pub(super) fn new(commit: &'a [u8]) -> Self {
        Self { commit }
    }

    fn lines(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.commit.split(|&byte| byte == b'\n').take_while(|line| !line.is_empty())
    }

    fn field(&self, name: &str) -> Option<&'a [u8]> {
        self.lines().find_map(|line| line.strip_prefix(name.as_bytes()))
    }

    /// The tree, which the first line names.
    pub(super) fn tree(&self) -> Option<ObjectId> {
        ObjectId::from_hex(self.lines().next()?.strip_prefix(b"tree ")?).ok()
    }

    /// The parents, in order: the lines right after the first.
    pub(super) fn parents(&self) -> impl Iterator<Item = ObjectId> + use<'a> {
        self.lines().skip(1).map_while(|line| ObjectId::from_hex(line.strip_prefix(b"parent ")?).ok())
    }

    /// Whether the lines that should name the tree or a parent do not.
    pub(super) fn is_malformed(&self) -> bool {
        let after_parents = self.lines().nth(1 + self.parents().count());
        self.tree().is_none() || after_parents.is_some_and(|line| line.starts_with(b"parent "))
    }

    /// The committer's date in seconds since 1970; 0 if it is missing.
    pub(super) fn committer_seconds(&self) -> i64 {
        self.field("committer ").map_or(0, |line| Signature::parse(line).seconds)
    }

    /// What a report says about this commit, whose id is `id`, as a change at `path`.
    pub(super) fn change(&self, id: &oid, path: Option<Vec<u8>>) -> Change {
        let author = Signature::parse(self.field("author ").unwrap_or_default());
        Change {
            commit: id.to_string(),
            author: String::from_utf8_lossy(author.name).into_owned(),
            date: rfc3339(author.seconds, author.offset),
            seconds: self.committer_seconds(),
            path,
            subject: self.subject(),
        }
    }

    /// The first line of the message, of at most [`MAX_SUBJECT`] bytes.
    fn subject(&self) -> String {
        let message =
            memchr::memmem::find(self.commit, b"\n\n").map_or(&b""[..], |end| &self.commit[end + 2..]);
        let message = message.trim_ascii_start();
        let line = message.split(|&byte| byte == b'\n').next().unwrap_or_default();
        let line = match line.get(..MAX_SUBJECT) {
            None => line,
            // Truncated at a space, so that no key is cut in two before it is redacted.
            Some(start) => &start[..start.iter().rposition(|&byte| byte == b' ').unwrap_or(0)],
        };
        String::from_utf8_lossy(line.trim_ascii_end()).into_owned()
    }
}

/// The author or the committer of a commit, with the date.
struct Signature<'a> {
    /// `Name <e-mail>`
    name: &'a [u8],
    /// Since 1970, in UTC.
    seconds: i64,
    /// Offset from UTC in minutes, positive in the east.
    offset: i64,
}

impl<'a> Signature<'a> {
    fn parse(line: &'a [u8]) -> Self {
        let end = line.iter().rposition(|&byte| byte == b'>').map_or(line.len(), |bracket| bracket + 1);
        let (name, date) = line.split_at(end);
        let date = String::from_utf8_lossy(date);
        let mut words = date.split_ascii_whitespace();
        let seconds = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
        let offset = words.next().and_then(|word| word.parse::<i64>().ok()).unwrap_or(0);
        // From the digits of hours and minutes, as in +0530.
        let offset = (offset / 100 * 60 + offset % 100).clamp(-24 * 60 + 1, 24 * 60 - 1);
        Self { name, seconds, offset }
    }
}

/// Formats seconds since 1970 by RFC 3339, in a time zone with this offset from UTC in minutes.
fn rfc3339(seconds: i64, offset: i64) -> String {
    let local = civil_time(seconds.saturating_add(offset * 60));
    let (sign, minutes) = if offset < 0 { ('-', -offset) } else { ('+', offset) };
    format!("{local}{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_of_a_header_is_parsed() {
        let tree = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
        let text = format!(
            "tree {tree}\nparent {tree}\nparent {tree}\nauthor A <a@b> 951782400 -0130\ncommitter C <c@d> 951782401 +0000\ngpgsig x\n y\n\nparent {tree}\n"
        );
        let header = Header::new(text.as_bytes());
        assert_eq!(header.tree().unwrap().to_string(), tree);
        assert_eq!(header.parents().count(), 2);
        let change = header.change(&ObjectId::null(gix::hash::Kind::Sha1), None);
        assert_eq!(change.author, "A <a@b>");
        assert_eq!(change.date, "2000-02-28T22:30:00-01:30");
        assert_eq!(change.seconds, 951_782_401);
        assert_eq!(change.subject, format!("parent {tree}"));
    }

    #[test]
    fn a_subject_is_one_line_and_never_half_a_word() {
        let subject = |message: &str| Header::new(format!("tree x\n\n{message}").as_bytes()).subject();
        assert_eq!(subject("\n  Fix it \r\n\nbody"), "Fix it");
        assert_eq!(subject(""), "");
        assert_eq!(subject(&format!("a {}", "b".repeat(5_000))), "a");
        assert_eq!(subject(&"b".repeat(5_000)), "");
    }

    #[test]
    fn dates_beyond_four_digit_years_are_clamped() {
        assert_eq!(rfc3339(0, 0), "1970-01-01T00:00:00+00:00");
        assert_eq!(rfc3339(-1, 330), "1970-01-01T05:29:59+05:30");
        assert_eq!(rfc3339(i64::MAX, 0), "9999-12-31T23:59:59+00:00");
        assert_eq!(rfc3339(i64::MIN, -60), "0000-01-01T00:00:00-01:00");
        assert_eq!(rfc3339(1_709_164_800, 0), "2024-02-29T00:00:00+00:00");
    }

    #[test]
    fn malformed_headers_have_no_tree_and_the_date_0() {
        for text in ["", "tree", "tree x", "author", "author >\ncommitter <> 99999999999999999999 +9999\n"] {
            let header = Header::new(text.as_bytes());
            assert_eq!(header.tree(), None);
            let change = header.change(&ObjectId::null(gix::hash::Kind::Sha1), None);
            assert_eq!(change.date, "1970-01-01T00:00:00+00:00");
        }
    }
}
