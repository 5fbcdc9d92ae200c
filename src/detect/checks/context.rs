//! `context`: if a key could be from several vendors, nearby words decide.

use std::ops::Range;

use aho_corasick::AhoCorasick;

use super::{Candidate, Check, CheckSettings, Rejection};
use crate::detect::effort::spend;
use crate::detect::limits::CONTEXT_REACH;
use crate::model::Confidence;
use crate::rules::{Context, MissingContext};

/// Number of lines that are examined on each side of the match's own line.
const LINES_AROUND: usize = 2;

/// Looks for the variant's words within two lines.
#[derive(Debug)]
pub(super) struct NearWords;

impl Check for NearWords {
    fn name(&self) -> &'static str {
        "context"
    }

    fn assess(&self, candidate: &mut Candidate<'_>, settings: &CheckSettings) -> Result<(), Rejection> {
        let Some((context, search)) = settings.context() else { return Ok(()) };
        let mut vendor = find_vendor(context, search, candidate.bytes, candidate.secret.clone());
        if let (VendorHint::Unknown, Some((bytes, span))) = (&vendor, &candidate.encoded_text) {
            vendor = find_vendor(context, search, bytes, span.clone());
        }
        match vendor {
            VendorHint::Own(word) => candidate.note(format!("`{word}` nearby")),
            VendorHint::Other(word) => return Err(format!("it is beside `{word}`: another vendor's").into()),
            VendorHint::Contested(word) => {
                candidate.cap(Confidence::Low);
                candidate.note(format!("`{word}` nearby: perhaps another vendor's"));
            }
            VendorHint::Unknown => match context.missing {
                MissingContext::Low => {
                    candidate.cap(Confidence::Low);
                    candidate.note("nothing nearby says whose it is");
                }
                MissingContext::Reject => return Err("nothing nearby says whose it is".into()),
            },
        }
        Ok(())
    }
}

/// Whose key a match is, according to the words nearby. Each variant has the word that decided.
enum VendorHint {
    /// The variant's own vendor.
    Own(String),
    /// Another vendor.
    Other(String),
    /// Words of several vendors are nearby, or only distant ones of another vendor.
    Contested(String),
    /// No word is nearby.
    Unknown,
}

/// Whose key the secret is. Words on its own line decide first; then a line nearby with another vendor's address; then the
/// nearest word.
fn find_vendor(context: &Context, search: &AhoCorasick, bytes: &[u8], secret: Range<usize>) -> VendorHint {
    let mut lines = lines_around(bytes, &secret);
    // Each line is read up to three times.
    spend(lines.iter().map(|line| 2 * line.len()).sum());
    // The words in a line, each with its distance from the secret and its index. The secret itself is not part of its context.
    let mentions = |line: &Range<usize>| -> Vec<(usize, usize)> {
        [
            line.start..secret.start.clamp(line.start, line.end),
            secret.end.clamp(line.start, line.end)..line.end,
        ]
        .into_iter()
        .flat_map(|part| {
            search
                .find_iter(&bytes[part.clone()])
                .map(|word| {
                    let (start, end) = (part.start + word.start(), part.start + word.end());
                    let distance = secret.start.saturating_sub(end).max(start.saturating_sub(secret.end));
                    (distance, word.pattern().as_usize())
                })
                .collect::<Vec<_>>()
        })
        .collect()
    };
    let is_ours = |index: usize| index < context.words.len();
    let word = |index: usize| match is_ours(index) {
        true => context.words[index].clone(),
        false => context.others[index - context.words.len()].clone(),
    };
    let address = lines.iter().find_map(|line| {
        let text = &bytes[line.clone()];
        let is_address = memchr::memmem::find(text, b"://").is_some()
            || memchr::memmem::find(&text.to_ascii_lowercase(), b"base").is_some();
        let other = mentions(line).into_iter().find(|&(_, index)| !is_ours(index))?;
        is_address.then(|| word(other.1))
    });
    let on_secret_line = mentions(&lines.remove(0));
    let ours = on_secret_line.iter().find(|&&(_, index)| is_ours(index));
    let theirs = on_secret_line.iter().find(|&&(_, index)| !is_ours(index));
    match (ours, theirs, address) {
        (None, Some(&(_, other)), _) => VendorHint::Other(word(other)),
        (Some(_), Some(&(_, other)), _) => VendorHint::Contested(word(other)),
        (_, None, Some(other)) => VendorHint::Contested(other),
        (Some(&(_, index)), None, None) => VendorHint::Own(word(index)),
        (None, None, None) => match lines.iter().flat_map(mentions).min() {
            Some((_, index)) if is_ours(index) => VendorHint::Own(word(index)),
            Some((_, index)) => VendorHint::Contested(word(index)),
            None => VendorHint::Unknown,
        },
    }
}

/// The secret's own line, followed by those around it, each cut to the maximum distance.
fn lines_around(bytes: &[u8], secret: &Range<usize>) -> Vec<Range<usize>> {
    let low = secret.start.saturating_sub(CONTEXT_REACH);
    let high = bytes.len().min(secret.end + CONTEXT_REACH);
    let line_start =
        |end: usize| memchr::memrchr(b'\n', &bytes[low..end]).map_or(low, |newline| low + newline + 1);
    let line_end =
        |start: usize| memchr::memchr(b'\n', &bytes[start..high]).map_or(high, |length| start + length);
    let secret_line = line_start(secret.start)..line_end(secret.end);
    let mut lines = vec![secret_line.clone()];
    let mut edge = secret_line.start;
    for _ in 0..LINES_AROUND {
        if edge <= low {
            break;
        }
        let start = line_start(edge - 1);
        lines.push(start..edge - 1);
        edge = start;
    }
    let mut edge = secret_line.end;
    for _ in 0..LINES_AROUND {
        if edge >= high {
            break;
        }
        let end = line_end(edge + 1);
        lines.push(edge + 1..end);
        edge = end;
    }
    lines
}
