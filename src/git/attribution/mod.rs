//! Whose leak is it: from the blobs that hold a secret to the commits, paths and refs.
//!
//! A commit *has* a secret when its tree holds, at any path, a blob that holds it. It *introduces*
//! the secret when it has it and none of its parents does, and *removes* it when it lacks it and a
//! parent has it. That is exact for merges, renames, reverts and several roots, and needs no diff:
//! each tree is read once, the secrets below it are summed up once, and the rest is comparing sets
//! along the parent graph. Replace refs and grafts are not obeyed, since what they hide is still there.
//!
//! Nothing is read when nothing was found.

mod events;
mod forest;
mod harvest;
mod history;
mod numbers;
mod places;
mod sets;
mod unfold;

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};

use gix::ObjectId;
use gix::objs::Kind;

use super::lookup::Gaps;
use super::range::Range;
use super::refs::{Refs, TipKind};
use crate::model::Change;
use forest::Forest;
use history::History;
pub use history::Reach;
pub use places::Place;
use sets::SetId;

#[cfg(test)]
mod odd_tests;
#[cfg(test)]
pub(super) mod tests;

/// What is asked.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// The objects that hold secrets: blobs, or trees in which an entry's name is one; with the
    /// numbers of the secrets in each.
    pub objects: HashMap<ObjectId, Vec<u32>>,
    /// How many secrets there are; they are numbered from 0.
    pub secrets: usize,
}

impl Question {
    /// The objects in a fixed order.
    fn targets(&self) -> Vec<(ObjectId, Vec<u32>)> {
        let mut targets: Vec<_> = self.objects.iter().map(|(id, secrets)| (*id, secrets.clone())).collect();
        targets.sort();
        targets
    }
}

/// What is known about each secret, and what could not be read on the way.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// One for each secret, by number.
    pub trails: Vec<Trail>,
    /// What could not be read; the trails may lack something for it.
    pub gaps: Gaps,
}

/// All that the repository says about one secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trail {
    /// The strongest thing that leads to it. `None`: no commit and no ref does, only its blobs are there.
    pub reach: Option<Reach>,
    /// Commits that introduce it, oldest first, each with the first path that held it. Only those are
    /// looked at to which something as strong as [`Self::reach`] leads.
    pub introduced: Vec<Change>,
    /// Commits that remove it, likewise, with the first path that held it before.
    pub removed: Vec<Change>,
    /// Full names of the refs whose tip has it, sorted.
    pub refs_at_tip: Vec<String>,
    /// Full names of the refs from which a commit that has it can be reached, sorted.
    pub refs_in_history: Vec<String>,
    /// Reflog entries and pseudo refs that lead to it, when no ref does: `refs/heads/main@{3}`.
    pub held_by: Vec<String>,
    /// Where it stands and stood, sorted by path; of all commits, whatever leads to them.
    pub places: Vec<Place>,
    /// Objects asked about that hold it and that no commit's tree names, nor a ref or reflog, sorted.
    pub unnamed: Vec<ObjectId>,
}

impl Trail {
    /// Seconds from its first introduction to its last removal, or to `now` (seconds since 1970) while
    /// it is `present`. `None` when no commit introduced it, or when it just went out of reach.
    pub fn exposed_seconds(&self, present: bool, now: i64) -> Option<u64> {
        let first = self.introduced.iter().map(|change| change.seconds).min()?;
        let last = self.removed.iter().map(|change| change.seconds).max();
        let end = if present { now } else { last? };
        Some(u64::try_from(end.saturating_sub(first)).unwrap_or(0))
    }
}

/// Answers `question` about `repo`, whose refs and reflogs are `refs`; `unreachable` are commits (or
/// tags, or trees) that exist but that nothing leads to, as far as they are known.
///
/// Uses up to `threads` threads.
pub fn attribute(
    repo: &gix::Repository,
    refs: &Refs,
    unreachable: &[ObjectId],
    question: &Question,
    threads: usize,
) -> Answer {
    attribute_until(repo, refs, unreachable, question, threads, &NEVER)
}

/// The same until `stop` is set; what is answered then says nothing.
pub fn attribute_until(
    repo: &gix::Repository,
    refs: &Refs,
    unreachable: &[ObjectId],
    question: &Question,
    threads: usize,
    stop: &AtomicBool,
) -> Answer {
    answer(repo, refs, unreachable, question, Reading::Packs { threads, stop })
}

/// Of those whom nobody stops.
static NEVER: AtomicBool = AtomicBool::new(false);

