//! One thread of a sweep: follows delta chains depth first, with buffers that it keeps.

use std::collections::HashSet;
use std::io::Read;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use gix::ObjectId;
use gix::object::Kind;

use super::inherit::{Region, Shape};
use super::outcome::Counts;
use super::plan::{Item, PackPlan};
use super::queue::{Branch, Node, Queue, Work};
use super::store::Store;
use super::stream::{self, keep};
use super::{Hits, Searcher, SweepOptions};
use crate::git::inflate::{InflateError, Inflater, grow};
use crate::git::loose::{self, Loose, LooseError, LooseStream};
use crate::git::pack::delta::{self, Run};
use crate::git::pack::entry::Content;
use crate::git::pack::{Entry, Pack};

/// What all threads of a sweep see.
pub(super) struct Shared<'a, S: Searcher> {
    pub(super) searcher: &'a S,
    pub(super) options: &'a SweepOptions<'a>,
    pub(super) store: &'a Store,
    /// One for each pack of the store; nothing for those swept before.
    pub(super) plans: &'a [Option<PackPlan>],
    pub(super) items: &'a [Item],
    pub(super) queue: Queue<S::Hit>,
}

/// Where an object stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Place {
    /// In the pack of that number.
    Packed(usize, Entry),
    /// In a file of its own.
    Loose(ObjectId),
}

/// An object with matches.
pub(super) struct Located<H> {
    pub(super) place: Place,
    pub(super) kind: Kind,
    pub(super) size: u64,
    pub(super) hits: Hits<H>,
    /// Whether there are more matches than are kept.
    pub(super) overfull: bool,
}

/// An object that could not be searched.
pub(super) struct Failure {
    pub(super) place: Place,
    pub(super) reason: Arc<str>,
    /// Whether the reason lies in this entry, not in one it hangs on.
    pub(super) direct: bool,
    /// Whether it was there a moment before.
    pub(super) vanished: bool,
}

/// What one thread, or all of them, brought together.
pub(super) struct Collected<H> {
    pub(super) located: Vec<Located<H>>,
    pub(super) failures: Vec<Failure>,
    pub(super) counts: Counts,
    pub(super) searched: u64,
}

impl<H> Default for Collected<H> {
    fn default() -> Self {
        Self { located: Vec::new(), failures: Vec::new(), counts: Counts::default(), searched: 0 }
    }
}

impl<H> Collected<H> {
    pub(super) fn merge(&mut self, other: Self) {
        self.located.extend(other.located);
        self.failures.extend(other.failures);
        self.counts.merge(&other.counts);
        self.searched += other.searched;
    }

    /// Notes that `entry` could not be read, nor therefore what hangs on it.
    pub(super) fn fail(&mut self, pack: usize, plan: &PackPlan, entry: Entry, reason: &str) {
        self.fail_alone(pack, plan, entry, reason.into(), true);
        self.fail_children(pack, plan, entry, reason);
    }

    /// Notes that nothing that hangs on `entry` can be read.
    pub(super) fn fail_children(&mut self, pack: usize, plan: &PackPlan, entry: Entry, reason: &str) {
        let family = plan.tree.family(entry);
        if family.len() > 1 {
            let reason: Arc<str> = format!("an object in its delta chain cannot be read: {reason}").into();
            for child in &family[1..] {
                self.fail_alone(pack, plan, *child, Arc::clone(&reason), false);
            }
        }
    }

    pub(super) fn fail_alone(
        &mut self,
        pack: usize,
        plan: &PackPlan,
        entry: Entry,
        reason: Arc<str>,
        direct: bool,
    ) {
        if plan.is_wanted(entry) {
            self.failures.push(Failure {
                place: Place::Packed(pack, entry),
                reason,
                direct,
                vanished: false,
            });
        }
    }
}

/// An assembled object and the children that are still to come.
struct Frame<H> {
    node: Arc<Node<H>>,
    children: Range<u32>,
}

/// One thread.
pub(super) struct Worker<'a, S: Searcher> {
    shared: &'a Shared<'a, S>,
    margin: u64,
    /// How far from a changed byte a match, with all it depends on, can reach.
    reach: u32,
    scratch: S::Scratch,
    inflater: Inflater,
    /// Buffers for assembled objects, not in use.
    free: Vec<Vec<u8>>,
    /// Bytes in them.
    free_bytes: usize,
    delta: Vec<u8>,
    runs: Vec<Run>,
    regions: Vec<Region>,
    gathered: Vec<u8>,
    hits: Hits<S::Hit>,
    collected: Collected<S::Hit>,
    /// Objects and bytes not yet told to the progress.
    untold: (u64, u64),
}

