//! Refs and reflogs in tables, git's newer way to keep them: `reftable/`.
//!
//! A stack is a list of tables, of which later ones overrule earlier ones. Each is sorted, and written once
//! and for all; git's `Documentation/technical/reftable` tells how. What cannot be read of a table is a gap
//! that names it, and the rest is kept.

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

/// The list of a stack is a line for each of its tables, of which git keeps few.
const MAX_TABLES_LIST_BYTES: u64 = 1 << 20;
/// The list is read again when a table has gone since, as it does when git makes one of several.
const MAX_ATTEMPTS: usize = 10;
/// Bytes of tables that are kept for later questions; larger stacks are read again.
const MAX_CACHED_BYTES: usize = 64 << 20;
/// Stacks that are kept.
const MAX_CACHED_STACKS: usize = 8;

/// Stacks by folder, with the list that they were read by.
type StackCache = HashMap<PathBuf, (Vec<u8>, Rc<Stack>)>;

thread_local! {
    /// A repository object has no room for them, a command
    /// asks for several names, and tables of a name never change.
    static STACK_CACHE: RefCell<StackCache> = RefCell::default();
}

/// The tables of a repository, or what one of its work trees has of its own.
#[derive(Debug, Default)]
pub(in crate::git) struct Stack {
    /// Oldest first, with the names of their files.
    tables: Vec<(String, Table)>,
    /// Files that could not be read, and why.
    gaps: Vec<(String, String)>,
}

impl Stack {
    /// The stack of a git directory, the common one or a linked work tree's.
    pub(in crate::git) fn of(directory: &Path, hash: Kind) -> Rc<Self> {
        let folder = directory.join("reftable");
        let mut list = read_list(&folder);
        let mut stack = Self::default();
        for attempt in 0..MAX_ATTEMPTS {
            let Ok(lines) = &list else { break };
            if let Some(known) = STACK_CACHE.with_borrow(|read| cached(read, &folder, lines)) {
                return known;
            }
            let (read, gone) = Self::read(&folder, lines, hash);
            stack = read;
            let again = read_list(&folder);
            let changed = again.as_ref().ok() != Some(lines);
            if !gone || !changed || attempt + 1 == MAX_ATTEMPTS {
                break;
            }
            list = again;
        }
        match list {
            Ok(lines) => stack.keep(folder, lines),
            // A work tree that has just been added, or one of old.
            Err(error) if error.kind() == io::ErrorKind::NotFound && directory.join("commondir").exists() => {
                stack.into()
            }
            Err(error) => {
                stack.gaps.push(("tables.list".to_owned(), format!("cannot be read: {error}")));
                stack.into()
            }
        }
    }

    /// Bytes of all tables.
    fn len(&self) -> usize {
        self.tables.iter().map(|(_, table)| table.len()).sum()
    }

    fn keep(self, folder: PathBuf, lines: Vec<u8>) -> Rc<Self> {
        let stack = Rc::new(self);
        if stack.len() <= MAX_CACHED_BYTES && stack.gaps.is_empty() {
            STACK_CACHE.with_borrow_mut(|read| {
                if read.len() >= MAX_CACHED_STACKS {
                    read.clear();
                }
                read.insert(folder, (lines, Rc::clone(&stack)));
            });
        }
        stack
    }

    /// Reads the tables in `lines`, and tells whether one was not there.
    fn read(folder: &Path, lines: &[u8], hash: Kind) -> (Self, bool) {
        let mut stack = Self::default();
        let mut gone = false;
        let mut room = MAX_LIST_BYTES;
        let mut seen = HashSet::new();
        for line in lines.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
            let name = String::from_utf8_lossy(line).into_owned();
            // Nothing outside of the folder is read.
            if name.contains(['/', '\\', '\0']) || name.starts_with('.') || !seen.insert(line) {
                stack.gaps.push(("tables.list".to_owned(), "has a line that is no table's name".to_owned()));
                continue;
            }
            let table = match read_file(&folder.join(&name), room) {
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

    /// Tables that lie in the folder of a git directory and are in no list, as an operation that was broken off leaves
    /// them, in the order of names; and those that could not be read. Git looks at none of them.
    fn unlisted(directory: &Path, hash: Kind) -> Self {
        let folder = directory.join("reftable");
        let mut lines = Vec::new();
        for name in sorted_names(&folder).unwrap_or_default() {
            let name = name.to_string_lossy();
            if name.ends_with(".ref") {
                lines.extend_from_slice(name.as_bytes());
                lines.push(b'\n');
            }
        }
        // Read last, since a table is listed after it was written.
        let listed = read_list(&folder).unwrap_or_default();
        let listed: HashSet<&[u8]> = listed.split(|&byte| byte == b'\n').collect();
        let rest = lines
            .split_inclusive(|&byte| byte == b'\n')
            .filter(|line| !listed.contains(line.trim_ascii_end()));
        let (mut stack, _) = Self::read(&folder, &rest.flatten().copied().collect::<Vec<u8>>(), hash);
        // What git has removed since is not left over.
        stack.gaps.retain(|(name, _)| folder.join(name).exists());
        stack
    }

    /// What the newest table that knows the ref says of it.
    ///
    /// # Errors
    /// When a table that may know it is damaged, in words that name it.
    pub(in crate::git) fn find(&self, name: &str) -> Result<Option<RefTarget>, String> {
        // What could not be read might overrule all else.
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

/// What a record says of a ref; nothing when it is no more.
fn ref_target(value: RefValue<'_>) -> Option<RefTarget> {
    match value {
        RefValue::Deleted => None,
        RefValue::Id(id) => Some(RefTarget::Id(id)),
        RefValue::Symbolic(target) => Some(RefTarget::Symbolic(String::from_utf8_lossy(target).into_owned())),
    }
}

fn read_list(folder: &Path) -> io::Result<Vec<u8>> {
    read_file(&folder.join("tables.list"), MAX_TABLES_LIST_BYTES)
}

fn cached(read: &StackCache, folder: &Path, lines: &[u8]) -> Option<Rc<Stack>> {
    read.get(folder).filter(|(list, _)| list == lines).map(|(_, stack)| Rc::clone(stack))
}

/// For fuzzers: reads all that a table of these bytes holds; refs and entries of reflogs in it, and whether it is sound.
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
