//! The rows below a timeline: refs that lead to the leak, each as a band that begins when it may first have done so.

use std::collections::HashSet;
use std::fmt::Write as _;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::model::Leak;
use crate::report::{escape, humanize, labels};

use super::axis::Axis;
use super::band;
use super::marks::TimelineMark;

/// Maximum number of rows.
const MAX_ROWS: usize = 8;
/// Number of refs of each kind that are shown before further refs of any kind.
const FIRST_OF_A_KIND: usize = 3;
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

    fn of(name: &str, head: Option<&str>) -> Self {
        match name.strip_prefix("refs/heads/") {
            Some(branch) if Some(branch) == head => Self::Head,
            Some(_) => Self::Branch,
            None if name.starts_with("refs/remotes/") => Self::RemoteTracking,
            None if name.starts_with("refs/tags/") => Self::Tag,
            None => Self::Other,
        }
    }
}

struct RefRow {
    kind: RefRowKind,
    /// The name in git's short form, not escaped.
    name: String,
    is_at_tip: bool,
    /// When it began to lead to the leak: between these two times. `None` if no date is known.
    since: Option<(i64, i64)>,
    mark: Option<(TimelineMark, i64)>,
}

impl RefRow {
    fn new(leak: &Leak, kind: RefRowKind, name: &str, is_at_tip: bool) -> Self {
        let reached = &leak.reachability;
        let introduced = || leak.introduced.iter().map(|change| change.seconds);
        let tagged =
            reached.tags.iter().find(|tag| tag.name == name).map(|tag| (TimelineMark::Tag, tag.seconds));
        let seen = reached.on_remote.as_ref().filter(|seen| seen.name == name);
        let mark = tagged.or(seen.map(|seen| (TimelineMark::Remote, seen.seconds)));
        // It leads to at least one of the commits that introduced the leak.
        let since = mark.map(|(_, at)| (at, at)).or_else(|| Some((introduced().min()?, introduced().max()?)));
        Self { kind, name: labels::short_ref(name), is_at_tip, since, mark }
    }

    fn write(&self, axis: Axis, y: u32, svg: &mut String) {
        let (full, shown) = (escape::xml(&self.name), escape::xml(&shortened(&escape::line(&self.name))));
        // Writing to a String cannot fail.
        _ = write!(svg, "<text x=\"3%\" y=\"{}\">{shown}<title>{full}</title></text>", y + 10);
        if let Some((first, last)) = self.since {
            if first < last {
                let (x, end) = (axis.percent(first), axis.percent(last));
                let y = y + 21;
                _ = write!(
                    svg,
                    "<line class=\"maybe\" x1=\"{x:.2}%\" x2=\"{end:.2}%\" y1=\"{y}\" y2=\"{y}\"/>"
                );
            }
            let shape = if self.is_at_tip { ("held", y + 18, 6) } else { ("past", y + 19, 4) };
            band(axis, (last, axis.end), shape, svg);
        }
        if let Some((mark, seconds)) = self.mark {
            mark.write(axis, seconds, y + 21, svg);
        }
    }
}

/// A name of at most [`MAX_COLUMNS`] columns. A longer one is shortened in the middle, since the ends distinguish
/// similar names.
fn shortened(name: &str) -> String {
    if name.width() <= MAX_COLUMNS {
        return name.to_owned();
    }
    let within = |limit: usize, used: &mut usize, c: char| {
        *used += c.width().unwrap_or(0);
        *used <= limit
    };
    let mut used = 0;
    let head: String = name.chars().take_while(|&c| within(MAX_COLUMNS / 2 + 3, &mut used, c)).collect();
    let mut used = 0;
    let tail: Vec<char> =
        name.chars().rev().take_while(|&c| within(MAX_COLUMNS / 2 - 4, &mut used, c)).collect();
    format!("{head}…{}", tail.into_iter().rev().collect::<String>())
}

/// The refs that are shown.
pub(super) struct RefRows {
    rows: Vec<RefRow>,
    hidden: u64,
    marks: Vec<TimelineMark>,
}