/// Bytes of unused buffers that a thread keeps.
const MOST_FREE: usize = 24 << 20;

/// Runs and regions beyond which their lists are given back.
const MOST_KEPT: usize = 1 << 16;

impl<'a, S: Searcher> Worker<'a, S> {
    pub(super) fn new(shared: &'a Shared<'a, S>) -> Self {
        let (longest, margin) = (shared.searcher.longest(), shared.searcher.margin());
        Self {
            shared,
            margin: margin as u64,
            reach: u32::try_from(longest + 2 * margin).unwrap_or(u32::MAX),
            scratch: shared.searcher.scratch(),
            inflater: Inflater::new(),
            free: Vec::new(),
            free_bytes: 0,
            delta: Vec::new(),
            runs: Vec::new(),
            regions: Vec::new(),
            gathered: Vec::new(),
            hits: Vec::new(),
            collected: Collected::default(),
            untold: (0, 0),
        }
    }

    /// Works until nothing is left.
    pub(super) fn run(mut self) -> Collected<S::Hit> {
        let shared = self.shared;
        // If this thread panics, the others must not wait for it.
        let guard = AbandonOnPanic(&shared.queue);
        while let Some(work) = shared.queue.take() {
            match work {
                Work::Branch(branch) => {
                    self.descend(branch.pack, Frame { node: branch.node, children: branch.children });
                }
                Work::Items(items) => {
                    for item in &shared.items[items] {
                        if self.is_cancelled() {
                            break;
                        }
                        self.item(item);
                    }
                }
            }
            self.tell();
            if self.is_cancelled() {
                shared.queue.abandon();
                break;
            }
        }
        drop(guard);
        self.collected
    }

    fn is_cancelled(&self) -> bool {
        self.shared.options.cancel.is_some_and(|cancel| cancel.load(Ordering::Relaxed))
    }

    fn tell(&mut self) {
        let (objects, bytes) = std::mem::take(&mut self.untold);
        if let Some(progress) = self.shared.options.progress {
            progress.done.fetch_add(objects, Ordering::Relaxed);
            progress.bytes.fetch_add(bytes, Ordering::Relaxed);
        }
    }

    fn item(&mut self, item: &Item) {
        match *item {
            Item::Root(pack, entry) => {
                let (pack, found) = (pack as usize, self.root(pack as usize, entry));
                self.go_on(pack, entry, found);
            }
            Item::Stray(pack, entry, base) => self.stray(pack as usize, entry, base),
            Item::Loose(at) => self.loose(at as usize),
        }
    }

    /// Follows what hangs on an entry that was just read, or notes why nothing can.
    fn go_on(&mut self, pack: usize, entry: Entry, found: Result<Option<Node<S::Hit>>, String>) {
        let Some(plan) = self.plan(pack) else { return };
        match found {
            Ok(None) => {}
            Ok(Some(node)) => {
                self.descend(pack, Frame { node: Arc::new(node), children: plan.tree.children(entry) });
            }
            Err(reason) => self.collected.fail(pack, plan, entry, &reason),
        }
    }

