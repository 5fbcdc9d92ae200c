//! The sink of every source: runs the detector over what comes in and keeps what it finds.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use super::{Settings, accept};
use crate::detect::{Chunk, Detector, Hidden, Mask, Stream, StreamMatch};
use crate::model::{Coverage, Finding, Origin, Position, Skip, Span, Surface};
use crate::source::{Sink, Worker};
use crate::suppress::Policy;

/// Collects findings and coverage from all threads of a source.
#[derive(Debug)]
pub(super) struct Collector<'d> {
    detector: &'d Detector,
    policy: &'d Policy,
    stop: &'d AtomicBool,
    gathered: Mutex<Gathered>,
}

/// What was found and what was covered.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) findings: Vec<Finding>,
    pub(super) coverage: Coverage,
    pub(super) notes: BTreeSet<String>,
}

impl<'d> Collector<'d> {
    pub(super) fn new(settings: &Settings<'d>) -> Self {
        let Settings { detector, policy, stop, .. } = *settings;
        Self { detector, policy, stop, gathered: Mutex::default() }
    }

    /// Everything that the workers, all dropped by now, have handed in.
    pub(super) fn finish(self) -> Gathered {
        self.gathered.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sink for Collector<'_> {
    fn worker(&self) -> Box<dyn Worker + Send + '_> {
        Box::new(Local {
            mask: Mask::new(self.detector),
            collector: self,
            stream: Stream::default(),
            gathered: Gathered::default(),
        })
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// What one thread has gathered.
struct Local<'c> {
    collector: &'c Collector<'c>,
    mask: Mask<'c>,
    stream: Stream,
    gathered: Gathered,
}

impl Worker for Local<'_> {
    fn blob(&mut self, origin: &Origin, content: &mut dyn Read) -> io::Result<u64> {
        let Self { collector, mask, stream, gathered } = self;
        let Gathered { findings, coverage, notes } = gathered;
        coverage.surfaces.insert(origin.surface);
        let mut counted = Counted { content, bytes: &mut coverage.bytes };
        let mut hidden = Hidden::default();
        stream.search(collector.detector, &mut counted, |chunk, found| {
            let verdict = accept::verdict(collector.policy, mask, chunk, &found);
            let suppressed = verdict.settle(origin, found.span.start.line, notes);
            findings.push(Finding { suppressed, ..finding(origin, mask, &mut hidden, chunk, found) });
        })
    }

    fn name(&mut self, path: &[u8]) {
        self.gathered.coverage.surfaces.insert(Surface::FileName);
        // The folders above have been visited, each as an entry of its own.
        let start = memchr::memrchr(b'/', path).map_or(0, |at| at + 1);
        let found = name_findings(self.collector.detector, Surface::FileName, path, start);
        self.gathered.findings.extend(found);
    }

    fn file_done(&mut self) {
        self.gathered.coverage.files += 1;
    }

    fn surface(&mut self, surface: Surface) {
        self.gathered.coverage.surfaces.insert(surface);
    }

    fn skip(&mut self, skip: Skip) {
        self.gathered.coverage.skipped.insert(skip);
    }
}

impl Drop for Local<'_> {
    fn drop(&mut self) {
        let own = std::mem::take(&mut self.gathered);
        let mut all = self.collector.gathered.lock().unwrap_or_else(PoisonError::into_inner);
        all.findings.extend(own.findings);
        all.coverage.merge(own.coverage);
        all.notes.extend(own.notes);
    }
}

/// What stands in a path, or a ref's name, from `start` on.
pub(super) fn name_findings(
    detector: &Detector,
    surface: Surface,
    path: &[u8],
    start: usize,
) -> Vec<Finding> {
    let name = &path[start..];
    let mask = Mask::new(detector);
    let before = Position::START.advanced(&path[..start]);
    let mut findings = Vec::new();
    let mut hidden = Hidden::default();
    detector.find(name, |matched| {
        let first = before.advanced(&name[..matched.span.start]);
        let last = first.advanced(&name[matched.span.clone()]);
        let chunk = Chunk { bytes: name, start: before };
        let found = StreamMatch { matched, span: Span { start: first, end: last } };
        findings.push(finding(&Origin::at_path(surface, path), &mask, &mut hidden, chunk, found));
    });
    findings
}

fn finding(
    origin: &Origin,
    mask: &Mask<'_>,
    hidden: &mut Hidden,
    chunk: Chunk<'_>,
    found: StreamMatch,
) -> Finding {
    Finding {
        excerpt: Some(mask.excerpt_of(chunk, found.matched.span.clone(), hidden)),
        identified: found.matched.identified,
        origin: origin.clone(),
        encoding: found.matched.encoding,
        span: found.span,
        occurrence: 0,
        versions: 1,
        suppressed: None,
    }
}

/// Counts the bytes that were read, also of what then fails.
struct Counted<'a> {
    content: &'a mut dyn Read,
    bytes: &'a mut u64,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.content.read(buffer)?;
        *self.bytes += count as u64;
        Ok(count)
    }
}
