//! Finds passwords on command lines: `curl -u user:…`, `mysql -p…`, `sshpass -p …`, `echo … | sudo -S`.

use super::Credential;
use super::TextKind;
use super::public_value::{is_code, is_reference};
use super::quote::opening_quote;
use super::secret_name::{NameStrength, is_name};
use super::value::{ValueSite, is_unlike_word};

/// Programs and their password options.
const PROGRAMS: &[(&str, &[&str])] = &[
    ("sshpass", &["-p"]),
    ("mysql", &["-p"]),
    ("mysqldump", &["-p"]),
    ("mysqladmin", &["-p"]),
    ("mariadb", &["-p"]),
    ("mongo", &["-p"]),
    ("mongosh", &["-p"]),
    ("mongodump", &["-p"]),
    ("docker", &["-p"]),
    ("podman", &["-p"]),
    ("helm", &["-p"]),
    ("az", &["-p"]),
    ("oc", &["-p"]),
    ("sqlcmd", &["-P"]),
    ("bcp", &["-P"]),
    ("isql", &["-P"]),
    ("ldapsearch", &["-w"]),
    ("ldapadd", &["-w"]),
    ("ldapmodify", &["-w"]),
    ("redis-cli", &["-a"]),
    ("zip", &["-P"]),
    ("unzip", &["-P"]),
    ("7z", &["-p"]),
    ("7za", &["-p"]),
    ("rar", &["-p", "-hp"]),
    ("unrar", &["-p"]),
    ("plink", &["-pw"]),
    ("pscp", &["-pw"]),
    ("putty", &["-pw"]),
    ("openssl", &["-k", "-K"]),
    ("lftp", &["-u"]),
    ("ipmitool", &["-P"]),
    ("xfreerdp", &["/p:"]),
    ("smbclient", &["-U"]),
];

/// Options that take `user:password`.
const USER_OPTIONS: &[&str] = &["-u", "-U", "--user", "--proxy-user", "--basic-auth", "--auth", "--creds"];

/// Options that precede a password in so many programs that any value unlike a word is masked after them.
const USUAL_OPTIONS: &[&str] = &["-p", "-P", "-pw", "-w", "-a"];

/// Programs that read a password from standard input.
const READERS: &[&str] =
    &["--password-stdin", "sudo -S", "passwd", "chpasswd", "--passphrase-fd", "--stdin", "-pass stdin"];

/// Maximum distance between a program and its option, in bytes.
const COMMAND_REACH: usize = 160;

pub(super) fn find(text: &[u8], credentials: &mut Vec<Credential>) {
    let mut searched_until = 0;
    for dash in memchr::memchr2_iter(b'-', b'/', text) {
        let is_start = dash >= searched_until
            && (dash == 0
                || matches!(text[dash - 1], b' ' | b'\t' | b'"' | b'\'' | b'\n' | b'`' | b'=' | b'['));
        if is_start {
            searched_until = mask_option(text, dash, credentials);
        }
    }
    mask_piped(text, credentials);
    mask_after_user(text, credentials);
}

/// Masks the password after a Windows user name: `net use X /user:NAME …`, `net user NAME …`.
fn mask_after_user(text: &[u8], credentials: &mut Vec<Credential>) {
    for before in [&b"/user:"[..], b"net user "] {
        for at in memchr::memmem::find_iter(text, before) {
            let user = at + before.len();
            let length = text[user..].iter().take(64).take_while(|byte| !byte.is_ascii_whitespace()).count();
            let start = value_start(text, user + length);
            let end = value_site(text).run_end(start);
            if end >= start + 4 && !text[start..].starts_with(b"/") {
                credentials.push(Credential { span: start..end, prefix_len: 0 });
            }
        }
    }
}

/// Masks the value of the option at `dash`. Returns the end of the option.
fn mask_option(text: &[u8], dash: usize, credentials: &mut Vec<Credential>) -> usize {
    let length = text[dash..].iter().take(32).take_while(|byte| is_name(**byte) || **byte == b'/').count();
    let word = &text[dash..dash + length];
    let user = USER_OPTIONS
        .iter()
        .filter(|option| word.starts_with(option.as_bytes()))
        .max_by_key(|option| option.len());
    if let Some(option) = user.filter(|option| option.len() == 2 || option.len() == length)
        && mask_user_and_password(text, dash + option.len(), credentials)
    {
        return dash + length;
    }
    let program = program_options(text, dash);
    let program_option = program.iter().find(|option| text[dash..].starts_with(option.as_bytes()));
    let usual_option = USUAL_OPTIONS
        .iter()
        .find(|option| word == option.as_bytes() || option.len() == 2 && word.starts_with(option.as_bytes()));
    let Some(option) = program_option.or(usual_option) else { return dash + length };
    let at = value_start(text, dash + option.len());
    let is_attached = at == dash + option.len();
    let site = value_site(text);
    if let Some(quote) = opening_quote(text, at) {
        let content = quote.quoted_text(text).content;
        if program_option.is_some() || is_unlike_word(&text[content]) {
            site.mask_quoted(&quote, credentials);
        }
        return at;
    }
    let value = &text[at..site.run_end(at)];
    let is_shown = value.len() < 4
        || is_reference(value)
        || value.starts_with(b"-")
        || is_port(value)
        || match program_option {
            Some(_) => is_attached && word.starts_with(b"--") || is_code(value) && !is_unlike_word(value),
            None => {
                !is_unlike_word(value)
                    || value.contains(&b'/')
                    || is_attached
                        && value.iter().all(|byte| is_name(*byte) && *byte != b'.' && !byte.is_ascii_digit())
            }
        };
    if !is_shown {
        credentials.push(Credential { span: at..at + value.len(), prefix_len: 0 });
    }
    dash + length
}

