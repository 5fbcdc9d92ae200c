//! Converts git's ignore patterns to globs for the `ignore` crate, which gives some of them another meaning.
//!
//! Braces are ordinary characters to git, but alternatives to the crate. In git, a class such as `[!a]` never matches `/`
//! and may contain POSIX classes such as `[:digit:]`. Git strips trailing spaces, and the crate all whitespace.

use std::iter::Peekable;
use std::str::Chars;

/// The glob that matches the same paths as git's pattern `line`; `None` if that matches nothing.
pub fn glob_from_git_pattern(line: &str) -> Option<String> {
    let mut glob = String::with_capacity(line.len() + 8);
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                glob.extend([c, chars.next()?]);
            }
            '{' | '}' => glob.extend(['\\', c]),
            '[' => Class::parse(&mut chars)?.write(&mut glob)?,
            _ => glob.push(c),
        }
    }
    let len = glob.trim_end_matches(' ').len();
    if len > 0 && glob[..len].bytes().all(|byte| byte == b'/') {
        return None;
    }
    match glob[..len].chars().next_back() {
        // The crate would strip white space at the end of the line, so it is put into a class.
        Some(last) if last.is_whitespace() && !glob[..len - last.len_utf8()].ends_with('\\') => {
            Some(format!("{}[{last}]", &glob[..len - last.len_utf8()]))
        }
        _ => Some(glob),
    }
}

/// A class of characters.
struct Class {
    is_negated: bool,
    ascii: [bool; 128],
    /// Ranges of characters beyond ASCII, both ends included.
    beyond_ascii: Vec<(char, char)>,
}

impl Class {
    /// Parses a class after its `[`, up to and including its `]`, as git does; `None` if it is invalid.
    fn parse(chars: &mut Peekable<Chars<'_>>) -> Option<Self> {
        let is_negated = chars.next_if(|&c| c == '!' || c == '^').is_some();
        let mut class = Self { is_negated, ascii: [false; 128], beyond_ascii: Vec::new() };
        let mut is_first = true;
        loop {
            let start = match chars.next()? {
                ']' if !is_first => return Some(class),
                '[' if chars.peek() == Some(&':') => {
                    class.add_posix(chars)?;
                    is_first = false;
                    continue;
                }
                '\\' => chars.next()?,
                c => c,
            };
            is_first = false;
            let mut lookahead = chars.clone();
            match (lookahead.next(), lookahead.next()) {
                (Some('-'), Some(end)) if end != ']' => {
                    let end = if end == '\\' { lookahead.next()? } else { end };
                    *chars = lookahead;
                    class.add(start, end);
                }
                _ => class.add(start, start),
            }
        }
    }

    /// Parses the rest of a POSIX class after its `[`: `:name:]`.
    fn add_posix(&mut self, chars: &mut Peekable<Chars<'_>>) -> Option<()> {
        chars.next();
        let name: String = chars.by_ref().take_while(|&c| c != ']').collect();
        let matches: fn(&char) -> bool = match name.strip_suffix(':')? {
            "alnum" => char::is_ascii_alphanumeric,
            "alpha" => char::is_ascii_alphabetic,
            "blank" => |c| matches!(c, ' ' | '\t'),
            "cntrl" => char::is_ascii_control,
            "digit" => char::is_ascii_digit,
            "graph" => char::is_ascii_graphic,
            "lower" => char::is_ascii_lowercase,
            "print" => |c| c.is_ascii_graphic() || *c == ' ',
            "punct" => char::is_ascii_punctuation,
            "space" => |c| c.is_ascii_whitespace() || *c == '\x0b',
            "upper" => char::is_ascii_uppercase,
            "xdigit" => char::is_ascii_hexdigit,
            _ => return None,
        };
        ('\0'..='\x7f').filter(matches).for_each(|c| self.add(c, c));
        Some(())
    }

    fn add(&mut self, start: char, end: char) {
        ('\0'..='\x7f').filter(|c| (start..=end).contains(c)).for_each(|c| self.ascii[c as usize] = true);
        if end > '\x7f' {
            self.beyond_ascii.push((start.max('\u{80}'), end));
        }
    }

    /// Writes the class so that it does not match `/`. `None` if it matches nothing.
    fn write(mut self, glob: &mut String) -> Option<()> {
        self.ascii[usize::from(b'/')] = self.is_negated;
        let contains = |c: char| self.ascii[c as usize];
        let ordinary: Vec<char> = ('\0'..='\x7f').filter(|&c| contains(c) && !"]!^-".contains(c)).collect();
        let special: Vec<char> = "!^".chars().filter(|&c| contains(c)).collect();
        let count = ordinary.len() + special.len() + usize::from(contains(']')) + usize::from(contains('-'));
        match (self.beyond_ascii.is_empty(), count, special.first()) {
            (true, 0, _) => return None,
            // As the only character of a class, it would negate the class.
            (true, 1, Some(&character)) => glob.extend(['\\', character]),
            _ => {
                glob.push_str(if self.is_negated { "[!" } else { "[" });
                glob.extend(contains(']').then_some(']'));
                self.beyond_ascii.iter().for_each(|(start, end)| glob.extend([*start, '-', *end]));
                glob.extend(ordinary);
                // `!` and `^` must not be the first character, so a hyphen comes before them if nothing else does.
                if glob.ends_with('[') {
                    glob.extend(contains('-').then_some('-'));
                    glob.extend(special);
                } else {
                    glob.extend(special);
                    glob.extend(contains('-').then_some('-'));
                }
                glob.push(']');
            }
        }
        Some(())
    }
}
