//! Refs and reflogs in `reftable/`, git's newer storage format.
//!
//! A stack is a list of tables in which later tables take precedence. Each table is sorted and never
//! modified; see `Documentation/technical/reftable` in git. Damage is reported as a gap that names the table,
//! and everything else is read.

mod merge;
mod record;
mod table;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use gix::hash::Kind;

use super::RefTarget;
use super::files::{MAX_LIST_BYTES, read_file, sorted_names};
use record::RefValue;
pub(in crate::git) use table::Table;

/// Limit for the list of a stack, which has one line per table. Git keeps few tables.
const MAX_TABLES_LIST_BYTES: u64 = 1 << 20;
/// How often the list is read again because a table disappeared, which happens when git compacts the stack.
const MAX_ATTEMPTS: usize = 10;
/// Larger stacks are not cached, in bytes.
const MAX_CACHED_BYTES: usize = 64 << 20;
/// Number of cached stacks.
const MAX_CACHED_STACKS: usize = 8;

/// Stacks by directory, with the content of `tables.list`.
type StackCache = HashMap<PathBuf, (Vec<u8>, Rc<Stack>)>;

thread_local! {
    /// A command looks up several names, and a table never changes once it has its name. There is no place
    /// for a cache in gix's repository type.
    static STACK_CACHE: RefCell<StackCache> = RefCell::default();
}

/// The tables of one git directory: the common one, or that of a linked work tree.
#[derive(Debug, Default)]
pub(in crate::git) struct Stack {
    /// Oldest first, with their file names.
    tables: Vec<(String, Table)>,
    /// Names of files that could not be read, with reasons.
    gaps: Vec<(String, String)>,
}

impl Stack {
    /// Reads the stack of a git directory: the common one, or that of a linked work tree.
    pub(in crate::git) fn of(directory: &Path, hash: Kind) -> Rc<Self> {
        let dir = directory.join("reftable");
        let mut list = read_list(&dir);
        let mut stack = Self::default();
        for attempt in 0..MAX_ATTEMPTS {
            let Ok(lines) = &list else { break };
            if let Some(known) = STACK_CACHE.with_borrow(|read| cached(read, &dir, lines)) {
                return known;
            }
            let (read, gone) = Self::read(&dir, lines, hash);
            stack = read;
            let again = read_list(&dir);
            let changed = again.as_ref().ok() != Some(lines);
            if !gone || !changed || attempt + 1 == MAX_ATTEMPTS {
                break;
            }
            list = again;
        }
        match list {
            Ok(lines) => stack.keep(dir, lines),
            // A work tree that was just added, or was created by an old version of git.
            Err(error) if error.kind() == io::ErrorKind::NotFound && directory.join("commondir").exists() => {
                stack.into()
            }
            Err(error) => {
                stack.gaps.push(("tables.list".to_owned(), format!("cannot be read: {error}")));
                stack.into()
            }
        }
    }

    /// Total size of the tables in bytes.
    fn len(&self) -> usize {
        self.tables.iter().map(|(_, table)| table.len()).sum()
    }

    fn keep(self, dir: PathBuf, lines: Vec<u8>) -> Rc<Self> {
        let stack = Rc::new(self);
        if stack.len() <= MAX_CACHED_BYTES && stack.gaps.is_empty() {
            STACK_CACHE.with_borrow_mut(|read| {
                if read.len() >= MAX_CACHED_STACKS {
                    read.clear();
                }
                read.insert(dir, (lines, Rc::clone(&stack)));
            });
        }
        stack
    }

