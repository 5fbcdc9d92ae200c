//! What attribution keeps of a tree or a commit: for a tree its subtrees and the blobs asked for, for
//! a commit its tree, its parents and its date. All else is forgotten at once.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use gix::ObjectId;
use gix::hash::oid;
use gix::objs::{Kind, TreeRefIter};

use super::super::commit::Header;
use super::super::pack::Entry;
use super::super::pack::delta::{Run, RunSource};
use super::numbers::{Numbered, Numbers};
use super::unfold::{Delta, Visitor};

/// A subtree: which, and under which name.
#[derive(Clone, Copy)]
pub(super) struct Edge {
    pub(super) child: u32,
    pub(super) name: u32,
}

/// A blob that was asked for, and the name it has in a tree.
#[derive(Clone, Copy)]
pub(super) struct Hit {
    pub(super) target: u32,
    pub(super) name: u32,
}

/// A commit, its parents being `parents[start..][..count]` of the same harvest.
#[derive(Clone, Copy)]
pub(super) struct CommitRow {
    pub(super) number: u32,
    pub(super) tree: u32,
    /// Committer's date in seconds since 1970.
    pub(super) time: i64,
    pub(super) start: u32,
    pub(super) count: u32,
}

/// A tree, its subtrees being `edges[start..][..count]` of the same harvest.
#[derive(Clone, Copy)]
pub(super) struct TreeRow {
    pub(super) number: u32,
    pub(super) start: u32,
    pub(super) count: u32,
}

/// What an entry of a tree says that is of interest.
#[derive(Clone, Copy)]
pub(super) enum Said {
    Edge(Edge),
    Hit(Hit),
}

/// Where the entries of a tree stand, and what they say: remembered of a tree for those that are
/// deltas to it.
#[derive(Default)]
pub(super) struct Outline {
    /// Where each entry starts, in bytes.
    starts: Vec<usize>,
    /// Where the last one ends.
    end: usize,
    /// What those entries say that say something, by their place in `starts`.
    said: Vec<(usize, Said)>,
}

impl Outline {
    fn clear(&mut self) {
        self.starts.clear();
        self.said.clear();
        self.end = 0;
    }
}

/// The objects asked for, by id.
pub(super) struct Targets {
    numbers: HashMap<ObjectId, u32>,
    /// A bit for the first 16 bits of each id: almost no entry of a tree is a target, and this says so
    /// without hashing.
    filter: Box<[u64; 1024]>,
}

impl Targets {
    pub(super) fn new<'a>(ids: impl Iterator<Item = &'a ObjectId>) -> Self {
        let mut filter = Box::new([0u64; 1024]);
        let mut numbers = HashMap::new();
        for (number, id) in (0u32..).zip(ids) {
            let bit = leading(id);
            filter[bit / 64] |= 1 << (bit % 64);
            numbers.insert(*id, number);
        }
        Self { numbers, filter }
    }

    /// The target's number.
    pub(super) fn find(&self, id: &oid) -> Option<u32> {
        let bit = leading(id);
        if self.filter[bit / 64] >> (bit % 64) & 1 == 0 {
            return None;
        }
        self.numbers.get(id).copied()
    }
}

fn leading(id: &oid) -> usize {
    let bytes = id.as_bytes();
    usize::from(bytes[0]) << 8 | usize::from(bytes[1])
}

/// Names of tree entries, each distinct one once.
#[derive(Default)]
pub(super) struct Names {
    numbers: HashMap<Box<[u8]>, u32>,
    names: Vec<Box<[u8]>>,
}

impl Names {
    fn number(&mut self, name: &[u8]) -> u32 {
        if let Some(&known) = self.numbers.get(name) {
            return known;
        }
        let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.names.push(name.into());
        self.numbers.insert(name.into(), number);
        number
    }

    pub(super) fn get(&self, number: u32) -> &[u8] {
        self.names.get(number as usize).map_or(&[], |name| name)
    }
}

/// What all threads share.
pub(super) struct Shared<'a> {
    pub(super) numbers: &'a Numbers,
    pub(super) targets: &'a Targets,
    pub(super) names: &'a Mutex<Names>,
    pub(super) hash: gix::hash::Kind,
}

/// An entry seen lately: neighbouring trees have nearly all their subtrees in common.
struct Seen {
    id: ObjectId,
    name: Vec<u8>,
    edge: Edge,
}

const SEEN: usize = 4096;

/// What one thread has gathered.
pub(super) struct Harvest {
    pub(super) edges: Vec<Edge>,
    pub(super) trees: Vec<TreeRow>,
    /// Hits, by the number of the tree.
    pub(super) hits: Vec<(u32, Hit)>,
    pub(super) parents: Vec<u32>,
    pub(super) commits: Vec<CommitRow>,
    /// Numbers of trees and commits whose content makes no sense from some point on.
    pub(super) malformed: Vec<u32>,
    seen: Vec<Option<Seen>>,
}

impl Harvest {
    pub(super) fn new() -> Self {
        Self {
            edges: Vec::new(),
            trees: Vec::new(),
            hits: Vec::new(),
            parents: Vec::new(),
            commits: Vec::new(),
            malformed: Vec::new(),
            seen: Vec::new(),
        }
    }

