//! Renders the reflogs of a `reftable` as the text that reflog files would contain, so that it can be
//! searched.

use std::collections::BTreeMap;

use super::{LogEntry, Refs};

impl LogEntry {
    /// Appends the entry to `text`, as a line of a reflog file.
    fn write_line(&self, text: &mut Vec<u8>) {
        text.extend_from_slice(format!("{} {} ", self.old, self.new).as_bytes());
        text.extend_from_slice(&self.who);
        text.push(b' ');
        text.extend_from_slice(&self.when);
        if !self.message.is_empty() {
            text.push(b'\t');
            text.extend_from_slice(&self.message);
        }
        text.push(b'\n');
    }
}

impl Refs {
    /// Calls `each` for every reflog in a `reftable` with the path that the reflog's file would have in the git directory,
    /// and with its text: the lines of that file, followed by those of superseded entries.
    pub fn for_each_table_log(&self, mut each: impl FnMut(&[u8], &[u8])) {
        if !self.uses_reftable {
            return;
        }
        let mut superseded: BTreeMap<&str, Vec<&LogEntry>> = BTreeMap::new();
        for entry in &self.superseded_entries {
            superseded.entry(&entry.log).or_default().push(entry);
        }
        let mut text = Vec::new();
        for entries in self.logs.chunk_by(|a, b| a.log == b.log) {
            text.clear();
            entries.iter().rev().for_each(|entry| entry.write_line(&mut text));
            let log = &entries[0].log;
            superseded
                .remove(log.as_str())
                .into_iter()
                .flatten()
                .for_each(|entry| entry.write_line(&mut text));
            each(file_path(log).as_bytes(), &text);
        }
        for (log, entries) in superseded {
            text.clear();
            entries.iter().for_each(|entry| entry.write_line(&mut text));
            each(file_path(log).as_bytes(), &text);
        }
    }
}

/// The path of a reflog file within the git directory.
fn file_path(log: &str) -> String {
    let linked = log.strip_prefix("worktrees/").and_then(|rest| rest.split_once('/'));
    match linked {
        Some((work_tree, log)) => format!("worktrees/{work_tree}/logs/{log}"),
        None => format!("logs/{log}"),
    }
}
