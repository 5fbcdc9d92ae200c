//! Reads refs and reflogs in `reftable/`, git's newer storage format.
//!
//! A stack is a list of tables in which later tables take precedence. Each table is sorted and never
//! modified; see `Documentation/technical/reftable` in git. Damage to a table is reported as a gap that names the table,
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

/// Maximum size of `tables.list`, in bytes. It has one line for each table, and git keeps few tables.
const MAX_TABLES_LIST_BYTES: u64 = 1 << 20;
/// Maximum size of all tables of a stack together, in bytes: as much as is read of `packed-refs`.
const MAX_STACK_BYTES: u64 = MAX_LIST_BYTES;
/// How often a stack is read, at most, if a table disappears in the meantime because git compacts the stack.
const MAX_ATTEMPTS: usize = 10;
/// Maximum size of a cached stack, in bytes.
const MAX_CACHED_BYTES: usize = 64 << 20;
/// Maximum number of cached stacks.
const MAX_CACHED_STACKS: usize = 8;

/// Stacks by their `reftable` directory, with the content of `tables.list` for which they were read.
type StackCache = HashMap<PathBuf, (Vec<u8>, Rc<Stack>)>;

thread_local! {
    /// A command looks up several names, and a table never changes once it has its name. The cache is here because `gix`'s
    /// repository type has no place for it.
    static STACK_CACHE: RefCell<StackCache> = RefCell::default();
}

/// The tables of one git directory: the common one, or that of a linked work tree.
#[derive(Debug, Default)]
pub(in crate::git) struct Stack {
    /// File names and tables, oldest first.
    tables: Vec<(String, Table)>,
    /// Names of files that could not be read, with reasons.
    gaps: Vec<(String, String)>,
}

