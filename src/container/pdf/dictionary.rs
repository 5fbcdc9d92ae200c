//! Reads the filters of a stream and their parameters from its dictionary.

use memchr::memmem;

use super::value::Value;

/// Maximum number of filters; real files use only a few.
const MAX_FILTERS: usize = 8;

/// Maximum bytes of a row of a predictor. Two rows are kept in memory.
const MAX_ROW_LEN: u64 = 1 << 20;

/// A filter that can be undone, with its parameters.
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

/// A predictor. It replaces each byte by its difference from a byte before or above it, row by row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Predictor {
    /// Whether it is one of PNG's, with a byte before each row that selects the algorithm; otherwise it is TIFF's.
    pub(super) is_png: bool,
    /// Bytes of a row.
    pub(super) row_len: usize,
    /// Bytes of a pixel, rounded up.
    pub(super) pixel_len: usize,
    /// Bits per color component.
    pub(super) bits: u64,
}

/// What the dictionary says about a stream.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct StreamDictionary {
    /// The steps of decoding in order, up to the first filter that cannot be undone.
    pub(super) steps: Vec<FilterStep>,
    /// Whether a filter is not known, or a predictor not supported. Filters of images are known, but not undone.
    pub(super) has_unsupported: bool,
    /// Whether there is a dictionary at all.
    pub(super) is_stream: bool,
    /// Length of the stream in bytes, if the dictionary states it directly.
    pub(super) length: Option<u64>,
}

/// Reads the dictionary at the end of `before`; `object` resolves references.
pub(super) fn read(before: &[u8], object: &mut dyn FnMut(u64) -> Option<Value>) -> StreamDictionary {
    // The keyword `stream` follows a dictionary; otherwise it is part of a text.
    let before = before.trim_ascii_end();
    if !before.ends_with(b">>") {
        return StreamDictionary::default();
    }
    let source = &before[memmem::rfind(before, b" obj").unwrap_or(0)..];
    let length = match find_value(source, b"/Length") {
        Some(Value::Number(length)) => Some(length),
        _ => None,
    };
    let mut dictionary = StreamDictionary { is_stream: true, length, ..StreamDictionary::default() };
    let mut resolve = |value: Option<Value>| match value {
        Some(Value::Reference(number)) => object(number),
        value => value,
    };
    let filter = find_value(source, b"/Filter").or_else(|| find_value(source, b"/F"));
    let is_reference = matches!(filter, Some(Value::Reference(_)));
    let filters = match resolve(filter) {
        Some(Value::List(filters)) => filters,
        Some(filter) => vec![filter],
        None => {
            dictionary.has_unsupported = is_reference;
            return dictionary;
        }
    };
    let parameters = find_value(source, b"/DecodeParms").or_else(|| find_value(source, b"/DP"));
    let parameters = match resolve(parameters) {
        Some(Value::List(parameters)) => parameters,
        Some(parameters) => vec![parameters],
        None => Vec::new(),
    };
    let mut parameters = parameters.into_iter();
    dictionary.has_unsupported = filters.len() > MAX_FILTERS;
    for filter in filters.into_iter().take(MAX_FILTERS) {
        let parameters = resolve(parameters.next()).unwrap_or(Value::Other);
        let is_reference = matches!(filter, Value::Reference(_));
        let Some(Value::Name(name)) = resolve(Some(filter)) else {
            dictionary.has_unsupported |= is_reference;
            break;
        };
        let Ok(predictor) = parse_predictor(&parameters) else {
            dictionary.has_unsupported = true;
            break;
        };
        match &name[..] {
            b"FlateDecode" | b"Fl" => dictionary.steps.push(FilterStep::Deflate(predictor)),
            b"LZWDecode" | b"LZW" => {
                let is_early = parameters.number(b"EarlyChange") != Some(0);
                dictionary.steps.push(FilterStep::Lzw { is_early, predictor });
            }
            b"ASCII85Decode" | b"A85" => dictionary.steps.push(FilterStep::Ascii85),
            b"ASCIIHexDecode" | b"AHx" => dictionary.steps.push(FilterStep::Hexadecimal),
            b"RunLengthDecode" | b"RL" => dictionary.steps.push(FilterStep::RunLengths),
            // It does not change the data, but names the encryption, if there is any.
            b"Crypt" => {}
            // What they decode to is the pixels of an image.
            b"DCTDecode" | b"DCT" | b"CCITTFaxDecode" | b"CCF" | b"JBIG2Decode" | b"JPXDecode" => break,
            _ => {
                dictionary.has_unsupported = true;
                break;
            }
        }
    }
    dictionary
}

