//! Merges the tables of a stack into refs and reflogs.

use std::cell::Cell;
use std::cmp::Reverse;
use std::ops::{ControlFlow, RangeInclusive};
use std::path::Path;

use super::record::{LogRecord, RefValue, TableError};
use super::{RefTarget, Stack, Table, ref_target};
use crate::git::refs::{LogEntry, Reader, TipKind};

/// Maximum number of bytes that inflated names and reflogs may take for each byte of their tables. A few kilobytes can be
/// crafted to inflate to gigabytes; real tables grow about thirtyfold.
const BUDGET_PER_BYTE: usize = 100;
/// The bounds of that budget, in bytes.
const BUDGET_RANGE: RangeInclusive<usize> = 64 << 20..=1 << 31;

/// A reflog entry from one table.
struct StackLogEntry {
    update_index: u64,
    /// The position of the table in the stack.
    table: usize,
    /// Its `ago` and `is_oldest` are not set yet. If it is a deletion, the ids are null and the texts empty.
    entry: LogEntry,
    /// Whether it deletes the entry of an older table.
    is_deletion: bool,
}

impl Reader {
    /// Reads the refs and reflogs of one git directory: the common one, or that of a linked work tree.
    pub(in crate::git::refs) fn read_tables(&mut self, directory: &Path, prefix: &str) {
        self.refs.uses_reftable = true;
        self.read_multi_id_files(directory, prefix);
        let entries = self.add_stack(&Stack::read(directory, self.hash_kind), prefix, true);
        self.add_logs(entries);
        let unlisted = self.add_stack(&Stack::read_unlisted(directory, self.hash_kind), prefix, false);
        self.refs
            .superseded_entries
            .extend(unlisted.into_iter().filter(|entry| !entry.is_deletion).map(|entry| entry.entry));
    }

    /// Adds the refs of a stack, and returns its reflog entries. If the stack is not in use, only the names of its
    /// refs are kept.
    fn add_stack(&mut self, stack: &Stack, prefix: &str, is_in_use: bool) -> Vec<StackLogEntry> {
        let limit =
            stack.len().saturating_mul(BUDGET_PER_BYTE).clamp(*BUDGET_RANGE.start(), *BUDGET_RANGE.end());
        let budget = UnpackBudget(Cell::new(limit));
        let mut entries = Vec::new();
        for (number, (name, table)) in stack.tables.iter().enumerate() {
            let footer = table.check_footer();
            let refs = self.add_refs(table, prefix, &budget, is_in_use);
            let logs = table.for_each_log_entry(
                |length| budget.take(length),
                |record| {
                    if budget.take(record.name.len() + size_of::<StackLogEntry>()).is_continue() {
                        entries.push(stack_log_entry(&record, number, prefix));
                    }
                },
            );
            // Footer, refs and reflogs may be damaged independently.
            for damage in [footer, refs, logs].into_iter().filter_map(Result::err) {
                self.refs.gaps.push(format!("{prefix}reftable/{name}"), damage.to_string());
            }
        }
        if budget.is_used_up() {
            let reason =
                format!("inflates to more than {limit} bytes of names and reflogs; the rest was not read");
            self.refs.gaps.push(format!("{prefix}reftable"), reason);
        }
        for (name, reason) in &stack.gaps {
            self.refs.gaps.push(format!("{prefix}reftable/{name}"), reason);
        }
        entries
    }

    /// Adds the refs of one table, which replace those of older ones.
    fn add_refs(
        &mut self,
        table: &Table,
        prefix: &str,
        budget: &UnpackBudget,
        is_in_use: bool,
    ) -> Result<(), TableError> {
        table.for_each_ref(|record| {
            let target_len = if let RefValue::Symbolic(target) = record.value { target.len() } else { 0 };
            budget.take(record.name.len() + target_len + size_of::<(String, TipKind, RefTarget)>())?;
            let stored_name = String::from_utf8_lossy(record.name);
            let kind = match &*stored_name {
                "HEAD" => TipKind::Head,
                name if name.starts_with("refs/") => TipKind::Ref,
                _ => TipKind::Pseudo,
            };
            let name = format!("{prefix}{stored_name}");
            match ref_target(record.value) {
                Some(value) if is_in_use => {
                    self.values.insert(name, (kind, value));
                }
                value => {
                    if is_in_use {
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

    /// Adds reflog entries, and separates those that belong to logs from superseded ones.
    fn add_logs(&mut self, mut entries: Vec<StackLogEntry>) {
        // The entries of a single table are already in order.
        entries.sort_by(|a, b| {
            let key = |entry: &StackLogEntry| (Reverse(entry.update_index), Reverse(entry.table));
            a.entry.log.cmp(&b.entry.log).then_with(|| key(a).cmp(&key(b)))
        });
        let mut last: Option<(String, u64)> = None;
        let old_len = self.refs.logs.len();
        for StackLogEntry { update_index, entry, is_deletion, .. } in entries {
            let is_superseded =
                last.as_ref().is_some_and(|(log, index)| *log == entry.log && *index == update_index);
            match &mut last {
                Some((log, index)) if *log == entry.log => *index = update_index,
                _ => last = Some((entry.log.clone(), update_index)),
            }
            if is_deletion {
                self.refs.other_names.insert(entry.log);
            } else if is_superseded || (entry.old.is_null() && entry.new.is_null()) {
                // An entry without either object only marks that the log exists.
                self.refs.superseded_entries.push(entry);
            } else {
                self.refs.logs.push(entry);
            }
        }
        for log in self.refs.logs[old_len..].chunk_by_mut(|a, b| a.log == b.log) {
            let last_ago = log.len() - 1;
            for (ago, entry) in log.iter_mut().enumerate() {
                (entry.ago, entry.is_oldest) = (ago, ago == last_ago);
            }
        }
    }
}

/// The number of bytes that may still be unpacked.
struct UnpackBudget(Cell<usize>);

impl UnpackBudget {
    /// Takes `length` bytes. Returns `Break` if the budget is used up.
    fn take(&self, length: usize) -> ControlFlow<()> {
        self.0.set(self.0.get().saturating_sub(length));
        if self.is_used_up() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn is_used_up(&self) -> bool {
        self.0.get() == 0
    }
}

/// Converts a record of the table with the number `table`.
fn stack_log_entry(record: &LogRecord<'_>, table: usize, prefix: &str) -> StackLogEntry {
    let log = format!("{prefix}{}", String::from_utf8_lossy(record.name));
    let (ago, is_oldest) = (0, false);
    let Some(change) = &record.change else {
        let null = gix::ObjectId::null(gix::hash::Kind::Sha1);
        let (who, when, message) = (Vec::new(), Vec::new(), Vec::new());
        let entry = LogEntry { log, ago, is_oldest, old: null, new: null, who, when, message };
        return StackLogEntry { update_index: record.update_index, table, entry, is_deletion: true };
    };
    // As in a line of a reflog file.
    let who = [change.name, b" <", change.email, b">"].concat();
    let when = format!("{} {:+05}", change.seconds, change.offset).into_bytes();
    let message = change.message.strip_suffix(b"\n").unwrap_or(change.message).to_vec();
    let entry = LogEntry { log, ago, is_oldest, old: change.old, new: change.new, who, when, message };
    StackLogEntry { update_index: record.update_index, table, entry, is_deletion: false }
}
