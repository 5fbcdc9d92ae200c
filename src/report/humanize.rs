//! Formats numbers, sizes and durations for people.

/// `1,234`: a number with thousands separators.
pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 file`, `1,234 files`: a number and a noun, given in the singular.
pub fn count(n: u64, singular: &str) -> String {
    let plural_ending = if n == 1 { "" } else { "s" };
    format!("{} {singular}{plural_ending}", thousands(n))
}

/// `56.7 MB`: a number of bytes, with units that are powers of 1000.
pub fn bytes(n: u64) -> String {
    let mut unit = "B";
    let mut size = n as f64;
    for larger in ["kB", "MB", "GB", "TB"] {
        // A value that would round up to 1000 belongs to the next unit.
        if size < 999.95 {
            break;
        }
        size /= 1000.0;
        unit = larger;
    }
    if unit == "B" { format!("{n} B") } else { format!("{size:.1} {unit}") }
}

/// `0.21 s`, `3 minutes 20 seconds`: a duration, given in seconds.
pub fn human_duration(seconds: f64) -> String {
    if seconds < 60.0 { format!("{:.2} s", seconds.max(0.0)) } else { duration(seconds as u64) }
}

/// The two largest units of a duration: `2 years 34 days`, `5 minutes`.
pub(super) fn duration(seconds: u64) -> String {
    const UNITS: [(u64, &str); 5] =
        [(365 * 86_400, "year"), (86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
    let Some(first) = UNITS.iter().position(|&(length, _)| seconds >= length) else {
        return "less than a second".to_owned();
    };
    let (length, name) = UNITS[first];
    let mut text = count(seconds / length, name);
    if let Some(&(next, name)) = UNITS.get(first + 1) {
        let rest = seconds % length / next;
        if rest > 0 {
            text.push(' ');
            text.push_str(&count(rest, name));
        }
    }
    text
}

/// A command line, quoted for a shell.
pub(super) fn command_line(words: &[String]) -> String {
    words.iter().map(|word| shell_word(word)).collect::<Vec<_>>().join(" ")
}

/// An argument, quoted for a shell.
fn shell_word(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./:@%+=,~^…".contains(c);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_separators_and_plurals() {
        assert_eq!(count(0, "file"), "0 files");
        assert_eq!(count(1, "file"), "1 file");
        assert_eq!(count(1_234_567, "file"), "1,234,567 files");
    }

    #[test]
    fn sizes_use_the_largest_unit() {
        let cases =
            [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (56_700_000, "56.7 MB"), (999_999, "1.0 MB")];
        for (n, text) in cases {
            assert_eq!(bytes(n), text);
        }
        assert!(bytes(u64::MAX).ends_with(" TB"));
    }

    #[test]
    fn durations_use_the_two_largest_units() {
        assert_eq!(duration(0), "less than a second");
        assert_eq!(duration(86_400), "1 day");
        assert_eq!(duration(2 * 365 * 86_400 + 34 * 86_400 + 5), "2 years 34 days");
        assert_eq!(human_duration(0.2149), "0.21 s");
        assert_eq!(human_duration(200.5), "3 minutes 20 seconds");
    }
}
