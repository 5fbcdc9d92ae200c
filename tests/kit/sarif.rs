//! Reads SARIF back into `serde_sarif`'s types, which are generated from the schema.

use serde_json::Value;
use serde_sarif::sarif::Sarif;

/// Parses a SARIF report, after making sure that `serde_sarif` knows every property in it.
pub(crate) fn parse(text: &str) -> Value {
    let report: Value = serde_json::from_str(text).expect("SARIF is JSON");
    let log: Sarif = serde_json::from_str(text).expect("the report has the types of the schema");
    let read_back = serde_json::to_value(&log).expect("the types can be serialized");
    assert_eq!(report, read_back, "the report has properties that the schema does not define");
    report
}
