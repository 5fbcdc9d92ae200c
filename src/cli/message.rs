//! Messages of friskey itself: masked by all rules in force or named on the command line, and safe for terminals and
//! CI runners.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::broken_pipe::ignore_broken_pipe;
use super::config;
use super::environment::variable;
use super::masking::{self, MaskedBy};
use crate::detect::{Detector, Redactor};
use crate::model::without_os_errors;
use crate::report::escape_lines;
use crate::rules::{MAX_MATCH_LEN, RuleSet};

/// Collects the rules that a command line names before it is parsed, and masks panic messages, too.
pub(super) fn prepare(args: &[OsString]) {
    let named = |option: &'static str| {
        args.iter().enumerate().filter_map(move |(at, arg)| match arg.to_str()?.strip_prefix(option)? {
            "" => args.get(at + 1).map(PathBuf::from),
            value => value.strip_prefix('=').map(PathBuf::from),
        })
    };
    masking::mask_by_rules(&named("--rules").collect::<Vec<_>>());
    let variable = variable("FRISKEY_CONFIG").map(PathBuf::from);
    let configs: Vec<_> = named("--config").chain(variable).collect();
    configs.iter().for_each(|file| masking::mask_by_config(file));
    std::panic::set_hook(Box::new(|panic| {
        say(&masked(&format!("friskey stopped because of an internal error; please report it: {panic}")));
    }));
}

/// The message without anything that is or looks like a secret.
pub(super) fn masked(message: &str) -> String {
    let MaskedBy { rules: files, configs, keys } = masking::collected();
    let own = super::root::Root::find(Path::new("."))
        .ok()
        .and_then(|root| root.file(config::FILE_NAME).ok().flatten());
    let configs = configs.into_iter().chain(own);
    let files = files.into_iter().chain(configs.flat_map(|file| config::named_rules(&file)));
    // A file that cannot be read masks nothing; the others still do.
    let mut sound: Vec<PathBuf> =
        files.filter(|file| file.is_file() && RuleSet::with_files(&[file]).is_ok()).collect();
    sound.dedup();
    let compiled = |rules: RuleSet| {
        let traced = keys.iter().filter(|key| (1..=MAX_MATCH_LEN).contains(&key.len()));
        Detector::new(&traced.fold(rules, |rules, key| rules.with_exact_key(key.reveal(), 0, None)))
    };
    // The rules may be too many or too large, which may be what the message is about.
    let own = RuleSet::with_files(&sound).and_then(compiled);
    match own.or_else(|_| RuleSet::built_in().and_then(compiled)) {
        Ok(detector) => Redactor::new(&detector).with_known(&keys).redact(message.as_bytes()),
        Err(_) => "something went wrong, and the built-in rules cannot be read".to_owned(),
    }
}

/// One message on standard error, which may quote untrusted text. A failure to write it is ignored, since it cannot
/// be reported anywhere.
pub(super) fn say(message: &str) {
    say_in_color("", "", message);
}

/// Like [`say`], with the first word in color.
pub(super) fn say_in_color(word: &str, plain: &str, message: &str) {
    let message = escape_lines(&format!("{plain}{}", without_os_errors(message)));
    let rest = message.strip_prefix(plain).unwrap_or(&message);
    let _ = writeln!(io::stderr().lock(), "{word}{rest}");
}

/// Writes text that may contain untrusted parts to standard output: rules, names, reasons. A closed pipe is not an
/// error.
pub(super) fn print(text: &[u8]) -> io::Result<()> {
    let text = escape_lines(&without_os_errors(&String::from_utf8_lossy(text)));
    ignore_broken_pipe(io::stdout().lock().write_all(text.as_bytes()))
}