/// How trees and commits are read.
#[derive(Clone, Copy)]
enum Reading<'s> {
    /// All that packs have, in pack order, then by id.
    Packs { threads: usize, stop: &'s AtomicBool },
    /// Each by id.
    #[cfg(test)]
    ById,
}

fn answer(
    repo: &gix::Repository,
    refs: &Refs,
    unreachable: &[ObjectId],
    question: &Question,
    reading: Reading<'_>,
) -> Answer {
    if question.objects.is_empty() || question.secrets == 0 {
        return Answer { trails: vec![Trail::default(); question.secrets], gaps: Gaps::default() };
    }
    let targets = question.targets();
    let mut forest = Forest::new(repo, &targets, question.secrets);
    match reading {
        Reading::Packs { threads, stop } => {
            forest.harvest_packs(threads, stop);
            if stop.load(Ordering::Relaxed) {
                return Answer { trails: vec![Trail::default(); question.secrets], gaps: Gaps::default() };
            }
        }
        #[cfg(test)]
        Reading::ById => {}
    }
    let starts = Starts::new(repo, &mut forest, refs, unreachable);
    let history = History::walk(&mut forest, &starts.commits());
    for start in &starts.0 {
        if let Some(tree) = start.tree {
            forest.holds(tree);
        }
    }
    let reach = starts.strongest(&forest, &history, question.secrets);
    let events = events::find(&mut forest, &history, &reach);
    let mut trails: Vec<Trail> = reach
        .iter()
        .zip(events)
        .map(|(&reach, events)| Trail {
            reach,
            introduced: events.introduced,
            removed: events.removed,
            ..Trail::default()
        })
        .collect();
    starts.name_refs(&forest, &history, &mut trails);
    let trees: Vec<u32> = starts.0.iter().filter_map(|start| start.tree).collect();
    let mut search = places::Search::run(&forest, &history, &trees, Reach::Unreachable);
    search.add_alone(&forest, starts.0.iter().filter_map(|start| start.blob));
    let (places, unnamed) = search.finish(&mut forest, &targets, question.secrets);
    for (trail, places) in trails.iter_mut().zip(places) {
        trail.places = places;
    }
    for target in unnamed {
        let (id, secrets) = &targets[target as usize];
        for secret in secrets.iter().collect::<BTreeSet<_>>() {
            if let Some(trail) = trails.get_mut(*secret as usize) {
                trail.unnamed.push(*id);
            }
        }
    }
    Answer { trails, gaps: std::mem::take(forest.gaps()) }
}

/// What a report says about the commit `id`, whose bytes are `object`, when it holds a secret itself.
pub fn change_of(id: &ObjectId, object: &[u8]) -> Change {
    super::commit::Header::new(object).change(id, None)
}

/// Tells which secrets the commits of `range` introduced and removed, and where: a key that came and
/// went within it counts, an old one in a file that it touched does not.
///
/// `question` must name every object that holds one of the secrets, among the range's
/// [`candidates`](super::range::candidates) and [`outside`](super::range::outside) of it; an old key
/// is taken for a new one otherwise. Of the trails, `introduced`, `removed` and `places` are filled,
/// with the range's commits only. What is answered after `stop` was set says nothing.
pub fn attribute_range(
    repo: &gix::Repository,
    range: &Range,
    question: &Question,
    threads: usize,
    stop: &AtomicBool,
) -> Answer {
    /// From so many commits on, reading whole packs is quicker than each of their trees by id.
    const MANY: usize = 2000;
    if question.objects.is_empty() || question.secrets == 0 {
        return Answer { trails: vec![Trail::default(); question.secrets], gaps: Gaps::default() };
    }
    let targets = question.targets();
    let mut forest = Forest::new(repo, &targets, question.secrets);
    if range.commits.len() >= MANY {
        forest.harvest_packs(threads, stop);
    }
    let commits: Vec<u32> = range.commits.iter().map(|commit| forest.numbers.number(&commit.id)).collect();
    let history = History::within(&mut forest, &commits);
    let inside = vec![Some(Reach::Ref); question.secrets];
    let events = events::find(&mut forest, &history, &inside);
    let search = places::Search::run(&forest, &history, &[], Reach::Ref);
    let (places, _) = search.finish(&mut forest, &targets, question.secrets);
    let trails = events.into_iter().zip(places).map(|(events, places)| Trail {
        introduced: events.introduced,
        removed: events.removed,
        places,
        ..Trail::default()
    });
    Answer { trails: trails.collect(), gaps: std::mem::take(forest.gaps()) }
}