impl Stack {
    /// Reads the stack of a git directory: the common one, or that of a linked work tree.
    pub(in crate::git) fn read(directory: &Path, hash_kind: Kind) -> Rc<Self> {
        let dir = directory.join("reftable");
        let mut list = read_list(&dir);
        let mut stack = Self::default();
        for attempt in 0..MAX_ATTEMPTS {
            let Ok(lines) = &list else { break };
            if let Some(stack) = STACK_CACHE.with_borrow(|cache| find_cached(cache, &dir, lines)) {
                return stack;
            }
            let is_table_missing;
            (stack, is_table_missing) = Self::read_tables(&dir, lines, hash_kind);
            let new_list = read_list(&dir);
            let is_changed = new_list.as_ref().ok() != Some(lines);
            if !is_table_missing || !is_changed || attempt + 1 == MAX_ATTEMPTS {
                break;
            }
            list = new_list;
        }
        match list {
            Ok(lines) => stack.into_cache(dir, lines),
            // The work tree was just added, or was created by an old version of git.
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

    /// Adds the stack to the cache, if it is complete and not too large.
    fn into_cache(self, dir: PathBuf, lines: Vec<u8>) -> Rc<Self> {
        let stack = Rc::new(self);
        if stack.len() <= MAX_CACHED_BYTES && stack.gaps.is_empty() {
            STACK_CACHE.with_borrow_mut(|cache| {
                if cache.len() >= MAX_CACHED_STACKS {
                    cache.clear();
                }
                cache.insert(dir, (lines, Rc::clone(&stack)));
            });
        }
        stack
    }

    /// Reads the tables listed in `lines`, and returns whether one was missing.
    fn read_tables(dir: &Path, lines: &[u8], hash_kind: Kind) -> (Self, bool) {
        let mut stack = Self::default();
        let mut is_table_missing = false;
        let mut bytes_left = MAX_STACK_BYTES;
        let mut seen = HashSet::new();
        for line in lines.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
            let name = String::from_utf8_lossy(line).into_owned();
            // A name that leads out of the directory is not followed, and no table is read twice.
            if !is_table_name(&name) || !seen.insert(line) {
                stack.gaps.push((
                    "tables.list".to_owned(),
                    "has a line that is not the name of a table".to_owned(),
                ));
                continue;
            }
            let table = match read_file(&dir.join(&name), bytes_left) {
                Ok(bytes) => {
                    bytes_left -= bytes.len() as u64;
                    Table::parse(bytes, hash_kind).map_err(|damage| damage.to_string())
                }
                Err(error) => {
                    is_table_missing |= error.kind() == io::ErrorKind::NotFound;
                    Err(format!("cannot be read: {error}"))
                }
            };
            match table {
                Ok(table) => stack.tables.push((name, table)),
                Err(reason) => stack.gaps.push((name, reason)),
            }
        }
        (stack, is_table_missing)
    }

    /// Reads tables in the directory that are not in `tables.list`, in the order of their names. An interrupted
    /// operation leaves them behind, and git ignores them.
    fn read_unlisted(directory: &Path, hash_kind: Kind) -> Self {
        let dir = directory.join("reftable");
        let mut lines = Vec::new();
        let names = sorted_names(&dir);
        let listing_error = names.as_ref().err().filter(|error| error.kind() != io::ErrorKind::NotFound);
        let listing_gap =
            listing_error.map(|error| ("*.ref".to_owned(), format!("cannot be listed: {error}")));
        let mut gaps: Vec<_> = listing_gap.into_iter().collect();
        for name in names.unwrap_or_default() {
            match name.to_str() {
                Some(name) if name.ends_with(".ref") && is_table_name(name) => {
                    lines.extend_from_slice(name.as_bytes());
                    lines.push(b'\n');
                }
                _ if name.as_os_str().as_encoded_bytes().ends_with(b".ref") => {
                    let reason = "is not read, because git gives no table such a name".to_owned();
                    gaps.push((name.to_string_lossy().into_owned(), reason));
                }
                _ => {}
            }
        }
        // The list is read last, because git writes a table before it lists it.
        let listed = read_list(&dir).unwrap_or_default();
        let listed: HashSet<&[u8]> = listed.split(|&byte| byte == b'\n').collect();
        let unlisted = lines
            .split_inclusive(|&byte| byte == b'\n')
            .filter(|line| !listed.contains(line.trim_ascii_end()));
        let (mut stack, _) =
            Self::read_tables(&dir, &unlisted.flatten().copied().collect::<Vec<u8>>(), hash_kind);
        // Git may have removed a table in the meantime.
        stack.gaps.retain(|(name, _)| dir.join(name).exists());
        stack.gaps.extend(gaps);
        stack
    }

    /// The target of a ref, from the newest table that contains it; `None` if it does not exist or was deleted.
    ///
    /// # Errors
    /// When a table that may contain the ref is damaged. The error names the table.
    pub(in crate::git) fn find(&self, name: &str) -> Result<Option<RefTarget>, String> {
        // A table that could not be read might take precedence.
        if let Some((table, reason)) = self.gaps.first() {
            return Err(format!("reftable/{table} {reason}"));
        }
        for (file, table) in self.tables.iter().rev() {
            let mut target = None;
            let outcome = table.check_footer().and_then(|()| {
                table.for_each_ref(|record| match record.name.cmp(name.as_bytes()) {
                    std::cmp::Ordering::Less => ControlFlow::Continue(()),
                    std::cmp::Ordering::Greater => ControlFlow::Break(()),
                    std::cmp::Ordering::Equal => {
                        target = Some(ref_target(record.value));
                        ControlFlow::Break(())
                    }
                })
            });
            outcome.map_err(|damage| format!("reftable/{file} {damage}"))?;
            if let Some(target) = target {
                return Ok(target);
            }
        }
        Ok(None)
    }
}

/// Whether a file with this name may be a table.
fn is_table_name(name: &str) -> bool {
    !name.contains(['/', '\\', '\0', '\n']) && !name.starts_with('.')
}

/// The target of a ref by the value of its record; `None` if the ref was deleted.
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

fn find_cached(cache: &StackCache, dir: &Path, lines: &[u8]) -> Option<Rc<Stack>> {
    cache.get(dir).filter(|(list, _)| list == lines).map(|(_, stack)| Rc::clone(stack))
}

/// For fuzzing: reads a whole table. Returns the number of refs and of reflog entries, and whether the table
/// is valid.
pub(in crate::git) fn read_all(bytes: &[u8], hash_kind: Kind) -> Option<(usize, usize, bool)> {
    let table = Table::parse(bytes.to_vec(), hash_kind).ok()?;
    let (mut refs, mut logs) = (0, 0);
    let ref_result = table.for_each_ref(|_| {
        refs += 1;
        ControlFlow::Continue(())
    });
    let log_result = table.for_each_log_entry(|_| ControlFlow::Continue(()), |_| logs += 1);
    Some((refs, logs, table.check_footer().and(ref_result).and(log_result).is_ok()))
}
