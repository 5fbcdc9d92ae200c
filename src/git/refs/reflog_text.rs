//! Reflogs of tables as the texts that files would hold, for whoever searches what is written in them.

use std::collections::BTreeMap;

use super::{LogEntry, Refs};

impl LogEntry {
    /// Appends the line that a log's file has for it.
    fn write(&self, text: &mut Vec<u8>) {
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
    /// Calls `each` for every reflog that stands in tables, with the path that its file would have in the
    /// git folder, and its text: the lines of the file, and after them what tables hold of it beyond that.
    pub fn table_logs(&self, mut each: impl FnMut(&[u8], &[u8])) {
        if !self.uses_reftable {
            return;
        }
        let mut past: BTreeMap<&str, Vec<&LogEntry>> = BTreeMap::new();
        for entry in &self.superseded {
            past.entry(&entry.log).or_default().push(entry);
        }
        let mut text = Vec::new();
        for entries in self.logs.chunk_by(|a, b| a.log == b.log) {
            text.clear();
            entries.iter().rev().for_each(|entry| entry.write(&mut text));
            let log = &entries[0].log;
            past.remove(log.as_str()).into_iter().flatten().for_each(|entry| entry.write(&mut text));
            each(path(log).as_bytes(), &text);
        }
        for (log, entries) in past {
            text.clear();
            entries.iter().for_each(|entry| entry.write(&mut text));
            each(path(log).as_bytes(), &text);
        }
    }
}

/// Where the log's file would be, from the git folder.
fn path(log: &str) -> String {
    let own = log.strip_prefix("worktrees/").and_then(|rest| rest.split_once('/'));
    match own {
        Some((work_tree, log)) => format!("worktrees/{work_tree}/logs/{log}"),
        None => format!("logs/{log}"),
    }
}
