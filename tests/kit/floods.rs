//! Generates floods: text made to slow a scan down. It repeats the starts or parts of keys, in every encoding that friskey
//! decodes, separated by anything that may occur within a key. Tests count the steps that a search of each takes; a benchmark
//! measures the time.

use std::fmt::Write as _;

use friskey::rules::expand_template;

/// A kind of hostile text: groups of the same unit, with a separator after each group.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flood {
    /// The template that is repeated.
    unit: &'static str,
    /// The text after each unit, in the same spelling.
    unit_separator: &'static str,
    /// Number of units that are written together.
    group_size: usize,
    spelling: NamedSpelling,
    /// The plain text after each group.
    group_separator: &'static str,
}

/// The name of a spelling, such as an encoding, and a function that writes text in it.
type NamedSpelling = (&'static str, fn(&[u8]) -> Vec<u8>);

impl Flood {
    pub(crate) fn name(&self) -> String {
        let Self { unit, unit_separator, group_size, spelling, group_separator } = self;
        format!("{unit:?} {unit_separator:?} ×{group_size} {} {group_separator:?}", spelling.0)
    }

    /// The name of its spelling.
    pub(crate) fn spelling(&self) -> &'static str {
        self.spelling.0
    }

    /// As many whole groups as make at least `size` bytes.
    pub(crate) fn text(&self, size: usize) -> Vec<u8> {
        let mut text = Vec::new();
        let mut seed = 0;
        while text.len() < size {
            let mut group = Vec::new();
            for _ in 0..self.group_size {
                group.extend(expand_template(self.unit, seed).text);
                group.extend_from_slice(self.unit_separator.as_bytes());
                // Enough seeds that no two units near each other are equal.
                seed = (seed + 1) % 1009;
            }
            text.extend((self.spelling.1)(&group));
            text.extend_from_slice(self.group_separator.as_bytes());
        }
        text
    }
}

/// Each unit in each spelling: alone, with each separator after it; and, except in plain text, twelve units written together
/// with each separator after each of them, as one line or in lines.
pub(crate) fn all() -> Vec<Flood> {
    let mut all = Vec::new();
    for &unit in UNITS {
        for &spelling in SPELLINGS {
            for &group_separator in SEPARATORS {
                all.push(Flood { unit, unit_separator: "", group_size: 1, spelling, group_separator });
            }
            if spelling.0 == "plain" {
                continue;
            }
            for &unit_separator in SEPARATORS {
                for group_separator in ["", "\n"] {
                    all.push(Flood { unit, unit_separator, group_size: 12, spelling, group_separator });
                }
            }
        }
    }
    all
}

/// As few combinations as contain each unit, spelling and separator.
pub(crate) fn sample() -> Vec<Flood> {
    let count = SEPARATORS.len();
    let pick = |index: usize| Flood {
        unit: UNITS[index % UNITS.len()],
        unit_separator: SEPARATORS[index * 7 % count],
        group_size: 1 + 11 * (index % 2),
        spelling: SPELLINGS[index % SPELLINGS.len()],
        group_separator: SEPARATORS[index % count],
    };
    (0..count).map(pick).collect()
}

/// The text that a fuzzer's bytes describe: the first chooses the spelling, each of the others a unit or separator.
pub(crate) fn from_choices(choices: &[u8]) -> Vec<u8> {
    let Some((&first, rest)) = choices.split_first() else { return Vec::new() };
    let mut text = Vec::new();
    for (seed, &choice) in rest.iter().enumerate() {
        match UNITS.get(usize::from(choice)) {
            Some(unit) => text.extend(expand_template(unit, seed as u64).text),
            None => {
                let index = usize::from(choice) - UNITS.len();
                text.extend_from_slice(SEPARATORS[index % SEPARATORS.len()].as_bytes());
            }
        }
    }
    (SPELLINGS[usize::from(first) % SPELLINGS.len()].1)(&text)
}

/// The name of the spelling with this position in [`SPELLINGS`], and `count` keys in it, one on each line.
pub(crate) fn keys(spelling: usize, count: usize) -> (&'static str, Vec<u8>) {
    let (name, spell) = SPELLINGS[spelling];
    let template = "sk-proj-{base64url:74}{marker}{base64url:72}{zero}";
    let lines = (0..count as u64)
        .map(|seed| [b"key = '", &spell(&expand_template(template, seed).text)[..], b"'\n"].concat());
    (name, lines.collect::<Vec<_>>().concat())
}

