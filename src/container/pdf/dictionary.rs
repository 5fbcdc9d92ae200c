//! Stream dictionaries: the filters of a stream and their parameters.

use memchr::memmem;

use super::value::Value;

/// Maximum number of filters; real files use only a few.
const MAX_FILTERS: usize = 8;

/// Maximum bytes of an image row.
const MAX_ROW_LEN: u64 = 1 << 20;

/// A filter that can be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FilterStep {
    Deflate(Option<Predictor>),
    Lzw {
        /// Whether the code length increases one code early.
        is_early: bool,
        predictor: Option<Predictor>,
    },
    Ascii85,
    Hexadecimal,
    RunLengths,
}

/// A predictor, which replaces bytes by their difference from those before and above, row by row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Predictor {
    /// Whether a byte before each row selects the algorithm.
    pub(super) is_png: bool,
    /// Bytes of a row.
    pub(super) row: usize,
    /// Bytes of a pixel, at least one.
    pub(super) point: usize,
    /// Bits per color component.
    pub(super) bits: u64,
}

/// What the dictionary says about a stream.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct StreamDictionary {
    /// Decoding steps in order, up to the first image filter.
    pub(super) steps: Vec<FilterStep>,
    /// Whether a filter is unsupported or unknown.
    pub(super) is_unknown: bool,
    /// Whether there is a dictionary at all.
    pub(super) is_stream: bool,
    /// Its length in bytes, if the dictionary states it directly.
    pub(super) length: Option<u64>,
}

/// Reads the dictionary at the end of `before`; `object` resolves references.
pub(super) fn read(before: &[u8], object: &mut dyn FnMut(u64) -> Option<Value>) -> StreamDictionary {
    // An object number precedes it; otherwise it is just a word that ends like the keyword.
    let before = before.trim_ascii_end();
    if !before.ends_with(b">>") {
        return StreamDictionary::default();
    }
    let dictionary = &before[memmem::rfind(before, b" obj").unwrap_or(0)..];
    let length = match value_of(dictionary, b"/Length") {
        Some(Value::Number(length)) => Some(length),
        _ => None,
    };
    let mut said = StreamDictionary { is_stream: true, length, ..StreamDictionary::default() };
    let mut resolved = |value: Option<Value>| match value {
        Some(Value::Reference(number)) => object(number),
        value => value,
    };
    let filter = value_of(dictionary, b"/Filter").or_else(|| value_of(dictionary, b"/F"));
    let is_elsewhere = matches!(filter, Some(Value::Reference(_)));
    let filters = match resolved(filter) {
        Some(Value::List(filters)) => filters,
        Some(filter) => vec![filter],
        None => {
            said.is_unknown = is_elsewhere;
            return said;
        }
    };
    let settings = value_of(dictionary, b"/DecodeParms").or_else(|| value_of(dictionary, b"/DP"));
    let settings = match resolved(settings) {
        Some(Value::List(settings)) => settings,
        Some(settings) => vec![settings],
        None => Vec::new(),
    };
    let mut settings = settings.into_iter();
    said.is_unknown = filters.len() > MAX_FILTERS;
    for filter in filters.into_iter().take(MAX_FILTERS) {
        let settings = resolved(settings.next()).unwrap_or(Value::Other);
        let is_reference = matches!(filter, Value::Reference(_));
        let Some(Value::Name(name)) = resolved(Some(filter)) else {
            said.is_unknown |= is_reference;
            break;
        };
        match &name[..] {
            b"FlateDecode" | b"Fl" => said.steps.push(FilterStep::Deflate(predictor(&settings))),
            b"LZWDecode" | b"LZW" => {
                let is_early = settings.number(b"EarlyChange") != Some(0);
                said.steps.push(FilterStep::Lzw { is_early, predictor: predictor(&settings) });
            }
            b"ASCII85Decode" | b"A85" => said.steps.push(FilterStep::Ascii85),
            b"ASCIIHexDecode" | b"AHx" => said.steps.push(FilterStep::Hexadecimal),
            b"RunLengthDecode" | b"RL" => said.steps.push(FilterStep::RunLengths),
            // It only names the encryption, if there is any.
            b"Crypt" => {}
            // Image filters.
            _ => break,
        }
    }
    said
}

/// The value of `key`, anywhere in `dictionary`.
fn value_of(dictionary: &[u8], key: &[u8]) -> Option<Value> {
    memmem::find_iter(dictionary, key).find_map(|at| {
        let rest = &dictionary[at + key.len()..];
        let is_whole = rest.first().is_some_and(|byte| !byte.is_ascii_alphanumeric());
        Value::parse(&mut &rest[..]).filter(|_| is_whole)
    })
}

fn predictor(settings: &Value) -> Option<Predictor> {
    let kind = settings.number(b"Predictor").filter(|&kind| kind == 2 || kind >= 10)?;
    let [colors, bits, columns] = [(&b"Colors"[..], 1), (b"BitsPerComponent", 8), (b"Columns", 1)]
        .map(|(key, usual)| settings.number(key).unwrap_or(usual).clamp(1, MAX_ROW_LEN));
    let point = colors.checked_mul(bits)?;
    let row = point.checked_mul(columns)?.div_ceil(8);
    let [row, point] = [row, (point / 8).max(1)].map(|size| size.min(MAX_ROW_LEN) as usize);
    Some(Predictor { is_png: kind >= 10, row, point, bits })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(dictionary: &str) -> StreamDictionary {
        read(dictionary.as_bytes(), &mut |number| match number {
            7 => Value::parse(&mut &b" [/A85 /Fl] endobj"[..]),
            8 => Value::parse(&mut &b"<</Predictor 2 /Columns 4>>"[..]),
            _ => None,
        })
    }

    #[test]
    fn filters_are_read_however_they_are_written() {
        let plain = FilterStep::Deflate(None);
        for (dictionary, steps) in [
            ("1 0 obj <</Length 5/Filter/FlateDecode>>", vec![plain]),
            (
                "1 0 obj <</Filter [/ASCII85Decode/LZW]>>\n",
                vec![FilterStep::Ascii85, FilterStep::Lzw { is_early: true, predictor: None }],
            ),
            ("1 0 obj <</Filter 7 0 R>>", vec![FilterStep::Ascii85, plain]),
            ("1 0 obj <</Filter % why\n /Fl#61teDecode >>", vec![plain]),
            ("1 0 obj <</Filter [ /FlateDecode /DCTDecode /AHx ]>>", vec![plain]),
            ("1 0 obj <</FilterX /Fl>>", vec![]),
            ("1 0 obj <</Filter /Fl>> and", vec![]),
        ] {
            assert_eq!(said(dictionary).steps, steps, "{dictionary}");
            assert!(!said(dictionary).is_unknown, "{dictionary}");
        }
        assert!(said("1 0 obj <</Filter 9 0 R>>").is_unknown);
        assert_eq!(said("1 0 obj <</Length 51 >>").length, Some(51));
        assert_eq!(said("1 0 obj <</Length 51 0 R>>").length, None);
        let tiff = Predictor { is_png: false, row: 4, point: 1, bits: 8 };
        let expected = vec![FilterStep::Hexadecimal, FilterStep::Deflate(Some(tiff))];
        assert_eq!(said("<</Filter [/AHx/Fl] /DecodeParms [null 8 0 R]>>").steps, expected);
    }
}