    /// Reads the tables listed in `lines`, and returns whether one was missing.
    fn read(dir: &Path, lines: &[u8], hash: Kind) -> (Self, bool) {
        let mut stack = Self::default();
        let mut gone = false;
        let mut room = MAX_LIST_BYTES;
        let mut seen = HashSet::new();
        for line in lines.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
            let name = String::from_utf8_lossy(line).into_owned();
            // Nothing outside the directory is read.
            if name.contains(['/', '\\', '\0']) || name.starts_with('.') || !seen.insert(line) {
                stack.gaps.push((
                    "tables.list".to_owned(),
                    "has a line that is not the name of a table".to_owned(),
                ));
                continue;
            }
            let table = match read_file(&dir.join(&name), room) {
                Ok(bytes) => {
                    room -= bytes.len() as u64;
                    Table::open(bytes, hash).map_err(|damage| damage.to_string())
                }
                Err(error) => {
                    gone |= error.kind() == io::ErrorKind::NotFound;
                    Err(format!("cannot be read: {error}"))
                }
            };
            match table {
                Ok(table) => stack.tables.push((name, table)),
                Err(reason) => stack.gaps.push((name, reason)),
            }
        }
        (stack, gone)
    }

    /// Reads tables in the directory that are not listed, in the order of their names. An interrupted
    /// operation leaves them behind, and git ignores them.
    fn unlisted(directory: &Path, hash: Kind) -> Self {
        let dir = directory.join("reftable");
        let mut lines = Vec::new();
        for name in sorted_names(&dir).unwrap_or_default() {
            let name = name.to_string_lossy();
            if name.ends_with(".ref") {
                lines.extend_from_slice(name.as_bytes());
                lines.push(b'\n');
            }
        }
        // Read last, because a table is written before it is listed.
        let listed = read_list(&dir).unwrap_or_default();
        let listed: HashSet<&[u8]> = listed.split(|&byte| byte == b'\n').collect();
        let rest = lines
            .split_inclusive(|&byte| byte == b'\n')
            .filter(|line| !listed.contains(line.trim_ascii_end()));
        let (mut stack, _) = Self::read(&dir, &rest.flatten().copied().collect::<Vec<u8>>(), hash);
        // Git may have removed a table in the meantime.
        stack.gaps.retain(|(name, _)| dir.join(name).exists());
        stack
    }

    /// Looks up a ref in the newest table that contains it.
    ///
    /// # Errors
    /// When a table that may contain it is damaged, with a reason that names the table.
    pub(in crate::git) fn find(&self, name: &str) -> Result<Option<RefTarget>, String> {
        // A table that could not be read might take precedence.
        if let Some((table, reason)) = self.gaps.first() {
            return Err(format!("reftable/{table} {reason}"));
        }
        for (file, table) in self.tables.iter().rev() {
            let mut found = None;
            let outcome = table.footer().and_then(|()| {
                table.refs(|one| match one.name.cmp(name.as_bytes()) {
                    std::cmp::Ordering::Less => ControlFlow::Continue(()),
                    std::cmp::Ordering::Greater => ControlFlow::Break(()),
                    std::cmp::Ordering::Equal => {
                        found = Some(ref_target(one.value));
                        ControlFlow::Break(())
                    }
                })
            });
            outcome.map_err(|damage| format!("reftable/{file} {damage}"))?;
            if let Some(value) = found {
                return Ok(value);
            }
        }
        Ok(None)
    }
}

/// The value of a record; `None` if the ref was deleted.
fn ref_target(value: RefValue<'_>) -> Option<RefTarget> {
    match value {
        RefValue::Deleted => None,
        RefValue::Id(id) => Some(RefTarget::Id(id)),
        RefValue::Symbolic(target) => Some(RefTarget::Symbolic(String::from_utf8_lossy(target).into_owned())),
    }
}

fn read_list(dir: &Path) -> io::Result<Vec<u8>> {
    read_file(&dir.join("tables.list"), MAX_TABLES_LIST_BYTES)
}

fn cached(read: &StackCache, dir: &Path, lines: &[u8]) -> Option<Rc<Stack>> {
    read.get(dir).filter(|(list, _)| list == lines).map(|(_, stack)| Rc::clone(stack))
}

/// For fuzzing: reads a whole table. Returns the number of refs and of reflog entries, and whether the table
/// is valid.
pub(in crate::git) fn read_all(bytes: &[u8], hash: Kind) -> Option<(usize, usize, bool)> {
    let table = Table::open(bytes.to_vec(), hash).ok()?;
    let (mut refs, mut logs) = (0, 0);
    let of_refs = table.refs(|_| {
        refs += 1;
        ControlFlow::Continue(())
    });
    let of_logs = table.logs(|_| ControlFlow::Continue(()), |_| logs += 1);
    Some((refs, logs, table.footer().and(of_refs).and(of_logs).is_ok()))
}