/// Templates to repeat: starts of keys, other parts, whole keys, and words that the rule for Azure's keys requires near them.
const UNITS: &[&str] = &[
    "sk-",
    "sk-proj-",
    "sk-svcacct-",
    "task-",
    "{marker}",
    "sk-{marker}",
    "sk-{base62:7}",
    "sk-{base62:17}",
    "sk-{base64url:40}",
    "sk-{base62:48}",
    "{base62:3}{marker}",
    "{base62:16}{marker}",
    "{base64url:74}{marker}",
    "sk-{base62:20}{marker}",
    "sk-{base62:20}{marker}{base62:20}",
    "sk-proj-{base64url:74}{marker}{base64url:74}",
    "sk-proj-{base64url:74}",
    "sk-{lower:16}{marker}{lower:15}",
    "sess-",
    "sess-{base62:40}",
    "ek_",
    "ek_{hex:32}",
    "openai",
    "AZURE_OPENAI_API_KEY=",
    "AZURE_OPENAI_API_KEY={hex:32}",
    "openai.azure.com",
    "openai.azure.com {hex:32}",
    "{hex:32}",
    "{base62:84}",
    "{base62:52}JQQJ99BDACYeBjFXJ3w3AAABACOG{base62:4}",
    "JQQJ99",
    "ACOG",
    "\"refresh_token\":\"",
    "\"refresh_token\":\"{base62:60}\",",
    "svcaat-",
    "password=",
    "-----BEGIN",
    "s",
];

/// Everything that may separate the parts of a key, and text that only begins like that.
const SEPARATORS: &[&str] = &[
    "",
    "\n",
    "\r\n",
    "\n  ",
    "\n+",
    "\n> ",
    "\n# ",
    "\n-",
    "\n * ",
    " ",
    ",",
    ", ",
    "\"",
    "'",
    "`",
    "\" + \"",
    "\" \"",
    "\", \"",
    "\"\n  \"",
    "\" +\n\"",
    "\" /* x */ \"",
    "\").append(\"",
    "\";\nk += \"",
    "\\",
    "\\\\\\\\",
    "\\\n",
    "\\\n   ",
    "\\n",
    "\\n\",\n\"",
    "\\\"",
    "\\\" \\\"",
    "\u{200b}",
    "&shy;",
    "&#8203;",
    "\u{2013}",
    "\u{1b}[31m",
    "\u{1b}",
    "\\x1b[0m",
    "\\u",
    "\\x",
    "=",
    "=\n",
    "=\r\n",
    "&",
    "&#",
    "&amp;",
    "&quot;",
    "&quot; + &quot;",
    "<b>",
    "<",
    ">",
    "</w:t></w:r><w:r><w:t>",
    "%",
    "%25",
    "^",
    "^\n",
    "^[[0m",
    ";",
    "(",
    "[",
    "{",
    "\0",
    "/*",
    "//",
    "#",
    "--",
    "://",
    "key=",
    "\"key\": \"",
    "base",
    "openai",
    "-",
    "_",
    "=3D",
    "\t",
    "                                                                ",
    "\"\"\"\"\"\"\"\"",
    "\n\n\n\n",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
];

