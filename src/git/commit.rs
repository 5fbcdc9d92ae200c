//! A commit's header, read leniently: histories hold commits that today's git would not make.

use gix::ObjectId;
use gix::hash::oid;

use crate::model::Change;

/// A commit's bytes.
pub(super) struct Header<'a> {
    bytes: &'a [u8],
}

impl<'a> Header<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// The header's lines.
    fn lines(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.bytes.split(|&byte| byte == b'\n').take_while(|line| !line.is_empty())
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

    /// The committer's date in seconds since 1970; 0 when there is none.
    pub(super) fn committed(&self) -> i64 {
        self.field("committer ").map_or(0, |line| Signature::parse(line).seconds)
    }

    /// What a report says about the commit `id`, as one that changed something at `path`.
    pub(super) fn change(&self, id: &oid, path: Option<Vec<u8>>) -> Change {
        let author = Signature::parse(self.field("author ").unwrap_or_default());
        Change {
            commit: id.to_string(),
            author: String::from_utf8_lossy(author.name).into_owned(),
            date: rfc3339(author.seconds, author.offset),
            seconds: self.committed(),
            path,
        }
    }
}

/// Who and when.
struct Signature<'a> {
    /// `Name <e-mail>`
    name: &'a [u8],
    seconds: i64,
    /// Minutes east of Greenwich.
    offset: i64,
}

impl<'a> Signature<'a> {
    fn parse(line: &'a [u8]) -> Self {
        let end = line.iter().rposition(|&byte| byte == b'>').map_or(line.len(), |at| at + 1);
        let (name, when) = line.split_at(end);
        let when = String::from_utf8_lossy(when);
        let mut words = when.split_ascii_whitespace();
        let seconds = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
        let offset = words.next().and_then(|word| word.parse::<i64>().ok()).unwrap_or(0);
        // Written as hours and minutes: +0530.
        let offset = (offset / 100 * 60 + offset % 100).clamp(-24 * 60 + 1, 24 * 60 - 1);
        Self { name, seconds, offset }
    }
}

/// The moment as RFC 3339 has it, at `offset` minutes east of Greenwich. What four digits cannot say
/// of a year becomes the nearest moment that they can.
fn rfc3339(seconds: i64, offset: i64) -> String {
    const FIRST: i64 = -62_167_219_200; // 0000-01-01T00:00:00Z
    const LAST: i64 = 253_402_300_799; // 9999-12-31T23:59:59Z
    let local = seconds.clamp(FIRST, LAST).saturating_add(offset * 60).clamp(FIRST, LAST);
    let (days, second) = (local.div_euclid(86_400), local.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    let (sign, offset) = if offset < 0 { ('-', -offset) } else { ('+', offset) };
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}{sign}{:02}:{:02}",
        second / 3600,
        second / 60 % 60,
        second % 60,
        offset / 60,
        offset % 60
    )
}

/// Year, month and day of a day counted from 1970-01-01, in the Gregorian calendar.
fn civil(days: i64) -> (i64, i64, i64) {
    // Counted from 0000-03-01, so that a leap day ends a year; an era is 400 years.
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let date = day - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (year + era * 400 + carry, month, date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_header() {
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
    }

    #[test]
    fn dates_at_the_edges() {
        assert_eq!(rfc3339(0, 0), "1970-01-01T00:00:00+00:00");
        assert_eq!(rfc3339(-1, 330), "1970-01-01T05:29:59+05:30");
        assert_eq!(rfc3339(i64::MAX, 0), "9999-12-31T23:59:59+00:00");
        assert_eq!(rfc3339(i64::MIN, -60), "0000-01-01T00:00:00-01:00");
        assert_eq!(rfc3339(1_709_164_800, 0), "2024-02-29T00:00:00+00:00");
    }

    #[test]
    fn survives_nonsense() {
        for text in ["", "tree", "tree x", "author", "author >\ncommitter <> 99999999999999999999 +9999\n"] {
            let header = Header::new(text.as_bytes());
            assert_eq!(header.tree(), None);
            let change = header.change(&ObjectId::null(gix::hash::Kind::Sha1), None);
            assert_eq!(change.date, "1970-01-01T00:00:00+00:00");
        }
    }
}