/// Something that leads to objects, and to which.
struct Start {
    /// What a report calls it; nothing for an object that nothing leads to.
    name: Option<String>,
    reach: Reach,
    commit: Option<u32>,
    tree: Option<u32>,
    /// A blob that was asked for.
    blob: Option<u32>,
}

impl Start {
    /// The secrets in the tree or blob that it leads to, when that is no commit.
    fn holds(&self, forest: &Forest) -> SetId {
        match (self.tree, self.blob) {
            (Some(tree), _) => forest.known(tree),
            (None, Some(target)) => forest.target_sets[target as usize],
            (None, None) => SetId::EMPTY,
        }
    }
}

struct Starts(Vec<Start>);

impl Starts {
    fn new(repo: &gix::Repository, forest: &mut Forest, refs: &Refs, unreachable: &[ObjectId]) -> Self {
        let mut starts = Vec::new();
        let mut met = HashMap::new();
        let mut add = |name: Option<String>, reach: Reach, id: ObjectId| {
            if !id.is_null() {
                let peeled = *met.entry(id).or_insert_with(|| resolve(forest, id));
                starts.extend(peeled.map(|(commit, tree, blob)| Start { name, reach, commit, tree, blob }));
            }
        };
        for tip in &refs.tips {
            let reach = if tip.kind == TipKind::Pseudo { Reach::Reflog } else { Reach::Ref };
            if tip.kind == TipKind::Pseudo && !repo.has_object(tip.id) {
                // These keep nothing alive: what `ORIG_HEAD` names may be long pruned.
                continue;
            }
            add(Some(tip.name.clone()), reach, tip.id);
        }
        for entry in &refs.logs {
            add(Some(entry.name()), Reach::Reflog, entry.new);
            if let Some(name) = entry.name_before() {
                add(Some(name), Reach::Reflog, entry.old);
            }
        }
        for &id in unreachable {
            add(None, Reach::Unreachable, id);
        }
        Self(starts)
    }

    fn commits(&self) -> Vec<(u32, Reach)> {
        self.0.iter().filter_map(|start| Some((start.commit?, start.reach))).collect()
    }

    /// The strongest thing that leads to each secret.
    fn strongest(&self, forest: &Forest, history: &History, secrets: usize) -> Vec<Option<Reach>> {
        let mut strongest: Vec<Option<Reach>> = vec![None; secrets];
        let mut sets: Vec<(SetId, Reach)> = history.nodes.iter().map(|node| (node.has, node.reach)).collect();
        sets.extend(
            self.0
                .iter()
                .filter(|start| start.commit.is_none())
                .map(|start| (start.holds(forest), start.reach)),
        );
        sets.sort_unstable();
        sets.dedup();
        for (set, reach) in sets {
            for secret in forest.sets.members(set) {
                let strongest = &mut strongest[secret as usize];
                *strongest = Some(strongest.map_or(reach, |known| known.min(reach)));
            }
        }
        strongest
    }

    /// Tells each secret which refs, or else which reflog entries, lead to it.
    fn name_refs(&self, forest: &Forest, history: &History, trails: &mut [Trail]) {
        for start in &self.0 {
            let Some(name) = &start.name else { continue };
            let (at_tip, in_history) = match start.commit.and_then(|commit| history.node(commit)) {
                Some(node) => (node.has, node.leads_to),
                None => {
                    let set = start.holds(forest);
                    (set, set)
                }
            };
            for secret in forest.sets.members(in_history) {
                let trail = &mut trails[secret as usize];
                match start.reach {
                    Reach::Ref => {
                        trail.refs_in_history.push(name.clone());
                        if forest.sets.holds(at_tip, secret) {
                            trail.refs_at_tip.push(name.clone());
                        }
                    }
                    _ if trail.reach != Some(Reach::Ref) => trail.held_by.push(name.clone()),
                    _ => {}
                }
            }
        }
        for trail in trails {
            trail.refs_at_tip.sort();
            trail.refs_in_history.sort();
        }
    }
}

/// What an id that a ref names stands for: a commit, a tree by itself, or a blob that was asked for.
fn resolve(forest: &mut Forest, id: ObjectId) -> Option<(Option<u32>, Option<u32>, Option<u32>)> {
    let number = forest.numbers.number(&id);
    if forest.knows_commit(number) {
        return Some((Some(number), None, None));
    }
    let (kind, id) = forest.peel(id)?;
    let number = forest.numbers.number(&id);
    Some(match kind {
        Kind::Commit => (Some(number), None, None),
        Kind::Tree => (None, Some(number), None),
        Kind::Blob | Kind::Tag => (None, None, forest.target(&id)),
    })
}