/// The value of `key`, anywhere in `source`, the bytes of a dictionary.
fn find_value(source: &[u8], key: &[u8]) -> Option<Value> {
    memmem::find_iter(source, key).find_map(|start| {
        let rest = &source[start + key.len()..];
        let is_whole = rest.first().is_some_and(|byte| !byte.is_ascii_alphanumeric());
        Value::parse(&mut &rest[..]).filter(|_| is_whole)
    })
}

/// A predictor whose rows are longer than [`MAX_ROW_LEN`].
struct RowsTooLong;

/// The predictor that the parameters of a filter declare, if any.
fn parse_predictor(parameters: &Value) -> Result<Option<Predictor>, RowsTooLong> {
    let Some(kind) = parameters.number(b"Predictor").filter(|&kind| kind == 2 || kind >= 10) else {
        return Ok(None);
    };
    let [colors, bits, columns] = [(&b"Colors"[..], 1), (b"BitsPerComponent", 8), (b"Columns", 1)]
        .map(|(key, default)| parameters.number(key).unwrap_or(default).max(1));
    let pixel_bits = colors.checked_mul(bits).ok_or(RowsTooLong)?;
    let row_len = pixel_bits.checked_mul(columns).ok_or(RowsTooLong)?.div_ceil(8);
    if row_len > MAX_ROW_LEN {
        return Err(RowsTooLong);
    }
    let [row_len, pixel_len] = [row_len, pixel_bits.div_ceil(8)].map(|bytes| bytes as usize);
    Ok(Some(Predictor { is_png: kind >= 10, row_len, pixel_len, bits }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_source(source: &str) -> StreamDictionary {
        read(source.as_bytes(), &mut |number| match number {
            7 => Value::parse(&mut &b" [/A85 /Fl] endobj"[..]),
            8 => Value::parse(&mut &b"<</Predictor 2 /Columns 4>>"[..]),
            _ => None,
        })
    }

    #[test]
    fn filters_are_read_however_they_are_written() {
        let plain = FilterStep::Deflate(None);
        for (source, steps) in [
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
            assert_eq!(read_source(source).steps, steps, "{source}");
            assert!(!read_source(source).has_unsupported, "{source}");
        }
        assert!(read_source("1 0 obj <</Filter 9 0 R>>").has_unsupported);
        assert_eq!(read_source("1 0 obj <</Length 51 >>").length, Some(51));
        assert_eq!(read_source("1 0 obj <</Length 51 0 R>>").length, None);
        let tiff = Predictor { is_png: false, row_len: 4, pixel_len: 1, bits: 8 };
        let expected = vec![FilterStep::Hexadecimal, FilterStep::Deflate(Some(tiff))];
        assert_eq!(read_source("<</Filter [/AHx/Fl] /DecodeParms [null 8 0 R]>>").steps, expected);
    }

    #[test]
    fn the_bytes_of_a_pixel_are_rounded_up() {
        let source = "<</Filter/Fl/DecodeParms<</Predictor 15/Colors 3/BitsPerComponent 4/Columns 5>>>>";
        let predictor = Predictor { is_png: true, row_len: 8, pixel_len: 2, bits: 4 };
        assert_eq!(read_source(source).steps, [FilterStep::Deflate(Some(predictor))]);
    }

    #[test]
    fn what_cannot_be_undone_is_unsupported() {
        for source in [
            "<</Filter/BrotliDecode>>",
            "<</Filter[/AHx/Unheard/Fl]>>",
            "<</Filter/Fl/DecodeParms<</Predictor 2/Columns 3000000>>>>",
            "<</Filter/Fl/DecodeParms<</Predictor 12/Colors 4294967296/Columns 4294967296>>>>",
        ] {
            assert!(read_source(source).has_unsupported, "{source}");
        }
    }
}
