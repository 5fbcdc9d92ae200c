//! Lists what narrows a scan besides ignored paths: replaced rules, limits stricter than the defaults, disabled
//! surfaces, globs, and accepted findings. Reports name each.

use std::collections::{BTreeMap, BTreeSet};

use super::Settings;
use crate::container::Limits;
use crate::git::ObjectId;
use crate::model::{Confidence, Ignored, IgnoredKind, Leak, Origin, Surface};
use crate::source::Excludes;

/// Where a limit may have been set, for the report.
const LIMITED_BY: &str = "an option or the configuration";

/// Hex digits of an object id that are shown.
const ID_DIGITS: usize = 10;

/// What the settings exclude from the whole scan.
pub(super) fn by_settings(settings: &Settings<'_>) -> Vec<Ignored> {
    let mut all = limits(&settings.limits);
    // A search for one key uses no rules and no threshold.
    if settings.key_filter.is_none() {
        let replaced = settings.detector.rules().iter().filter(|rule| rule.replaces_built_in);
        all.extend(replaced.map(|rule| {
            let without = "--no-config, or without --rules";
            Ignored::new(IgnoredKind::Rule, &*rule.id, &*rule.source, without)
        }));
        if settings.min_confidence > Confidence::Medium {
            let what =
                format!("the threshold to {}, default {}", settings.min_confidence, Confidence::Medium);
            all.push(Ignored::new(IgnoredKind::Limit, what, LIMITED_BY, "--min-confidence medium"));
        }
    }
    all
}

/// Container limits that are lower than the defaults.
fn limits(limits: &Limits) -> Vec<Ignored> {
    let default = Limits::default();
    let seconds = |limits: &Limits| limits.time.as_secs();
    let pairs = [
        ("max-depth", limits.depth as u64, default.depth as u64),
        ("max-unpacked", limits.bytes, default.bytes),
        ("max-entries", limits.entries, default.entries),
        ("max-ratio", limits.ratio, default.ratio),
        ("max-container-time", seconds(limits), seconds(&default)),
        ("max-memory", limits.memory, default.memory),
    ];
    let stricter = pairs.into_iter().filter(|(_, limit, default)| limit < default);
    let ignored = stricter.map(|(name, limit, default)| {
        let what = format!("{name} to {limit}, default {default}");
        Ignored::new(IgnoredKind::Limit, what, LIMITED_BY, format!("--{name} {default}"))
    });
    ignored.collect()
}

/// The surfaces among `all` that are not `enabled`.
pub(super) fn surfaces<'a>(
    all: &'a [Surface],
    enabled: &'a BTreeSet<Surface>,
) -> impl Iterator<Item = Ignored> + 'a {
    let off = all.iter().filter(|surface| !enabled.contains(surface));
    off.map(|surface| {
        let by = match surface {
            Surface::Unreachable => "--no-unreachable, or a selection of surfaces,",
            _ => "a selection of surfaces",
        };
        Ignored::new(IgnoredKind::Surface, surface.name(), by, "--surfaces")
    })
}

/// A submodule that a change adds or moves to `ids`. Those commits are in another repository.
pub(super) fn submodule(path: &[u8], ids: &BTreeSet<ObjectId>) -> Ignored {
    let what = format!("{}/", String::from_utf8_lossy(path));
    let commits = match (ids.first(), ids.len()) {
        (Some(id), 1) => format!("commit {}", id.to_hex_with_len(ID_DIGITS)),
        (_, several) => format!("{several} commits"),
    };
    let by = format!("a submodule ({commits} of another repository)");
    Ignored::path(what, by, "`friskey history` here, or a scan of that repository")
}

/// The content of a file that is a Git LFS pointer in the work tree.
pub(super) fn lfs_content(origin: &Origin) -> Ignored {
    let path = String::from_utf8_lossy(origin.path.as_deref().unwrap_or_default());
    let what = format!("the Git LFS content of {path}");
    Ignored::new(IgnoredKind::Object, what, "a pointer file", "git lfs pull")
}

/// The globs that leave out paths of a history, where paths are not checked one by one.
pub(super) fn globs(excludes: Option<&Excludes>) -> impl Iterator<Item = Ignored> + '_ {
    let globs = excludes.into_iter().flat_map(Excludes::globs);
    globs.map(|glob| Ignored::path(glob, format!("configuration: exclude `{glob}`"), "--no-config"))
}

/// How many findings are accepted, and by what.
pub(super) fn accepted(leaks: &[Leak]) -> impl Iterator<Item = Ignored> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    let suppressed = leaks.iter().flat_map(|leak| &leak.findings).filter_map(|one| one.suppressed.as_ref());
    for suppression in suppressed {
        let by = match suppression.by {
            "baseline" => format!("the baseline {}", suppression.source),
            _ => format!("the marker `{}`", suppression.source),
        };
        *counts.entry(by).or_default() += 1;
    }
    counts.into_iter().map(|(by, count)| {
        let what = if count == 1 { "1 finding".to_owned() } else { format!("{count} findings") };
        Ignored::new(IgnoredKind::Accepted, what, by, "--no-suppress")
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn only_stricter_limits_are_named() {
        let default = Limits::default();
        assert!(limits(&default).is_empty());
        let changed = Limits { depth: 0, bytes: default.bytes + 1, time: Duration::from_secs(1), ..default };
        let named = limits(&changed).into_iter().map(|ignored| ignored.include_with);
        assert_eq!(named.collect::<Vec<_>>(), ["--max-depth 10", "--max-container-time 60"]);
    }

    #[test]
    fn disabled_surfaces_are_named() {
        let on = BTreeSet::from([Surface::Blob]);
        let off: Vec<_> = surfaces(&[Surface::Blob, Surface::Reflog], &on).collect();
        assert_eq!(off.len(), 1);
        assert_eq!((off[0].kind, &*off[0].what), (IgnoredKind::Surface, "reflog"));
    }
}
