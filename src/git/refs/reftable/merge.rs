//! Merges a stack of tables into refs and reflogs.

use std::cell::Cell;
use std::cmp::Reverse;
use std::ops::{ControlFlow, RangeInclusive};
use std::path::Path;

use super::record::{LogRecord, RefValue, TableError};
use super::{RefTarget, Stack, Table, ref_target};
use crate::git::refs::{LogEntry, Reader, TipKind};

/// Limits for the memory that inflated names and reflogs take: in total, and per byte of their tables. A few
/// kilobytes can be crafted to inflate to gigabytes; real tables grow about thirtyfold.
const BUDGET_RANGE: RangeInclusive<usize> = 64 << 20..=1 << 31;
const BUDGET_PER_BYTE: usize = 100;

/// A reflog entry from one table.
struct StackLogEntry {
    update: u64,
    /// The position of the table in the stack.
    table: usize,
    /// Not numbered yet. Has null ids and empty texts if it deletes the entry of an older table.
    entry: LogEntry,
    deletes: bool,
}

impl Reader {
    /// Reads the refs and reflogs of one git directory: the common one, or that of a linked work tree.
    pub(in crate::git::refs) fn read_tables(&mut self, directory: &Path, prefix: &str) {
        self.refs.uses_reftable = true;
        self.read_multi_id_files(directory, prefix);
        let entries = self.stack(&Stack::of(directory, self.hash), prefix, true);
        self.table_logs(entries);
        let unlisted = self.stack(&Stack::unlisted(directory, self.hash), prefix, false);
        self.refs
            .superseded
            .extend(unlisted.into_iter().filter(|entry| !entry.deletes).map(|entry| entry.entry));
    }

    /// Adds the refs of a stack, and returns its reflog entries. If the stack is not in use, only the names of its
    /// refs are kept.
    fn stack(&mut self, stack: &Stack, prefix: &str, in_use: bool) -> Vec<StackLogEntry> {
        let limit =
            stack.len().saturating_mul(BUDGET_PER_BYTE).clamp(*BUDGET_RANGE.start(), *BUDGET_RANGE.end());
        let room = UnpackBudget(Cell::new(limit));
        let mut entries = Vec::new();
        for (number, (name, table)) in stack.tables.iter().enumerate() {
            let footer = table.footer();
            let refs = self.table_refs(table, prefix, &room, in_use);
            let logs = table.logs(
                |length| room.take(length),
                |record| {
                    if room.take(record.name.len() + size_of::<StackLogEntry>()).is_continue() {
                        entries.push(entry(&record, number, prefix));
                    }
                },
            );
            // Each part may be damaged; a skip has one reason.
            for damage in [footer, refs, logs].into_iter().filter_map(Result::err) {
                self.refs.gaps.push(format!("{prefix}reftable/{name}"), damage.to_string());
            }
        }
        if room.is_used_up() {
            let reason =
                format!("inflates to more than {limit} bytes of names and reflogs; the rest was not read");
            self.refs.gaps.push(format!("{prefix}reftable"), reason);
        }
        for (name, reason) in &stack.gaps {
            self.refs.gaps.push(format!("{prefix}reftable/{name}"), reason);
        }
        entries
    }

    fn table_refs(
        &mut self,
        table: &Table,
        prefix: &str,
        room: &UnpackBudget,
        in_use: bool,
    ) -> Result<(), TableError> {
        table.refs(|one| {
            let target = if let RefValue::Symbolic(target) = one.value { target.len() } else { 0 };
            room.take(one.name.len() + target + size_of::<(String, TipKind, RefTarget)>())?;
            let own = String::from_utf8_lossy(one.name);
            let kind = match &*own {
                "HEAD" => TipKind::Head,
                name if name.starts_with("refs/") => TipKind::Ref,
                _ => TipKind::Pseudo,
            };
            let name = format!("{prefix}{own}");
            match ref_target(one.value) {
                Some(value) if in_use => {
                    self.values.insert(name, (kind, value));
                }
                value => {
                    if in_use {
                        self.values.remove(&name);
                    }
                    if let Some(RefTarget::Symbolic(target)) = value {
                        self.refs.other_names.insert(target);
                    }
                    self.refs.other_names.insert(name);
                }
            }
            ControlFlow::Continue(())
        })
    }

    /// Separates the entries that belong to logs from those that were superseded.
    fn table_logs(&mut self, mut entries: Vec<StackLogEntry>) {
        // The entries of a single table are already in order.
        entries.sort_by(|a, b| {
            let key = |one: &StackLogEntry| (Reverse(one.update), Reverse(one.table));
            a.entry.log.cmp(&b.entry.log).then_with(|| key(a).cmp(&key(b)))
        });
        let mut last: Option<(String, u64)> = None;
        let first = self.refs.logs.len();
        for StackLogEntry { update, entry, deletes, .. } in entries {
            let superseded = last.as_ref().is_some_and(|(log, of)| *log == entry.log && *of == update);
            match &mut last {
                Some((log, of)) if *log == entry.log => *of = update,
                _ => last = Some((entry.log.clone(), update)),
            }
            if deletes {
                self.refs.other_names.insert(entry.log);
            } else if superseded || (entry.old.is_null() && entry.new.is_null()) {
                // An entry without either object only marks that the log exists.
                self.refs.superseded.push(entry);
            } else {
                self.refs.logs.push(entry);
            }
        }
        for log in self.refs.logs[first..].chunk_by_mut(|a, b| a.log == b.log) {
            let oldest = log.len() - 1;
            for (ago, entry) in log.iter_mut().enumerate() {
                (entry.ago, entry.oldest) = (ago, ago == oldest);
            }
        }
    }
}

/// The part of the limit that is not used up.
struct UnpackBudget(Cell<usize>);

impl UnpackBudget {
    /// Returns `Break` when the limit is exceeded, and on every later call.
    fn take(&self, length: usize) -> ControlFlow<()> {
        self.0.set(self.0.get().saturating_sub(length));
        if self.is_used_up() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn is_used_up(&self) -> bool {
        self.0.get() == 0
    }
}

fn entry(record: &LogRecord<'_>, table: usize, prefix: &str) -> StackLogEntry {
    let log = format!("{prefix}{}", String::from_utf8_lossy(record.name));
    let (ago, oldest) = (0, false);
    let Some(change) = &record.change else {
        let none = gix::ObjectId::null(gix::hash::Kind::Sha1);
        let (who, when, message) = (Vec::new(), Vec::new(), Vec::new());
        let entry = LogEntry { log, ago, oldest, old: none, new: none, who, when, message };
        return StackLogEntry { update: record.update, table, entry, deletes: true };
    };
    // As in a line of a reflog file.
    let who = [change.name, b" <", change.email, b">"].concat();
    let when = format!("{} {:+05}", change.seconds, change.offset).into_bytes();
    let message = change.message.strip_suffix(b"\n").unwrap_or(change.message).to_vec();
    let entry = LogEntry { log, ago, oldest, old: change.old, new: change.new, who, when, message };
    StackLogEntry { update: record.update, table, entry, deletes: false }
}
