//! Draws the rows below a timeline: the refs that lead to the leak, each with a band that begins when the ref may first
//! have led to it.

use std::collections::HashSet;
use std::fmt::Write as _;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::model::Leak;
use crate::report::{escape, humanize, labels};

use super::axis::Axis;
use super::draw_band;
use super::marks::TimelineMark;

/// Maximum number of rows.
const MAX_ROWS: usize = 8;
/// Number of refs of each kind that are shown before more refs of any kind.
const MIN_PER_KIND: usize = 3;
/// The height of a row in pixels: a name, and a band below it.
const ROW_HEIGHT: u32 = 30;
/// Maximum width of a name in columns, so that it fits a phone.
const MAX_COLUMNS: usize = 40;

/// Kinds of refs, in the order in which they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum RefRowKind {
    Head,
    Branch,
    RemoteTracking,
    Tag,
    Other,
    /// Not a ref, but a reflog entry or pseudo ref.
    Reflog,
}

impl RefRowKind {
    const COUNT: usize = Self::Reflog as usize + 1;

    fn from_name(name: &str, head: Option<&str>) -> Self {
        match name.strip_prefix("refs/heads/") {
            Some(branch) if Some(branch) == head => Self::Head,
            Some(_) => Self::Branch,
            None if name.starts_with("refs/remotes/") => Self::RemoteTracking,
            None if name.starts_with("refs/tags/") => Self::Tag,
            None => Self::Other,
        }
    }
}

/// A ref below a timeline.
struct RefRow {
    kind: RefRowKind,
    /// The name in git's short form, not escaped.
    name: String,
    is_at_tip: bool,
    /// The earliest and the latest time at which the ref may have begun to lead to the leak; `None` if no date is known.
    since: Option<(i64, i64)>,
    /// A mark on the row, and its time.
    mark: Option<(TimelineMark, i64)>,
}

impl RefRow {
    fn new(leak: &Leak, kind: RefRowKind, name: &str, is_at_tip: bool) -> Self {
        let reachability = &leak.reachability;
        let introduced = || leak.introduced.iter().map(|change| change.seconds);
        let tag =
            reachability.tags.iter().find(|tag| tag.name == name).map(|tag| (TimelineMark::Tag, tag.seconds));
        let sighting = reachability.on_remote.as_ref().filter(|sighting| sighting.name == name);
        let mark = tag.or(sighting.map(|sighting| (TimelineMark::Remote, sighting.seconds)));
        // The ref leads to at least one of the commits that introduced the leak, but which one is unknown.
        let since = mark
            .map(|(_, seconds)| (seconds, seconds))
            .or_else(|| Some((introduced().min()?, introduced().max()?)));
        Self { kind, name: labels::short_ref(name), is_at_tip, since, mark }
    }

    fn write(&self, axis: Axis, y: u32, svg: &mut String) {
        let (full_name, shown_name) =
            (escape::xml(&self.name), escape::xml(&shorten(&escape::line(&self.name))));
        // Writing to a String cannot fail.
        _ = write!(svg, "<text x=\"3%\" y=\"{}\">{shown_name}<title>{full_name}</title></text>", y + 10);
        if let Some((first, last)) = self.since {
            if first < last {
                let (x, end) = (axis.percent(first), axis.percent(last));
                let y = y + 21;
                _ = write!(
                    svg,
                    "<line class=\"maybe\" x1=\"{x:.2}%\" x2=\"{end:.2}%\" y1=\"{y}\" y2=\"{y}\"/>"
                );
            }
            let shape = if self.is_at_tip { ("tip", y + 18, 6) } else { ("past", y + 19, 4) };
            draw_band(axis, (last, axis.end), shape, svg);
        }
        if let Some((mark, seconds)) = self.mark {
            mark.write(axis, seconds, y + 21, svg);
        }
    }
}

/// A name of at most [`MAX_COLUMNS`] columns. A longer one is shortened in the middle, since the ends distinguish
/// similar names.
fn shorten(name: &str) -> String {
    if name.width() <= MAX_COLUMNS {
        return name.to_owned();
    }
    let fits = |limit: usize, used: &mut usize, c: char| {
        *used += c.width().unwrap_or(0);
        *used <= limit
    };
    let mut used = 0;
    let head: String = name.chars().take_while(|&c| fits(MAX_COLUMNS / 2 + 3, &mut used, c)).collect();
    let mut used = 0;
    let tail: Vec<char> =
        name.chars().rev().take_while(|&c| fits(MAX_COLUMNS / 2 - 4, &mut used, c)).collect();
    format!("{head}…{}", tail.into_iter().rev().collect::<String>())
}

/// The refs that are shown.
pub(super) struct RefRows {
    rows: Vec<RefRow>,
    hidden_count: u64,
    marks: Vec<TimelineMark>,
}

impl RefRows {
    /// The rows for a leak; `head` is the short name of the branch at HEAD.
    pub(super) fn new(leak: &Leak, head: Option<&str>) -> Self {
        let reachability = &leak.reachability;
        let at_tip: HashSet<&str> = reachability.refs_at_tip.iter().map(String::as_str).collect();
        let only_in_history =
            reachability.refs_in_history.iter().filter(|name| !at_tip.contains(name.as_str()));
        let refs = (reachability.refs_at_tip.iter().map(|name| (name, true)))
            .chain(only_in_history.map(|name| (name, false)))
            .map(|(name, is_at_tip)| (RefRowKind::from_name(name, head), name, is_at_tip));
        let logs = reachability.held_by.iter().map(|name| (RefRowKind::Reflog, name, false));
        let mut count_by_kind = [0; RefRowKind::COUNT];
        let mut ranked: Vec<_> = refs
            .chain(logs)
            .map(|(kind, name, is_at_tip)| {
                let count = &mut count_by_kind[kind as usize];
                *count += 1;
                ((*count - 1) / MIN_PER_KIND, kind, name, is_at_tip)
            })
            .collect();
        ranked.sort_by_key(|&(round, kind, ..)| (round, kind));
        let hidden_count = ranked.len().saturating_sub(MAX_ROWS) as u64;
        ranked.truncate(MAX_ROWS);
        let mut rows: Vec<RefRow> = ranked
            .into_iter()
            .map(|(_, kind, name, is_at_tip)| RefRow::new(leak, kind, name, is_at_tip))
            .collect();
        rows.sort_by_key(|row| row.kind);
        let marks = rows.iter().filter_map(|row| Some(row.mark?.0)).collect();
        Self { rows, hidden_count, marks }
    }

