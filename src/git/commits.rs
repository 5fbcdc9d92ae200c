//! All commits of a database and their parents: which are unreachable, and what reaches which.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use gix::ObjectId;
use gix::object::Kind;

use super::attribution::Reach;
use super::database::Database;
use super::lookup::Lookup;
use super::refs::{Refs, TipKind};
use super::sweep::{Searcher, SweepOptions, sweep};
use crate::model::Skip;

/// Every commit that exists, by id, with its parents.
#[derive(Debug)]
pub struct Commits {
    parents: HashMap<ObjectId, Vec<ObjectId>>,
    /// What refs and reflogs lead to, by name, peeled to commits.
    starts: Vec<(String, Reach, ObjectId)>,
}

/// What leads to a commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leading {
    /// The strongest of it; `None` when nothing does.
    pub reach: Option<Reach>,
    /// Refs that name it, sorted.
    pub refs_at_tip: Vec<String>,
    /// Refs from which it can be reached, sorted.
    pub refs_in_history: Vec<String>,
    /// Reflog entries from which it can be reached, when no ref leads to it.
    pub held_by: Vec<String>,
}

impl Commits {
    /// Reads all commits of `database`, on up to `threads` threads, and what could not be read.
    pub fn read(
        repo: &gix::Repository,
        database: &Database,
        refs: &Refs,
        threads: usize,
    ) -> (Self, Vec<Skip>) {
        let options = SweepOptions { threads, whole: true, ..SweepOptions::default() };
        let outcome = sweep(database, &Parents, &options);
        let parents: HashMap<_, _> = outcome
            .found
            .into_iter()
            .filter_map(|found| Some((found.id, found.hits.into_iter().next()?.1)))
            .collect();
        let mut lookup = Lookup::new(repo);
        let mut peeled: HashMap<ObjectId, Option<ObjectId>> = HashMap::new();
        let mut commit = |id: ObjectId| {
            *peeled.entry(id).or_insert_with(|| match parents.contains_key(&id) {
                true => Some(id),
                false => lookup.peel(id).filter(|(kind, _)| *kind == Kind::Commit).map(|(_, id)| id),
            })
        };
        let mut starts = Vec::new();
        for tip in &refs.tips {
            let reach = if tip.kind == TipKind::Pseudo { Reach::Reflog } else { Reach::Ref };
            starts.extend(commit(tip.id).map(|id| (tip.name.clone(), reach, id)));
        }
        for entry in refs.logs.iter().filter(|entry| !entry.new.is_null()) {
            starts.extend(commit(entry.new).map(|id| (entry.name(), Reach::Reflog, id)));
        }
        for entry in refs.logs.iter().filter(|entry| !entry.old.is_null()) {
            if let Some(name) = entry.name_before() {
                starts.extend(commit(entry.old).map(|id| (name, Reach::Reflog, id)));
            }
        }
        (Self { parents, starts }, outcome.skipped)
    }

    /// Commits that nothing leads to, sorted.
    pub fn unreachable(&self) -> Vec<ObjectId> {
        let mut reached: HashSet<ObjectId> = HashSet::new();
        let mut open: Vec<ObjectId> = self.starts.iter().map(|start| start.2).collect();
        while let Some(id) = open.pop() {
            if reached.insert(id) {
                open.extend(self.parents.get(&id).into_iter().flatten());
            }
        }
        let mut rest: Vec<_> = self.parents.keys().filter(|id| !reached.contains(*id)).copied().collect();
        rest.sort();
        rest
    }

    /// What leads to each of `ids`.
    pub fn leading_to(&self, ids: &[ObjectId]) -> Vec<Leading> {
        if ids.is_empty() {
            return Vec::new();
        }
        let mut children: HashMap<ObjectId, Vec<ObjectId>> = HashMap::new();
        for (child, parents) in &self.parents {
            for parent in parents {
                children.entry(*parent).or_default().push(*child);
            }
        }
        ids.iter().map(|id| self.leading(*id, &children)).collect()
    }

    fn leading(&self, target: ObjectId, children: &HashMap<ObjectId, Vec<ObjectId>>) -> Leading {
        let mut heirs: HashSet<ObjectId> = HashSet::new();
        let mut open = vec![target];
        while let Some(id) = open.pop() {
            if heirs.insert(id) {
                open.extend(children.get(&id).into_iter().flatten());
            }
        }
        let mut leading = Leading::default();
        for (name, reach, id) in self.starts.iter().filter(|start| heirs.contains(&start.2)) {
            leading.reach = Some(leading.reach.map_or(*reach, |known| known.min(*reach)));
            match reach {
                Reach::Ref => {
                    leading.refs_in_history.push(name.clone());
                    if *id == target {
                        leading.refs_at_tip.push(name.clone());
                    }
                }
                _ => leading.held_by.push(name.clone()),
            }
        }
        leading.refs_at_tip.sort();
        leading.refs_in_history.sort();
        if leading.reach == Some(Reach::Ref) {
            leading.held_by.clear();
        }
        leading
    }
}

/// Not a search: takes the parents out of every commit.
struct Parents;

impl Searcher for Parents {
    type Hit = Vec<ObjectId>;
    type Scratch = ();

    fn scratch(&self) {}

    fn longest(&self) -> usize {
        0
    }

    fn margin(&self) -> usize {
        0
    }

    fn wants(&self, kind: Kind) -> bool {
        kind == Kind::Commit
    }

    fn search(
        &self,
        _: Kind,
        bytes: &[u8],
        (): &mut (),
        _: &mut dyn FnMut(usize),
        found: &mut dyn FnMut(Range<usize>, Self::Hit),
    ) {
        let parents = bytes
            .split(|&byte| byte == b'\n')
            .take_while(|line| !line.is_empty())
            .filter_map(|line| ObjectId::from_hex(line.strip_prefix(b"parent ")?).ok())
            .collect();
        found(0..0, parents);
    }
}
