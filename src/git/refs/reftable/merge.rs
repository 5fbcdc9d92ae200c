//! A stack of tables as the refs and reflogs that they make together.

use std::cell::Cell;
use std::cmp::Reverse;
use std::ops::{ControlFlow, RangeInclusive};
use std::path::Path;

use super::record::{LogRecord, RefValue, TableError};
use super::{RefTarget, Stack, Table, ref_target};
use crate::git::refs::{LogEntry, Reader, TipKind};

/// Bytes that names and reflogs may take when they are unfolded, whatever the size of their tables, and for each of
/// their bytes. A few kilobytes can be made to hold gigabytes; real entries take some thirty times their bytes.
const BUDGET_RANGE: RangeInclusive<usize> = 64 << 20..=1 << 31;
const BUDGET_PER_BYTE: usize = 100;

/// An entry of a reflog, as one table has it.
struct StackLogEntry {
    update: u64,
    /// The table's place in the stack.
    table: usize,
    /// Without number; its ids are null, and its texts empty, when it deletes those of older tables.
    entry: LogEntry,
    deletes: bool,
}

impl Reader {
    /// Reads what one work tree's git directory, or the common one, has of its own.
    pub(in crate::git::refs) fn read_tables(&mut self, directory: &Path, prefix: &str) {
        self.refs.uses_reftable = true;
        self.read_multi_id_files(directory, prefix);
        let entries = self.stack(&Stack::of(directory, self.hash), prefix, true);
        self.table_logs(entries);
        let unlisted = self.stack(&Stack::unlisted(directory, self.hash), prefix, false);
        self.refs.superseded.extend(unlisted.into_iter().filter(|one| !one.deletes).map(|one| one.entry));
    }

    /// Takes over the refs of a stack, of which only the names count unless it is in use, and gives the entries of
    /// its reflogs.
    fn stack(&mut self, stack: &Stack, prefix: &str, in_use: bool) -> Vec<StackLogEntry> {
        let most =
            stack.len().saturating_mul(BUDGET_PER_BYTE).clamp(*BUDGET_RANGE.start(), *BUDGET_RANGE.end());
        let room = UnpackBudget(Cell::new(most));
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
            // Each may have damage of its own; a skip has one reason.
            for damage in [footer, refs, logs].into_iter().filter_map(Result::err) {
                self.refs.gaps.push(format!("{prefix}reftable/{name}"), damage.to_string());
            }
        }
        if room.is_used_up() {
            let reason =
                format!("unfolds to more than {most} bytes of names and reflogs; the rest was not read");
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

    /// Sorts out which entries are of the logs, and which were overruled.
    fn table_logs(&mut self, mut entries: Vec<StackLogEntry>) {
        // Already in order when they are of one table.
        entries.sort_by(|a, b| {
            let key = |one: &StackLogEntry| (Reverse(one.update), Reverse(one.table));
            a.entry.log.cmp(&b.entry.log).then_with(|| key(a).cmp(&key(b)))
        });
        let mut last: Option<(String, u64)> = None;
        let first = self.refs.logs.len();
        for StackLogEntry { update, entry, deletes, .. } in entries {
            let overruled = last.as_ref().is_some_and(|(log, of)| *log == entry.log && *of == update);
            match &mut last {
                Some((log, of)) if *log == entry.log => *of = update,
                _ => last = Some((entry.log.clone(), update)),
            }
            if deletes {
                self.refs.other_names.insert(entry.log);
            } else if overruled || (entry.old.is_null() && entry.new.is_null()) {
                // Without both objects it says only that there is a log.
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

/// What is left of [`BUDGET_RANGE`].
struct UnpackBudget(Cell<usize>);

impl UnpackBudget {
    /// Breaks when there is none, then and from then on.
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
    // As a line of a file has them.
    let who = [change.name, b" <", change.email, b">"].concat();
    let when = format!("{} {:+05}", change.seconds, change.offset).into_bytes();
    let message = change.message.strip_suffix(b"\n").unwrap_or(change.message).to_vec();
    let entry = LogEntry { log, ago, oldest, old: change.old, new: change.new, who, when, message };
    StackLogEntry { update: record.update, table, entry, deletes: false }
}