    /// Height of all rows, in pixels.
    pub(super) fn height(&self) -> u32 {
        self.rows.iter().map(|_| ROW_HEIGHT).sum()
    }

    /// How many refs are not shown.
    pub(super) fn hidden_count(&self) -> u64 {
        self.hidden_count
    }

    /// The marks on the rows.
    pub(super) fn marks(&self) -> &[TimelineMark] {
        &self.marks
    }

    /// Whether the start of any band is not known exactly.
    pub(super) fn has_uncertain_start(&self) -> bool {
        self.rows.iter().any(|row| row.since.is_some_and(|(first, last)| first < last))
    }

    /// Draws the rows, the first one `y` pixels below the top.
    pub(super) fn write(&self, axis: Axis, y: u32, svg: &mut String) {
        for (row, y) in self.rows.iter().zip((y..).step_by(ROW_HEIGHT as usize)) {
            row.write(axis, y, svg);
        }
    }

    /// A description of the rows, for the label of the timeline. Not escaped.
    pub(super) fn label(&self) -> String {
        let names = |at_tip: bool| -> Vec<&str> {
            self.rows.iter().filter(|row| row.is_at_tip == at_tip).map(|row| &row.name[..]).collect()
        };
        let mut label = String::new();
        for (at_tip, opening) in [(true, "; at the tip of "), (false, "; only in the history of ")] {
            let names = names(at_tip);
            if !names.is_empty() {
                label.push_str(opening);
                label.push_str(&names.join(", "));
            }
        }
        if self.hidden_count > 0 {
            label.push_str(&format!("; and {}", humanize::count(self.hidden_count, "more ref")));
        }
        label
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{Change, DetectedKey, LeakStatus, Reachability, RemoteSighting, TagDate};

    fn leak(introduced: &[i64], reachability: Reachability) -> Leak {
        let change = |&seconds: &i64| Change {
            commit: "a".repeat(40),
            author: String::new(),
            date: String::new(),
            seconds,
            path: None,
            subject: String::new(),
        };
        Leak {
            detected_key: Arc::new(DetectedKey::sample("key")),
            status: LeakStatus::Present,
            introduced: introduced.iter().map(change).collect(),
            removed: Vec::new(),
            moves: Vec::new(),
            reachability,
            exposed_seconds: None,
            findings: Vec::new(),
            verification: None,
        }
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn a_band_begins_at_the_date_of_the_ref_or_of_the_introductions() {
        let all = names(&["refs/heads/main", "refs/remotes/origin/main", "refs/tags/v1"]);
        let leak = leak(
            &[100, 300],
            Reachability {
                refs_at_tip: names(&["refs/heads/main"]),
                refs_in_history: all,
                tags: vec![TagDate { seconds: 200, name: "refs/tags/v1".to_owned() }],
                on_remote: Some(RemoteSighting {
                    seconds: 250,
                    name: "refs/remotes/origin/main".to_owned(),
                    by_push: true,
                }),
                ..Reachability::default()
            },
        );
        let rows = RefRows::new(&leak, Some("main"));
        let shown: Vec<_> = rows.rows.iter().map(|row| (&row.name[..], row.is_at_tip, row.since)).collect();
        assert_eq!(
            shown,
            [
                ("main", true, Some((100, 300))),
                ("origin/main", false, Some((250, 250))),
                ("tag v1", false, Some((200, 200)))
            ]
        );
        assert!(rows.has_uncertain_start());
        assert_eq!(rows.label(), "; at the tip of main; only in the history of origin/main, tag v1");
    }

    #[test]
    fn some_refs_of_each_kind_are_shown_if_there_are_many() {
        let mut all: Vec<String> = (0..50).map(|n| format!("refs/heads/{n}")).collect();
        all.extend((0..50).map(|n| format!("refs/tags/{n}")));
        all.push("refs/heads/main".to_owned());
        let leak = leak(&[1], Reachability { refs_in_history: all, ..Reachability::default() });
        let rows = RefRows::new(&leak, Some("main"));
        let shown: Vec<_> = rows.rows.iter().map(|row| &row.name[..]).collect();
        assert_eq!(shown, ["main", "0", "1", "2", "3", "tag 0", "tag 1", "tag 2"]);
        assert_eq!((rows.hidden_count(), rows.height()), (93, 240));
    }

    #[test]
    fn a_long_name_is_shortened_in_the_middle() {
        assert_eq!(shorten("main"), "main");
        for name in ["x".repeat(300), "鍵".repeat(300), format!("feature/{}-end", "long-".repeat(40))] {
            let short = shorten(&name);
            assert!(short.width() <= MAX_COLUMNS && short.contains('…'), "{short}");
            assert!(name.starts_with(short.split('…').next().unwrap()), "{short}");
        }
        assert!(shorten(&format!("{}-end", "x".repeat(99))).ends_with("-end"));
    }
}
