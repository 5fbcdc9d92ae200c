//! Messages of friskey itself, on standard error: without keys, and safe for terminals and CI runners.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::broken_pipe::ignore_broken_pipe;
use super::config;
use super::environment::variable;
use super::redaction::{self, RedactionSources};
use crate::detect::{Detector, Redactor};
use crate::model::without_os_errors;
use crate::report::escape_lines;
use crate::rules::{MAX_MATCH_LEN, RuleSet};

/// Registers the rules that a command line names, before it is parsed, for [`redact_message`], and redacts panic messages,
/// too.
pub(super) fn prepare_redaction(args: &[OsString]) {
    let values_of = |option: &'static str| {
        args.iter().enumerate().filter_map(move |(index, arg)| match arg.to_str()?.strip_prefix(option)? {
            "" => args.get(index + 1).map(PathBuf::from),
            value => value.strip_prefix('=').map(PathBuf::from),
        })
    };
    redaction::redact_by_rules(&values_of("--rules").collect::<Vec<_>>());
    let variable = variable("FRISKEY_CONFIG").map(PathBuf::from);
    let configs: Vec<_> = values_of("--config").chain(variable).collect();
    configs.iter().for_each(|file| redaction::redact_by_config(file));
    std::panic::set_hook(Box::new(|panic| {
        say(&redact_message(&format!(
            "friskey stopped because of an internal error; please report it: {panic}"
        )));
    }));
}

/// The message without anything that is or looks like a secret.
pub(super) fn redact_message(message: &str) -> String {
    let RedactionSources { rules: files, configs, keys } = redaction::sources();
    let current_config = super::root::Root::find(Path::new("."))
        .ok()
        .and_then(|root| root.file(config::FILE_NAME).ok().flatten());
    let configs = configs.into_iter().chain(current_config);
    let files = files.into_iter().chain(configs.flat_map(|file| config::rules_files_in(&file)));
    // An invalid file is left out; the rules in the others still apply.
    let mut valid_files: Vec<PathBuf> =
        files.filter(|file| file.is_file() && RuleSet::with_files(&[file]).is_ok()).collect();
    valid_files.dedup();
    let compile = |rules: RuleSet| {
        let short_keys = keys.iter().filter(|key| (1..=MAX_MATCH_LEN).contains(&key.len()));
        Detector::new(&short_keys.fold(rules, |rules, key| rules.with_exact_key(key.reveal(), 0, None)))
    };
    // The rules may be too many or too large, which may be what the message is about.
    let detector = RuleSet::with_files(&valid_files).and_then(compile);
    match detector.or_else(|_| RuleSet::built_in().and_then(compile)) {
        Ok(detector) => Redactor::new(&detector).with_known_secrets(&keys).redact(message.as_bytes()),
        Err(_) => "something went wrong, and the built-in rules cannot be read".to_owned(),
    }
}

/// One message on standard error, which may quote untrusted text. A failure to write it is ignored, since it cannot
/// be reported anywhere.
pub(super) fn say(message: &str) {
    say_in_color("", "", message);
}

/// Like [`say`], with a prefix, given with color codes in `colored_prefix` and without them in `prefix`.
pub(super) fn say_in_color(colored_prefix: &str, prefix: &str, message: &str) {
    let message = escape_lines(&format!("{prefix}{}", without_os_errors(message)));
    let rest = message.strip_prefix(prefix).unwrap_or(&message);
    let _ = writeln!(io::stderr().lock(), "{colored_prefix}{rest}");
}

/// Writes text that may contain untrusted parts to standard output: rules, names, reasons. A closed pipe is not an
/// error.
pub(super) fn print(text: &[u8]) -> io::Result<()> {
    let text = escape_lines(&without_os_errors(&String::from_utf8_lossy(text)));
    ignore_broken_pipe(io::stdout().lock().write_all(text.as_bytes()))
}