impl RefRows {
    pub(super) fn of(leak: &Leak, head: Option<&str>) -> Self {
        let reached = &leak.reachability;
        let at_tip: HashSet<&str> = reached.refs_at_tip.iter().map(String::as_str).collect();
        let only_in_history = reached.refs_in_history.iter().filter(|name| !at_tip.contains(name.as_str()));
        let refs = (reached.refs_at_tip.iter().map(|name| (name, true)))
            .chain(only_in_history.map(|name| (name, false)))
            .map(|(name, is_at_tip)| (RefRowKind::of(name, head), name, is_at_tip));
        let logs = reached.held_by.iter().map(|name| (RefRowKind::Reflog, name, false));
        let mut seen = [0; RefRowKind::COUNT];
        let mut ranked: Vec<_> = refs
            .chain(logs)
            .map(|(kind, name, is_at_tip)| {
                let nth = &mut seen[kind as usize];
                *nth += 1;
                ((*nth - 1) / FIRST_OF_A_KIND, kind, name, is_at_tip)
            })
            .collect();
        ranked.sort_by_key(|&(round, kind, ..)| (round, kind));
        let hidden = ranked.len().saturating_sub(MAX_ROWS) as u64;
        ranked.truncate(MAX_ROWS);
        let mut rows: Vec<RefRow> = ranked
            .into_iter()
            .map(|(_, kind, name, is_at_tip)| RefRow::new(leak, kind, name, is_at_tip))
            .collect();
        rows.sort_by_key(|row| row.kind);
        let marks = rows.iter().filter_map(|row| Some(row.mark?.0)).collect();
        Self { rows, hidden, marks }
    }

    /// In pixels.
    pub(super) fn height(&self) -> u32 {
        self.rows.iter().map(|_| ROW_HEIGHT).sum()
    }

    /// How many refs are not shown.
    pub(super) fn hidden(&self) -> u64 {
        self.hidden
    }

    /// The marks on the rows.
    pub(super) fn marks(&self) -> &[TimelineMark] {
        &self.marks
    }

    /// Whether the start of a band is not known exactly.
    pub(super) fn is_vague(&self) -> bool {
        self.rows.iter().any(|row| row.since.is_some_and(|(first, last)| first < last))
    }

    /// Draws them from `y` pixels below the top.
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
        if self.hidden > 0 {
            label.push_str(&format!("; and {}", humanize::count(self.hidden, "more ref")));
        }
        label
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{Change, Identified, LeakStatus, Reachability, RemoteSighting, TagDate};

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
            identified: Arc::new(Identified::sample("key")),
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
    fn a_band_begins_when_a_date_says_so() {
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
        let rows = RefRows::of(&leak, Some("main"));
        let shown: Vec<_> = rows.rows.iter().map(|row| (&row.name[..], row.is_at_tip, row.since)).collect();
        assert_eq!(
            shown,
            [
                ("main", true, Some((100, 300))),
                ("origin/main", false, Some((250, 250))),
                ("tag v1", false, Some((200, 200)))
            ]
        );
        assert!(rows.is_vague());
        assert_eq!(rows.label(), "; at the tip of main; only in the history of origin/main, tag v1");
    }

    #[test]
    fn of_many_refs_some_of_each_kind_are_shown() {
        let mut all: Vec<String> = (0..50).map(|n| format!("refs/heads/{n}")).collect();
        all.extend((0..50).map(|n| format!("refs/tags/{n}")));
        all.push("refs/heads/main".to_owned());
        let leak = leak(&[1], Reachability { refs_in_history: all, ..Reachability::default() });
        let rows = RefRows::of(&leak, Some("main"));
        let shown: Vec<_> = rows.rows.iter().map(|row| &row.name[..]).collect();
        assert_eq!(shown, ["main", "0", "1", "2", "3", "tag 0", "tag 1", "tag 2"]);
        assert_eq!((rows.hidden(), rows.height()), (93, 240));
    }

    #[test]
    fn a_long_name_loses_its_middle() {
        assert_eq!(shortened("main"), "main");
        for name in ["x".repeat(300), "鍵".repeat(300), format!("feature/{}-end", "long-".repeat(40))] {
            let short = shortened(&name);
            assert!(short.width() <= MAX_COLUMNS && short.contains('…'), "{short}");
            assert!(name.starts_with(short.split('…').next().unwrap()), "{short}");
        }
        assert!(shortened(&format!("{}-end", "x".repeat(99))).ends_with("-end"));
    }
}