pub(crate) const SPELLINGS: &[NamedSpelling] = &[
    ("plain", |text| text.to_vec()),
    ("base64", |text| base64(text, 0)),
    ("base64 +1", |text| base64(text, 1)),
    ("base64 +2", |text| base64(text, 2)),
    ("base64 twice", |text| base64(&base64(text, 0), 0)),
    ("base64 wrapped", |text| base64(text, 0).chunks(20).collect::<Vec<_>>().join(&b'\n')),
    ("base64 of utf-16", |text| base64(&wide(text, 1), 0)),
    ("hex", |text| write_bytes(text, |out, byte| write!(out, "{byte:02x}"))),
    ("hex of utf-16", |text| write_bytes(&wide(text, 1), |out, byte| write!(out, "{byte:02x}"))),
    ("HEX apart", |text| write_bytes(text, |out, byte| write!(out, "{byte:02X} "))),
    ("hex by colons", |text| write_bytes(text, |out, byte| write!(out, "{byte:02x}:"))),
    ("array", |text| write_bytes(text, |out, byte| write!(out, "0x{byte:02x}, "))),
    ("array in lines", |text| write_bytes(text, |out, byte| write!(out, "0x{byte:02x},\n    "))),
    ("numbers", |text| write_bytes(text, |out, byte| write!(out, "{byte}, "))),
    ("numbers in lines", |text| write_bytes(text, |out, byte| writeln!(out, "{byte},"))),
    ("\\x", |text| write_bytes(text, |out, byte| write!(out, "\\x{byte:02x}"))),
    ("\\u", |text| write_bytes(text, |out, byte| write!(out, "\\u{byte:04x}"))),
    ("\\U", |text| write_bytes(text, |out, byte| write!(out, "\\U{byte:08x}"))),
    ("octal", |text| write_bytes(text, |out, byte| write!(out, "\\{byte:03o}"))),
    ("percent", |text| write_bytes(text, |out, byte| write!(out, "%{byte:02x}"))),
    ("percent twice", |text| write_bytes(text, |out, byte| write!(out, "%25{byte:02x}"))),
    ("entities", |text| write_bytes(text, |out, byte| write!(out, "&#{byte};"))),
    ("quoted-printable", |text| write_bytes(text, |out, byte| write!(out, "={byte:02X}"))),
    ("hyphens escaped", |text| String::from_utf8_lossy(text).replace('-', "\\x2d").into_bytes()),
    ("utf-16le", |text| wide(text, 1)),
    ("utf-16be", |text| text.iter().flat_map(|&byte| [0, byte]).collect()),
    ("utf-32le", |text| wide(text, 3)),
    ("dump", dump),
    ("dump of utf-16", |text| dump(&wide(text, 1))),
    ("colored", |text| write_bytes(text, |out, byte| write!(out, "{}\u{1b}[3m", char::from(byte)))),
    ("zero-width", |text| write_bytes(text, |out, byte| write!(out, "{}\u{200b}", char::from(byte)))),
    ("split", |text| write_bytes(text, |out, byte| write!(out, "{}\" + \"", char::from(byte)))),
    ("soft breaks", |text| write_bytes(text, |out, byte| writeln!(out, "{}=", char::from(byte)))),
];

/// `text` with each byte as `format` writes it.
fn write_bytes(text: &[u8], format: fn(&mut String, u8) -> std::fmt::Result) -> Vec<u8> {
    let mut out = String::new();
    // Writing to a string cannot fail.
    text.iter().for_each(|&byte| format(&mut out, byte).unwrap_or_default());
    out.into_bytes()
}

/// `text` with `zeros` zero bytes after each byte: with one it is UTF-16, with three UTF-32.
fn wide(text: &[u8], zeros: usize) -> Vec<u8> {
    text.iter().flat_map(|&byte| std::iter::once(byte).chain(std::iter::repeat_n(0, zeros))).collect()
}

/// Base64 of `text` after `offset` other bytes, at most 3.
fn base64(text: &[u8], offset: usize) -> Vec<u8> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let text = [&b"xxx"[..offset], text].concat();
    let mut out = Vec::new();
    for group in text.chunks(3) {
        let bits =
            (0..3).fold(0_usize, |bits, at| bits << 8 | usize::from(group.get(at).copied().unwrap_or(0)));
        out.extend((0..=group.len()).map(|at| ALPHABET[bits >> (18 - 6 * at) & 63]));
    }
    out
}

/// `text` as `hexdump -C` prints it, without the wider gap in the middle.
fn dump(text: &[u8]) -> Vec<u8> {
    let mut out = String::new();
    for (index, line) in text.chunks(16).enumerate() {
        let digits: String = line.iter().map(|byte| format!("{byte:02x} ")).collect();
        let characters: String = line
            .iter()
            .map(|&byte| if (b' '..=b'~').contains(&byte) { char::from(byte) } else { '.' })
            .collect();
        let _ = writeln!(out, "{:08x}  {digits:49}|{characters}|", index * 16);
    }
    out.into_bytes()
}
