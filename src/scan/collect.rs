//! Implements the sink of every source: runs the detector over each blob and keeps the findings.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Mutex, PoisonError};

use super::Settings;
use super::bounded::{BoundedFindings, DroppedFindings};
use super::contents::Contents;
use super::located::content_name;
use super::narrowing;
use super::searched::{SearchResult, skips};
use super::skip_limit;
use super::suppression;
use crate::container::Input;
use crate::detect::{Chunk, Detector, EffortReserve, PassedOver, RedactionCache, Redactor};
use crate::model::{Coverage, Finding, Ignored, Origin, Position, Skip, Span, Surface};
use crate::source::{Sink, Worker};

/// Collects findings and coverage from all threads of a source.
#[derive(Debug)]
pub(super) struct Collector<'d> {
    settings: Settings<'d>,
    /// The findings of all threads, with one limit for all of them.
    findings: Mutex<BoundedFindings<Finding>>,
    outcome: Mutex<ScanOutcome>,
}

/// The findings of a scan, and what was scanned.
#[derive(Debug, Default)]
pub(super) struct ScanOutcome {
    pub(super) findings: Vec<Finding>,
    pub(super) coverage: Coverage,
    pub(super) notes: BTreeSet<String>,
    /// Findings beyond the limit of a report.
    pub(super) dropped_findings: DroppedFindings,
    /// The number of skips beyond those in the coverage.
    pub(super) skips_beyond_limit: u64,
}

impl<'d> Collector<'d> {
    pub(super) fn new(settings: &Settings<'d>) -> Self {
        Self { settings: *settings, findings: Mutex::default(), outcome: Mutex::default() }
    }

    /// The results of all workers, which must have been dropped.
    pub(super) fn finish(self) -> ScanOutcome {
        let mut outcome = self.outcome.into_inner().unwrap_or_else(PoisonError::into_inner);
        let findings = self.findings.into_inner().unwrap_or_else(PoisonError::into_inner);
        (outcome.findings, outcome.dropped_findings) = findings.into_parts();
        outcome
    }

    fn keep(&self, findings: impl Iterator<Item = Finding>, dropped: DroppedFindings) {
        let mut all_findings = self.findings.lock().unwrap_or_else(PoisonError::into_inner);
        all_findings.add_dropped(dropped);
        findings.for_each(|mut finding| {
            suppression::mark_if_in_baseline(self.settings.policy, &mut finding);
            all_findings.push(finding);
        });
    }
}

impl Sink for Collector<'_> {
    fn worker(&self) -> Box<dyn Worker + Send + '_> {
        Box::new(CollectorWorker {
            collector: self,
            contents: Contents::new(&self.settings),
            outcome: ScanOutcome::default(),
        })
    }

    fn is_stopped(&self) -> bool {
        self.settings.stop.is_set()
    }
}

/// The results of one thread.
struct CollectorWorker<'c> {
    collector: &'c Collector<'c>,
    contents: Contents<'c>,
    outcome: ScanOutcome,
}

impl Worker for CollectorWorker<'_> {
    fn blob(&mut self, origin: &Origin, content: Input<'_>) -> io::Result<()> {
        let ScanOutcome { coverage, notes, skips_beyond_limit, .. } = &mut self.outcome;
        coverage.surfaces.insert(origin.surface);
        let mut searched = SearchResult::default();
        let read_result = self.contents.search(content, || content_name(origin), &mut searched);
        coverage.bytes += searched.bytes;
        if searched.is_pointer && origin.surface == Surface::Worktree {
            coverage.ignored.insert(narrowing::lfs_content(origin));
        }
        if !searched.skipped.is_empty() {
            let path = String::from_utf8_lossy(origin.path.as_deref().unwrap_or_default());
            coverage.skipped.extend(skips(&path, searched.skipped));
            skip_limit::trim(&mut coverage.skipped, skips_beyond_limit);
        }
        if !searched.secrets.is_empty() {
            let (secrets, dropped) = searched.secrets.into_parts();
            let findings = secrets.into_iter().map(|located| located.into_finding(origin.clone(), 1, notes));
            self.collector.keep(findings, dropped);
        }
        read_result
    }

    fn name_on_surface(&mut self, surface: Surface, path: &[u8]) {
        // The directories above are scanned as names of their own.
        let start = memchr::memrchr(b'/', path).map_or(0, |slash| slash + 1);
        let reserve = self.contents.reserve();
        let (findings, skip) = name_findings(self.collector.settings.detector, reserve, surface, path, start);
        if let Some(skip) = skip {
            self.skip(skip);
        }
        if !findings.is_empty() {
            self.collector.keep(findings.into_iter(), DroppedFindings::default());
        }
    }

    fn file_finished(&mut self) {
        self.outcome.coverage.files += 1;
    }

    fn surface(&mut self, surface: Surface) {
        self.outcome.coverage.surfaces.insert(surface);
    }

    fn skip(&mut self, skip: Skip) {
        self.outcome.coverage.skipped.insert(skip);
        skip_limit::trim(&mut self.outcome.coverage.skipped, &mut self.outcome.skips_beyond_limit);
    }

    fn ignore(&mut self, ignored: Ignored) {
        self.outcome.coverage.ignored.insert(ignored);
    }
}

impl Drop for CollectorWorker<'_> {
    fn drop(&mut self) {
        let worker_outcome = std::mem::take(&mut self.outcome);
        let mut outcome = self.collector.outcome.lock().unwrap_or_else(PoisonError::into_inner);
        outcome.coverage.merge(worker_outcome.coverage);
        outcome.skips_beyond_limit += worker_outcome.skips_beyond_limit;
        let ScanOutcome { coverage, skips_beyond_limit, .. } = &mut *outcome;
        skip_limit::trim(&mut coverage.skipped, skips_beyond_limit);
        outcome.notes.extend(worker_outcome.notes);
    }
}

/// Findings in a path or the name of a ref, from `start` on, and the skip if a part of it was passed over.
pub(super) fn name_findings(
    detector: &Detector,
    reserve: &mut EffortReserve,
    surface: Surface,
    path: &[u8],
    start: usize,
) -> (Vec<Finding>, Option<Skip>) {
    let name = &path[start..];
    let redactor = Redactor::new(detector);
    let name_start = Position::START.after_bytes(&path[..start]);
    let mut matches = Vec::new();
    let passed_over = detector.find_with_keywords(name, reserve, |_| true, |matched| matches.push(matched));
    let reason = || format!("the name {}", PassedOver::REASON);
    let skip = (!passed_over.is_empty()).then(|| Skip::new(String::from_utf8_lossy(path), reason()));
    let mut cache = RedactionCache::default();
    let findings = matches.into_iter().map(|matched| {
        let match_start = name_start.after_bytes(&name[..matched.span.start]);
        let match_end = match_start.after_bytes(&name[matched.span.clone()]);
        let chunk = Chunk { bytes: name, start: name_start };
        Finding {
            excerpt: Some(redactor.cached_excerpt(
                chunk,
                matched.span,
                &matched.detected_key.secret,
                &mut cache,
                reserve,
            )),
            detected_key: matched.detected_key,
            origin: Origin::at_path(surface, path),
            encoding: matched.encoding,
            span: Span { start: match_start, end: match_end },
            occurrence: 0,
            versions: 1,
            suppressed: None,
        }
    });
    (findings.collect(), skip)
}