    fn plan(&self, pack: usize) -> Option<&'a PackPlan> {
        self.shared.plans.get(pack).and_then(Option::as_ref)
    }

    fn pack(&self, pack: usize) -> &'a Pack {
        &self.shared.store.packs[pack]
    }

    /// Searches all that hangs on an assembled object. A base is given up with its last child.
    fn descend(&mut self, pack: usize, first: Frame<S::Hit>) {
        let Some(plan) = self.plan(pack) else { return };
        let mut stack = vec![first];
        while let Some(top) = stack.last_mut() {
            let Some(place) = top.children.next() else {
                if let Some(frame) = stack.pop() {
                    self.give_back(frame.node);
                }
                continue;
            };
            let base = if top.children.is_empty() {
                stack.pop().map(|frame| frame.node)
            } else {
                Some(Arc::clone(&top.node))
            };
            let Some(base) = base else { break };
            let entry = plan.tree.child(place);
            if plan.tree.weight(entry) != 0 {
                match self.child(pack, plan, entry, &base) {
                    Ok(None) => {}
                    Ok(Some(node)) => {
                        stack.push(Frame { node: Arc::new(node), children: plan.tree.children(entry) });
                    }
                    Err(reason) => self.collected.fail(pack, plan, entry, &reason),
                }
            }
            self.give_back(base);
            if self.shared.queue.is_hungry() {
                self.share(pack, &mut stack);
            }
            if self.is_cancelled() {
                return;
            }
        }
    }

    /// Hands over the part of this thread's tree that is nearest to the root.
    fn share(&mut self, pack: usize, stack: &mut Vec<Frame<S::Hit>>) {
        let Some(at) = stack.iter().position(|frame| !frame.children.is_empty()) else { return };
        let is_top = at + 1 == stack.len();
        let frame = &mut stack[at];
        let middle = frame.children.start + (frame.children.len() / 2) as u32;
        if !is_top {
            let frame = stack.remove(at);
            self.shared.queue.give(Branch { pack, node: frame.node, children: frame.children });
        } else if middle > frame.children.start {
            let children = middle..frame.children.end;
            frame.children.end = middle;
            self.shared.queue.give(Branch { pack, node: Arc::clone(&frame.node), children });
        }
    }

    /// Searches an object that is no delta. It is returned if something hangs on it.
    fn root(&mut self, pack: usize, entry: Entry) -> Result<Option<Node<S::Hit>>, String> {
        let Some(plan) = self.plan(pack) else { return Ok(None) };
        let held = self.pack(pack);
        let (header, deflated) = held.header(entry).map_err(|error| error.to_string())?;
        let Content::Whole(kind) = header.content else { return Err("it is no whole object".to_owned()) };
        if !self.shared.searcher.wants(kind) {
            return Ok(None);
        }
        let (size, is_base) = (header.size, plan.is_base(entry));
        if size > self.shared.options.max_assembled || (size > self.shared.options.stream_above && !is_base) {
            self.streamed(Place::Packed(pack, entry), kind, size, &mut Store::stream(deflated))?;
            if is_base {
                let reason = InflateError::TooLarge(size).to_string();
                self.collected.fail_children(pack, plan, entry, &reason);
            }
            return Ok(None);
        }
        let len = usize::try_from(size).map_err(|_| InflateError::TooLarge(size).to_string())?;
        let mut buffer = self.buffer(len);
        let inflated = self.inflater.whole(deflated, held.extent(entry), len, &mut buffer);
        if let Err(error) = inflated {
            self.keep_buffer(buffer);
            return Err(error.to_string());
        }
        let node = self.whole(kind, buffer, len);
        Ok(self.settle(pack, plan, entry, node))
    }

    /// Searches an object from end to end.
    fn whole(&mut self, kind: Kind, buffer: Vec<u8>, len: usize) -> Node<S::Hit> {
        let mut overfull = false;
        let hits = &mut self.hits;
        self.shared.searcher.search(kind, &buffer[..len], &mut self.scratch, &mut |range, hit| {
            overfull |= keep(hits, range.start as u64..range.end as u64, hit);
        });
        self.collected.searched += len as u64;
        sort(hits);
        Node { kind, buffer, len, hits: std::mem::take(hits), overfull }
    }

    /// Records a searched object; returns it if it is a base.
    fn settle(
        &mut self,
        pack: usize,
        plan: &PackPlan,
        entry: Entry,
        mut node: Node<S::Hit>,
    ) -> Option<Node<S::Hit>> {
        let is_base = plan.is_base(entry);
        if plan.is_wanted(entry) {
            let hits = if is_base { node.hits.clone() } else { std::mem::take(&mut node.hits) };
            self.record(Place::Packed(pack, entry), node.kind, node.len as u64, hits, node.overfull);
        }
        if is_base {
            return Some(node);
        }
        self.keep_buffer(node.buffer);
        None
    }

    /// Records one object as searched.
    fn record(&mut self, place: Place, kind: Kind, size: u64, hits: Hits<S::Hit>, overfull: bool) {
        self.collected.counts.add(kind, size);
        self.untold.0 += 1;
        self.untold.1 += size;
        if !hits.is_empty() {
            self.collected.located.push(Located { place, kind, size, hits, overfull });
        }
    }

    /// Searches a delta. The object is returned, assembled, if something hangs on it.
    fn child(
        &mut self,
        pack: usize,
        plan: &PackPlan,
        entry: Entry,
        base: &Node<S::Hit>,
    ) -> Result<Option<Node<S::Hit>>, String> {
        let held = self.pack(pack);
        let limit = self.shared.options.max_assembled;
        let (header, deflated) = held.header(entry).map_err(|error| error.to_string())?;
        let delta_len = usize::try_from(header.size)
            .ok()
            .filter(|_| header.size <= limit)
            .ok_or_else(|| InflateError::TooLarge(header.size).to_string())?;
        self.inflater
            .whole(deflated, held.extent(entry), delta_len, &mut self.delta)
            .map_err(|error| error.to_string())?;
        let len = delta::parse(&self.delta[..delta_len], base.len, limit, &mut self.runs)
            .map_err(|error| error.to_string())?;
        let (buffer, overfull) = if plan.is_base(entry) || self.shared.options.whole {
            let mut buffer = self.buffer(len);
            delta::assemble(&self.runs, base.bytes(), &self.delta[..delta_len], &mut buffer[..len]);
            let overfull = self.search_delta(base, delta_len, len, Some(&buffer[..len]));
            (buffer, overfull)
        } else {
            (Vec::new(), self.search_delta(base, delta_len, len, None))
        };
        let hits = std::mem::take(&mut self.hits);
        self.trim();
        let node = Node { kind: base.kind, buffer, len, hits, overfull: overfull || base.overfull };
        Ok(self.settle(pack, plan, entry, node))
    }

    /// Fills `hits` with those of the delta that was just read; `assembled` is its result, if it was made.
    /// Tells whether there are too many.
    fn search_delta(
        &mut self,
        base: &Node<S::Hit>,
        delta_len: usize,
        len: usize,
        assembled: Option<&[u8]>,
    ) -> bool {
        let Self { runs, regions, gathered, hits, scratch, delta, .. } = self;
        let (margin, searcher) = (self.margin, self.shared.searcher);
        let shape = Shape { runs, base_len: base.len as u32, result_len: len as u32 };
        if self.shared.options.whole {
            regions.clear();
            regions.push((0, len as u32));
        } else {
            shape.changed(self.reach, regions);
        }
        let all = (0, len as u32);
        let inherits = *regions != [all];
        let (mut overfull, mut first) = (false, 0);
        for &(start, end) in regions.iter() {
            let bytes = match assembled {
                Some(bytes) => &bytes[start as usize..end as usize],
                None => {
                    first = delta::gather(
                        runs,
                        (start, end),
                        first,
                        (base.bytes(), &delta[..delta_len]),
                        gathered,
                    );
                    &gathered[..]
                }
            };
            self.collected.searched += bytes.len() as u64;
            searcher.search(base.kind, bytes, scratch, &mut |range, hit| {
                let shift = u64::from(start);
                let range = shift + range.start as u64..shift + range.end as u64;
                let cut = (start != 0 && range.start < shift + margin)
                    || ((end as usize) < len && range.end + margin > u64::from(end));
                if !inherits || !(cut || shape.is_inherited(&range, margin)) {
                    overfull |= keep(hits, range, hit);
                }
            });
        }
        if inherits {
            overfull |= shape.inherit(&base.hits, margin, hits);
        }
        sort(hits);
        overfull
    }

    /// Searches a delta whose base is not in its pack.
    fn stray(&mut self, pack: usize, entry: Entry, base: ObjectId) {
        let Some(plan) = self.plan(pack) else { return };
        let limit = self.shared.options.max_assembled;
        match self.shared.store.read(&base, limit, &mut self.inflater, &mut HashSet::new()) {
            Ok((kind, bytes)) if self.shared.searcher.wants(kind) => {
                let len = bytes.len();
                let base = self.whole(kind, bytes, len);
                let found = self.child(pack, plan, entry, &base);
                self.go_on(pack, entry, found);
            }
            Ok(_) => {}
            Err(reason) => {
                self.collected.fail(pack, plan, entry, &format!("its delta base {base}: {reason}"))
            }
        }
    }

    /// Searches a loose object.
    fn loose(&mut self, at: usize) {
        let listing = &self.shared.store.listing;
        let Some((id, path)) =
            listing.loose.get(at).and_then(|(id, dir)| Some((*id, listing.loose_path(id, *dir)?)))
        else {
            return;
        };
        if let Err(error) = self.loose_file(id, &path) {
            self.collected.failures.push(Failure {
                place: Place::Loose(id),
                reason: format!("{}: {error}", path.display()).into(),
                direct: true,
                vanished: matches!(error, LooseError::Vanished),
            });
        }
    }

    fn loose_file(&mut self, id: ObjectId, path: &Path) -> Result<(), LooseError> {
        let mut buffer = self.buffer(0);
        let large = self.shared.options.stream_above;
        let read = loose::read(path, large, &mut self.inflater, &mut self.delta, &mut buffer);
        let outcome = match read {
            Ok(Loose::Whole { kind, .. }) if !self.shared.searcher.wants(kind) => Ok(()),
            Ok(Loose::Whole { kind, start, size }) => {
                let (hits, searcher) = (&mut self.hits, self.shared.searcher);
                let mut overfull = false;
                searcher.search(kind, &buffer[start..start + size], &mut self.scratch, &mut |range, hit| {
                    overfull |= keep(hits, range.start as u64..range.end as u64, hit);
                });
                self.collected.searched += size as u64;
                sort(hits);
                let hits = std::mem::take(hits);
                self.record(Place::Loose(id), kind, size as u64, hits, overfull);
                Ok(())
            }
            Ok(Loose::Large) => LooseStream::open(path).and_then(|mut object| {
                let (kind, size) = (object.kind, object.size);
                if !self.shared.searcher.wants(kind) {
                    return Ok(());
                }
                self.streamed(Place::Loose(id), kind, size, &mut object).map_err(LooseError::Stream)
            }),
            Err(error) => Err(error),
        };
        self.keep_buffer(buffer);
        self.trim();
        outcome
    }

    /// Searches an object piece by piece. What was found before an error is kept.
    fn streamed(&mut self, place: Place, kind: Kind, size: u64, input: &mut dyn Read) -> Result<(), String> {
        let (hits, mut overfull) = (&mut self.hits, false);
        let searched =
            stream::search(self.shared.searcher, &mut self.scratch, kind, size, input, |range, hit| {
                overfull |= keep(hits, range, hit);
            });
        sort(hits);
        let hits = std::mem::take(hits);
        match searched {
            Ok(searched) => {
                self.collected.searched += searched;
                self.record(place, kind, size, hits, overfull);
                Ok(())
            }
            Err(reason) => {
                if !hits.is_empty() {
                    self.collected.located.push(Located { place, kind, size, hits, overfull });
                }
                Err(reason)
            }
        }
    }

    /// A buffer of at least `len` bytes.
    fn buffer(&mut self, len: usize) -> Vec<u8> {
        let mut buffer = self.free.pop().unwrap_or_default();
        self.free_bytes -= buffer.len();
        grow(&mut buffer, len);
        buffer
    }

    fn keep_buffer(&mut self, buffer: Vec<u8>) {
        if !buffer.is_empty() && self.free_bytes + buffer.len() <= MOST_FREE {
            self.free_bytes += buffer.len();
            self.free.push(buffer);
        }
    }

    /// Takes the buffer of a base back, if no other thread uses it.
    fn give_back(&mut self, node: Arc<Node<S::Hit>>) {
        if let Some(node) = Arc::into_inner(node) {
            self.keep_buffer(node.buffer);
        }
    }

    /// Gives back what one huge object made grow.
    fn trim(&mut self) {
        if self.delta.len() > MOST_FREE {
            self.delta = Vec::new();
        }
        if self.gathered.capacity() > MOST_FREE {
            self.gathered = Vec::new();
        }
        if self.runs.capacity() > MOST_KEPT {
            self.runs = Vec::new();
        }
        if self.regions.capacity() > MOST_KEPT {
            self.regions = Vec::new();
        }
    }
}

/// Sorts by start, then by end; matches at the same place stay in the order in which they were found.
fn sort<H>(hits: &mut Hits<H>) {
    hits.sort_by_key(|(range, _)| (range.start, range.end));
}

/// Sends the other threads home when this one panics.
struct AbandonOnPanic<'a, H>(&'a Queue<H>);

impl<H> Drop for AbandonOnPanic<'_, H> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.abandon();
        }
    }
}
