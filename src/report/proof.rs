//! Writes the result of `friskey prove` for a terminal.

use std::io::{self, Write};

use super::humanize::{count, thousands};
use super::{Style, escape};
use crate::model::{
    CloneKind, CloneProof, ProofStatus, RefKind, RetainingRef, Skip, SoughtKey, UnprovenFile,
};

/// How many places, refs and reasons are listed without `-v`.
const DEFAULT_LISTED: usize = 10;

/// Writes what is still there, which refs reach it, what could not be checked, the next steps, and the outcome.
///
/// # Errors
/// Only what `out` itself reports.
pub fn write_proof(proof: &CloneProof, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    for key in proof.keys.iter().filter(|key| key.found) {
        write_key(key, style, out)?;
    }
    write_old_objects(proof, style, out)?;
    write_refs(proof, style, out)?;
    let listed_len = listed_count(proof.not_seen.len(), style);
    for skip in proof.not_seen.iter().take(listed_len) {
        writeln!(out, "not seen: {}: {}", escape::line(&skip.what), escape::line(&skip.reason))?;
    }
    write_rest(proof.not_seen.len() - listed_len, out)?;
    for file in proof.unsearched.iter().filter(|file| file.carried_over).take(listed_len) {
        let path = file.path.as_deref().unwrap_or("without a path");
        let path = escape::line(path);
        writeln!(out, "carried over unsearched by the purge: {path} (blob {})", escape::line(&file.object))?;
    }
    if proof.other_keys > 0 {
        let keys = count(proof.other_keys, "other key");
        writeln!(
            out,
            "also in this clone: {keys}, which the purge did not remove; `friskey history` lists them"
        )?;
    }
    for left_out in &proof.left_out {
        writeln!(out, "left out: {}", escape::line(left_out))?;
    }
    write_steps(proof, out)?;
    writeln!(out, "no clone can prove anything about:")?;
    for limitation in &proof.not_provable {
        writeln!(out, "  - {limitation}")?;
    }
    writeln!(out, "searched {}", search_extent(proof))?;
    let (on, off) = if style.color { (color_code(proof.status), "\x1b[0m") } else { ("", "") };
    writeln!(out, "{on}{}{off}", outcome(proof))
}

fn listed_count(total: usize, style: &Style) -> usize {
    if style.verbose || total <= DEFAULT_LISTED + 1 { total } else { DEFAULT_LISTED }
}

fn write_rest(rest: usize, out: &mut dyn Write) -> io::Result<()> {
    if rest > 0 {
        writeln!(out, "  and {} more (-v and --format json list them)", thousands(rest as u64))?;
    }
    Ok(())
}

fn write_key(key: &SoughtKey, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let status = key.status.map(|status| format!(", {status}")).unwrap_or_default();
    writeln!(
        out,
        "still there: {} ({}, fingerprint {:.16}{status})",
        escape::line(&key.redacted),
        escape::line(&key.rule),
        key.fingerprint.to_string(),
    )?;
    let listed_len = listed_count(key.places.len(), style);
    for place in &key.places[..listed_len] {
        writeln!(out, "  in {}", escape::line(place))?;
    }
    write_rest(key.places.len() - listed_len, out)
}

fn write_old_objects(proof: &CloneProof, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let old = &proof.old_objects;
    if old.present == 0 {
        return Ok(());
    }
    let sought = thousands(old.sought);
    let objects = if old.sought == 1 { "object" } else { "objects" };
    writeln!(out, "still there: {} of {sought} {objects} that the purge rewrote", thousands(old.present))?;
    let listed_len = if style.verbose { old.found.len() } else { 0 };
    for object in &old.found[..listed_len] {
        writeln!(out, "  {} {}", object.kind, object.id)?;
    }
    Ok(())
}

fn write_refs(proof: &CloneProof, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    for kind in ref_kinds(proof) {
        let refs: Vec<&RetainingRef> =
            proof.refs.iter().filter(|retaining_ref| retaining_ref.kind == kind).collect();
        writeln!(out, "{}:", heading(kind, refs.len() as u64))?;
        let listed_len = listed_count(refs.len(), style);
        for retaining_ref in &refs[..listed_len] {
            writeln!(
                out,
                "  {}{}",
                escape::line(&retaining_ref.name),
                parenthesized_targets(retaining_ref, proof)
            )?;
        }
        write_rest(refs.len() - listed_len, out)?;
    }
    if proof.status == ProofStatus::StillThere && proof.refs.is_empty() && proof.old_objects.present > 0 {
        writeln!(out, "no ref leads there: the objects are left over in this clone")?;
    }
    Ok(())
}