    /// Gathers a tree. When it is a delta to one whose outline is known, only entries that are not whole
    /// in a run that it copies are looked at: what one says does not depend on where it stands.
    pub(super) fn tree(
        &mut self,
        shared: &Shared<'_>,
        number: u32,
        bytes: &[u8],
        delta: Option<Delta<'_, Outline>>,
        outline: &mut Outline,
    ) {
        outline.clear();
        let start = self.edges.len();
        let (mut at, mut runs) = (0, delta.as_ref().map_or(&[][..], |delta| delta.runs));
        while at < bytes.len() {
            while let [run, rest @ ..] = runs
                && run.end() as usize <= at
            {
                runs = rest;
            }
            if let (Some(delta), Some(run)) = (&delta, runs.first())
                && let Some(end) = self.inherit(number, delta.base, run, at, outline)
            {
                at = end;
                continue;
            }
            let mut rest = TreeRefIter::from_bytes(&bytes[at..], shared.hash);
            let Some(Ok(entry)) = rest.next() else {
                self.malformed.push(number);
                break;
            };
            let said = if entry.mode.is_tree() {
                Some(Said::Edge(self.edge(shared, entry.oid, entry.filename)))
            } else if !entry.mode.is_commit()
                && let Some(target) = shared.targets.find(entry.oid)
            {
                Some(Said::Hit(Hit { target, name: name(shared, entry.filename) }))
            } else {
                None
            };
            outline.starts.push(at);
            if let Some(said) = said {
                outline.said.push((outline.starts.len() - 1, said));
                self.take(number, said);
            }
            at += rest.offset_to_next_entry(&bytes[at..]);
            outline.end = at;
        }
        let (start, count) = span(start, self.edges.len());
        self.trees.push(TreeRow { number, start, count });
    }

    fn take(&mut self, tree: u32, said: Said) {
        match said {
            Said::Edge(edge) => self.edges.push(edge),
            Said::Hit(hit) => self.hits.push((tree, hit)),
        }
    }

    /// If the entry at `at` is one of the base's, whole in `run`, takes it and all that follow in the
    /// run from what is known of the base; returns where they end.
    fn inherit(
        &mut self,
        tree: u32,
        base: &Outline,
        run: &Run,
        at: usize,
        outline: &mut Outline,
    ) -> Option<usize> {
        let RunSource::Base(source) = run.source else { return None };
        let from = source as usize + at.checked_sub(run.at as usize)?;
        let first = base.starts.binary_search(&from).ok()?;
        let limit = source as usize + run.len as usize;
        let last = match base.end <= limit {
            true => base.starts.len(),
            false => base.starts.partition_point(|&start| start <= limit).checked_sub(1)?,
        };
        if last <= first {
            return None;
        }
        let shift = outline.starts.len();
        outline.starts.extend(base.starts[first..last].iter().map(|start| start - from + at));
        let said = base.said.partition_point(|&(nth, _)| nth < first);
        for &(nth, said) in base.said[said..].iter().take_while(|&&(nth, _)| nth < last) {
            outline.said.push((nth - first + shift, said));
            self.take(tree, said);
        }
        outline.end = base.starts.get(last).copied().unwrap_or(base.end) - from + at;
        Some(outline.end)
    }

    fn edge(&mut self, shared: &Shared<'_>, id: &oid, filename: &[u8]) -> Edge {
        if self.seen.is_empty() {
            self.seen.resize_with(SEEN, || None);
        }
        let slot = &mut self.seen[leading(id) % SEEN];
        match slot {
            Some(seen) if *seen.id == *id && seen.name == filename => seen.edge,
            Some(seen) => {
                // A new version of a folder mostly has the name of the old one at hand.
                let same = seen.name == filename;
                let name = if same { seen.edge.name } else { name(shared, filename) };
                seen.edge = Edge { child: shared.numbers.number(id), name };
                seen.id = id.to_owned();
                if !same {
                    seen.name.clear();
                    seen.name.extend_from_slice(filename);
                }
                seen.edge
            }
            None => {
                let edge = Edge { child: shared.numbers.number(id), name: name(shared, filename) };
                *slot = Some(Seen { id: id.to_owned(), name: filename.to_vec(), edge });
                edge
            }
        }
    }

    /// Gathers a commit.
    pub(super) fn commit(&mut self, shared: &Shared<'_>, number: u32, bytes: &[u8]) {
        let header = Header::new(bytes);
        let Some(tree) = header.tree() else {
            self.malformed.push(number);
            return;
        };
        let start = self.parents.len();
        self.parents.extend(header.parents().map(|parent| shared.numbers.number(&parent)));
        let (start, count) = span(start, self.parents.len());
        let tree = shared.numbers.number(&tree);
        self.commits.push(CommitRow { number, tree, time: header.committed(), start, count });
    }
}

fn name(shared: &Shared<'_>, name: &[u8]) -> u32 {
    shared.names.lock().unwrap_or_else(PoisonError::into_inner).number(name)
}

/// Objects are numbered with 32 bits, and what is kept of one is a few rows: this does not overflow
/// before memory does.
fn span(start: usize, end: usize) -> (u32, u32) {
    (u32::try_from(start).unwrap_or(u32::MAX), u32::try_from(end - start).unwrap_or(0))
}

/// A harvest while it is taken from a pack.
pub(super) struct FromPack<'a> {
    pub(super) harvest: Harvest,
    pub(super) shared: &'a Shared<'a>,
    pub(super) numbered: &'a Numbered,
}

impl Visitor for FromPack<'_> {
    type Memory = Outline;

    fn object(
        &mut self,
        entry: Entry,
        kind: Kind,
        bytes: &[u8],
        delta: Option<Delta<'_, Outline>>,
        outline: &mut Outline,
    ) {
        let Numbered { pack, first } = self.numbered;
        let Some(number) = pack.position_of(entry).map(|position| first + position) else { return };
        match kind {
            Kind::Tree => self.harvest.tree(self.shared, number, bytes, delta, outline),
            Kind::Commit => self.harvest.commit(self.shared, number, bytes),
            Kind::Blob | Kind::Tag => {}
        }
    }
}