/// Whether a value maps ports: `8080:80`.
fn is_port(value: &[u8]) -> bool {
    value.contains(&b':') && value.iter().all(|byte| byte.is_ascii_digit() || b":./".contains(byte))
}

/// Masks the part after `:`, `%` or `,` in the user and password at `at`. Returns whether there is one to mask.
fn mask_user_and_password(text: &[u8], at: usize, credentials: &mut Vec<Credential>) -> bool {
    let at = value_start(text, at);
    let value = match opening_quote(text, at) {
        Some(quote) => quote.quoted_text(text).content,
        None => at..value_site(text).run_end(at),
    };
    let bytes = &text[value.clone()];
    let position = |sign: u8| bytes.iter().take(128).position(|byte| *byte == sign);
    let Some(separator) = [b':', b'%', b','].into_iter().filter_map(position).min() else { return false };
    let password = &bytes[separator + 1..];
    let is_id = password.iter().all(u8::is_ascii_digit) && bytes[..separator].iter().all(u8::is_ascii_digit);
    let is_shown = separator == 0
        || password.len() < 3
        || is_id
        || is_reference(password)
        || password.starts_with(b"//");
    if !is_shown {
        credentials.push(Credential { span: value.start + separator + 1..value.end, prefix_len: 0 });
    }
    !is_shown
}

/// The start of the value of an option that ends at `at`.
fn value_start(text: &[u8], at: usize) -> usize {
    let blanks = text[at..].iter().take(8).take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let between = &text[at..];
    // Arguments of a list, each quoted: `["-p", "…"]`.
    let ends = ["\", ", "', ", "\","].iter();
    let next = ends.filter(|end| between.starts_with(end.as_bytes())).map(|end| end.len()).max();
    match next {
        Some(length) => at + length,
        None if between.first() == Some(&b'=') => at + 1,
        None => at + blanks,
    }
}

/// The password options of the program before `at`.
fn program_options(text: &[u8], at: usize) -> &'static [&'static str] {
    let before = &text[at.saturating_sub(COMMAND_REACH)..at];
    let line = memchr::memrchr(b'\n', before).map_or(0, |at| at + 1);
    let words = before[line..].split(|byte| !(is_name(*byte)));
    for word in words.rev() {
        if let Some((_, options)) = PROGRAMS.iter().find(|(program, _)| word == program.as_bytes()) {
            return options;
        }
    }
    &[]
}

/// Masks text piped to a program that reads a password from standard input: `echo … |`.
fn mask_piped(text: &[u8], credentials: &mut Vec<Credential>) {
    for command in [&b"echo "[..], b"printf ", b"<<< "] {
        for at in memchr::memmem::find_iter(text, command) {
            let limit = text.len().min(at + 512);
            let line = memchr::memchr(b'\n', &text[at..limit]).map_or(limit, |length| at + length);
            let reader = |part: &[u8]| {
                READERS.iter().filter_map(|reader| memchr::memmem::find(part, reader.as_bytes())).min()
            };
            let is_here_string = command == b"<<< ";
            let is_read_here = is_here_string && reader(&text[at.saturating_sub(128)..at]).is_some();
            // The last pipe before the program: the password may contain one.
            let pipe =
                reader(&text[at..line]).and_then(|length| memchr::memrchr(b'|', &text[at..at + length]));
            let until = match (pipe, is_read_here) {
                (Some(length), _) if !is_here_string => at + length,
                (_, true) => line,
                _ => continue,
            };
            let mut start = at + command.len();
            for option in [&b"-n "[..], b"-e ", b"-ne "] {
                start += if text[start..].starts_with(option) { option.len() } else { 0 };
            }
            if start < until && !is_reference(text[start..until].trim_ascii()) {
                credentials.push(Credential {
                    span: start..start + text[start..until].trim_ascii_end().len(),
                    prefix_len: 0,
                });
            }
        }
    }
}

fn value_site(text: &[u8]) -> ValueSite<'_> {
    ValueSite {
        text,
        kind: TextKind::SourceLine,
        strength: NameStrength::Password,
        is_env: true,
        is_line_start: false,
        is_query: false,
    }
}