/// The kinds of refs that reach purged objects, each once, in order.
fn ref_kinds(proof: &CloneProof) -> Vec<RefKind> {
    let mut kinds: Vec<RefKind> = proof.refs.iter().map(|retaining_ref| retaining_ref.kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

fn heading(kind: RefKind, refs: u64) -> String {
    let singular = match kind {
        RefKind::PullRequest => "ref of a pull request",
        RefKind::MergeRequest => "ref of a merge request",
        RefKind::KeepAround => "ref that GitLab keeps for its pages",
        RefKind::Change => "ref of a Gerrit change",
        RefKind::Branch => "branch",
        RefKind::Tag => "tag",
        RefKind::Other => "other ref",
        RefKind::Local => "local ref of this clone",
    };
    match refs {
        1 => format!("1 {singular} reaches purged objects"),
        _ => format!("{} {} reach purged objects", thousands(refs), plural_of_noun(singular)),
    }
}

/// The plural of a kind of ref. Its first noun gets an `s`.
fn plural_of_noun(singular: &str) -> String {
    match singular {
        "branch" => "branches".to_owned(),
        "other ref" => "other refs".to_owned(),
        "tag" => "tags".to_owned(),
        _ => singular.replacen("ref ", "refs ", 1),
    }
}

/// ` (sk-proj-…x9KA, old object 0123456789)`: what a ref leads to; empty if that is not known.
fn parenthesized_targets(retaining_ref: &RetainingRef, proof: &CloneProof) -> String {
    let keys = proof.keys.iter().filter(|key| retaining_ref.keys.contains(&key.fingerprint));
    let mut parts: Vec<String> = keys.map(|key| escape::line(&key.redacted).into_owned()).collect();
    parts.extend(retaining_ref.old_objects.iter().map(|id| format!("old object {:.10}", id)));
    if parts.len() > 3 {
        let rest = parts.len() - 2;
        parts.truncate(2);
        parts.push(format!("{rest} more"));
    }
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}

fn write_steps(proof: &CloneProof, out: &mut dyn Write) -> io::Result<()> {
    let mut steps: Vec<&str> = ref_kinds(proof).into_iter().map(removal_step).collect();
    if proof.status == ProofStatus::StillThere && steps.is_empty() {
        steps.push(
            "clone again and run `friskey prove` on the new clone: git does not transfer objects that no ref reaches",
        );
    }
    steps.dedup();
    if !steps.is_empty() {
        writeln!(out, "What to do:")?;
    }
    for (number, step) in (1..).zip(steps) {
        writeln!(out, "  {number}. {step}")?;
    }
    Ok(())
}

/// How to remove refs of that kind.
fn removal_step(kind: RefKind) -> &'static str {
    match kind {
        RefKind::PullRequest => {
            "pull requests: nobody can push to these refs. On GitHub ask Support to remove them, with the first changed \
             commits of the purge report; on your own server run `git update-ref -d REF` and `git gc --prune=now` there"
        }
        RefKind::MergeRequest | RefKind::KeepAround => {
            "GitLab: remove the blobs in Settings > Repository > Repository maintenance, then run housekeeping with \
             pruning; delete merge requests that are not needed"
        }
        RefKind::Change => {
            "Gerrit: delete the changes, or abandon them and have an administrator delete their refs"
        }
        RefKind::Branch | RefKind::Tag | RefKind::Other => {
            "branches, tags and other refs: push the purged repository again with `git push --force --mirror`, or delete \
             the ref with `git push URL --delete REF`"
        }
        RefKind::Local => {
            "local refs of this clone: clone again, or run `git reflog expire --expire=now --all` and \
             `git gc --prune=now` here"
        }
    }
}

/// `3 refs, 120 commits and 300 blobs of a mirror clone for 1 key and 4 old objects in 0.12 s`
fn search_extent(proof: &CloneProof) -> String {
    let clone = &proof.clone;
    let kind = match clone.kind {
        CloneKind::Mirror => "a mirror clone",
        CloneKind::Plain => "a plain clone",
        CloneKind::NoRemote => "a repository without a remote",
    };
    format!(
        "{}, {} and {} of {kind} for {} and {} in {}",
        count(clone.refs, "ref"),
        count(clone.commits, "commit"),
        count(clone.blobs, "blob"),
        count(proof.keys.len() as u64, "key"),
        count(proof.old_objects.sought, "old object"),
        super::human_duration(proof.elapsed_seconds),
    )
}

fn outcome(proof: &CloneProof) -> &'static str {
    let is_unsearched = |skip: &Skip| {
        let is_named_in =
            |file: &UnprovenFile| skip.reason.contains(&file.object) || skip.what.contains(&file.object);
        proof.unsearched.iter().any(is_named_in)
    };
    match proof.status {
        ProofStatus::Incomplete if proof.not_seen.iter().all(is_unsearched) => {
            "not proven: nothing was found, and everything was searched but the files above, which cannot be opened"
        }
        ProofStatus::Proven => "proven: this clone has none of the purged keys and none of the old objects",
        ProofStatus::StillThere => "still there: this clone contains purged keys or objects",
        ProofStatus::Incomplete => "not proven: nothing was found, but not everything could be checked",
    }
}

fn color_code(status: ProofStatus) -> &'static str {
    match status {
        ProofStatus::Proven => "\x1b[1;32m",
        ProofStatus::StillThere => "\x1b[1;31m",
        ProofStatus::Incomplete => "\x1b[1;33m",
    }
}
