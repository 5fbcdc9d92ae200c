//! `--shard auto`: detects the shard from the environment of the engine that started this process.

use anyhow::{Context, Result, bail};

use crate::cli::environment::variable;
use crate::fleet::Shard;

/// The number of shards; replaces the engine's own count, if it has one.
const COUNT_VARIABLE: &str = "FRISKEY_SHARDS";
/// The index of the shard, from 0, for engines without variables of their own.
const INDEX_VARIABLE: &str = "FRISKEY_SHARD_INDEX";

/// An engine that runs shards, and the variables that it sets.
struct ShardEngine {
    name: &'static str,
    /// The variable with the index of the shard.
    index_variable: &'static str,
    /// The index of the first shard; `None` for Slurm, which has it in another variable.
    first_index: Option<u32>,
    /// The variable with the number of shards.
    count_variable: &'static str,
}

const ENGINES: &[ShardEngine] = &[
    ShardEngine {
        name: "a Slurm job array",
        index_variable: "SLURM_ARRAY_TASK_ID",
        first_index: None,
        count_variable: "SLURM_ARRAY_TASK_COUNT",
    },
    ShardEngine {
        name: "a Kubernetes Indexed Job",
        index_variable: "JOB_COMPLETION_INDEX",
        first_index: Some(0),
        count_variable: COUNT_VARIABLE,
    },
    ShardEngine {
        name: "GitLab CI `parallel`",
        index_variable: "CI_NODE_INDEX",
        first_index: Some(1),
        count_variable: "CI_NODE_TOTAL",
    },
    ShardEngine {
        name: "Buildkite `parallelism`",
        index_variable: "BUILDKITE_PARALLEL_JOB",
        first_index: Some(0),
        count_variable: "BUILDKITE_PARALLEL_JOB_COUNT",
    },
    ShardEngine {
        name: "CircleCI `parallelism`",
        index_variable: "CIRCLE_NODE_INDEX",
        first_index: Some(0),
        count_variable: "CIRCLE_NODE_TOTAL",
    },
    ShardEngine {
        name: "an AWS Batch array job",
        index_variable: "AWS_BATCH_JOB_ARRAY_INDEX",
        first_index: Some(0),
        count_variable: "AWS_BATCH_JOB_ARRAY_SIZE",
    },
    ShardEngine {
        name: "a Google Batch job",
        index_variable: "BATCH_TASK_INDEX",
        first_index: Some(0),
        count_variable: "BATCH_TASK_COUNT",
    },
    ShardEngine {
        name: "a Cloud Run job",
        index_variable: "CLOUD_RUN_TASK_INDEX",
        first_index: Some(0),
        count_variable: "CLOUD_RUN_TASK_COUNT",
    },
];

/// The shard selected by `--shard`, and a description of its source.
pub(super) fn shard(option: Option<&str>) -> Result<(Shard, String)> {
    let value = |name: &str| variable(name).map(|value| value.to_string_lossy().into_owned());
    match option {
        None => Ok((Shard::WHOLE, "the whole plan".to_owned())),
        Some("auto") => detect(&value),
        Some(text) => match text.parse() {
            Ok(shard) => Ok((shard, "from --shard".to_owned())),
            Err(error) => bail!("--shard: {error}"),
        },
    }
}

/// Detects the shard from environment variables.
fn detect(value: &dyn Fn(&str) -> Option<String>) -> Result<(Shard, String)> {
    if let Some(index) = value(INDEX_VARIABLE) {
        let count = value(COUNT_VARIABLE).with_context(|| {
            format!("{INDEX_VARIABLE} is set, but {COUNT_VARIABLE}, the number of shards, is not")
        })?;
        return shard_at(
            parse_number(INDEX_VARIABLE, &index)?,
            0,
            parse_number(COUNT_VARIABLE, &count)?,
            &format!("from {INDEX_VARIABLE} and {COUNT_VARIABLE}"),
        );
    }
    let present: Vec<&ShardEngine> =
        ENGINES.iter().filter(|engine| value(engine.index_variable).is_some()).collect();
    let [engine] = present[..] else {
        if present.is_empty() {
            let index_variables: Vec<_> = ENGINES.iter().map(|engine| engine.index_variable).collect();
            bail!(
                "--shard auto: no supported engine detected (none of {} is set); give --shard I/N, or set {INDEX_VARIABLE} and \
                 {COUNT_VARIABLE}",
                index_variables.join(", ")
            );
        }
        let names: Vec<_> = present.iter().map(|engine| engine.name).collect();
        bail!(
            "--shard auto: several engines detected ({}); give --shard I/N, or set {INDEX_VARIABLE} and {COUNT_VARIABLE}",
            names.join(", ")
        );
    };
    let index = parse_number(engine.index_variable, &value(engine.index_variable).unwrap_or_default())?;
    let explicit_count =
        value(COUNT_VARIABLE).map(|count| parse_number(COUNT_VARIABLE, &count)).transpose()?;
    let Some(count) = explicit_count else {
        let count_text = value(engine.count_variable).with_context(|| {
            format!(
                "--shard auto: {} sets {}, but {} is not set; set it to the number of shards",
                engine.name, engine.index_variable, engine.count_variable
            )
        })?;
        let (first, step) = match engine.first_index {
            Some(first) => (first, 1),
            None => slurm_range(value)?,
        };
        let source = format!(
            "from {} ({}={index}, {}={count_text})",
            engine.name, engine.index_variable, engine.count_variable
        );
        let distance =
            index.checked_sub(first).filter(|distance| distance % step == 0).with_context(|| {
                format!(
                    "--shard auto: {}={index} does not belong to an array that begins at {first}",
                    engine.index_variable
                )
            })?;
        let count = parse_number(engine.count_variable, &count_text)?;
        if engine.first_index.is_none() {
            check_slurm_gaps(value, (first, step), count)?;
        }
        return shard_at(distance / step, 0, count, &source);
    };
    let source =
        format!("from {} ({}={index}) and {COUNT_VARIABLE}={count}", engine.name, engine.index_variable);
    // Slurm's other variables describe the array as submitted, which may be one task of an earlier one. So its index counts from 0.
    shard_at(index, engine.first_index.unwrap_or(0), count, &source)
}

/// Checks that a Slurm array has no gaps: a shard whose task is missing would not be audited.
fn check_slurm_gaps(
    value: &dyn Fn(&str) -> Option<String>,
    (first, step): (u32, u32),
    count: u32,
) -> Result<()> {
    const LAST: &str = "SLURM_ARRAY_TASK_MAX";
    let Some(last) = value(LAST).map(|text| parse_number(LAST, &text)).transpose()? else { return Ok(()) };
    if u64::from(last) != u64::from(first) + u64::from(step) * u64::from(count.saturating_sub(1)) {
        bail!(
            "--shard auto: the Slurm array has gaps ({count} tasks from {first} to {last}), so some shards would be \
             audited by nobody; submit --array=0-{}, or set {COUNT_VARIABLE} if these are tasks of an array that began at 0",
            count.saturating_sub(1)
        );
    }
    Ok(())
}

/// The first index and the step of a Slurm array.
fn slurm_range(value: &dyn Fn(&str) -> Option<String>) -> Result<(u32, u32)> {
    let read = |name: &str, default: u32| value(name).map_or(Ok(default), |text| parse_number(name, &text));
    let (first, step) = (read("SLURM_ARRAY_TASK_MIN", 0)?, read("SLURM_ARRAY_TASK_STEP", 1)?);
    Ok((first, step.max(1)))
}

/// The shard with this `index`, of `count` shards, of which the first has the index `first`.
fn shard_at(index: u32, first: u32, count: u32, source: &str) -> Result<(Shard, String)> {
    let number = index.checked_sub(first).and_then(|distance| distance.checked_add(1)).unwrap_or(0);
    match Shard::new(number, count) {
        Ok(shard) => Ok((shard, source.to_owned())),
        Err(error) => bail!("--shard auto, {source}: {error}"),
    }
}

fn parse_number(name: &str, text: &str) -> Result<u32> {
    text.trim().parse().ok().with_context(|| format!("--shard auto: {name} is `{text}`, not a whole number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detect_shard(variables: &[(&str, &str)]) -> Result<(u32, u32, String)> {
        let value = |name: &str| {
            variables.iter().find(|(variable, _)| *variable == name).map(|(_, value)| (*value).to_owned())
        };
        detect(&value).map(|(shard, source)| (shard.number, shard.count, source))
    }

    #[test]
    fn the_variables_of_every_engine_select_a_shard() {
        type Variables<'a> = &'a [(&'a str, &'a str)];
        let cases: &[(Variables<'_>, (u32, u32), &str)] = &[
            (&[("SLURM_ARRAY_TASK_ID", "3"), ("SLURM_ARRAY_TASK_COUNT", "4")], (4, 4), "Slurm"),
            (
                &[
                    ("SLURM_ARRAY_TASK_ID", "3"),
                    ("SLURM_ARRAY_TASK_MIN", "1"),
                    ("SLURM_ARRAY_TASK_COUNT", "4"),
                ],
                (3, 4),
                "Slurm",
            ),
            (
                &[
                    ("SLURM_ARRAY_TASK_ID", "14"),
                    ("SLURM_ARRAY_TASK_MIN", "10"),
                    ("SLURM_ARRAY_TASK_STEP", "4"),
                    ("SLURM_ARRAY_TASK_COUNT", "3"),
                ],
                (2, 3),
                "Slurm",
            ),
            // One task of an array from 0 to 3 that is submitted again.
            (
                &[
                    ("SLURM_ARRAY_TASK_ID", "3"),
                    ("SLURM_ARRAY_TASK_MIN", "3"),
                    ("SLURM_ARRAY_TASK_COUNT", "1"),
                    (COUNT_VARIABLE, "4"),
                ],
                (4, 4),
                "Slurm",
            ),
            (&[("JOB_COMPLETION_INDEX", "0"), (COUNT_VARIABLE, "5")], (1, 5), "Kubernetes"),
            (&[("CI_NODE_INDEX", "2"), ("CI_NODE_TOTAL", "3")], (2, 3), "GitLab"),
            (&[("BUILDKITE_PARALLEL_JOB", "1"), ("BUILDKITE_PARALLEL_JOB_COUNT", "2")], (2, 2), "Buildkite"),
            (&[("CIRCLE_NODE_INDEX", "0"), ("CIRCLE_NODE_TOTAL", "2")], (1, 2), "CircleCI"),
            (&[("AWS_BATCH_JOB_ARRAY_INDEX", "6"), ("AWS_BATCH_JOB_ARRAY_SIZE", "7")], (7, 7), "AWS Batch"),
            (&[("BATCH_TASK_INDEX", "0"), ("BATCH_TASK_COUNT", "9")], (1, 9), "Google Batch"),
            (&[("CLOUD_RUN_TASK_INDEX", "8"), ("CLOUD_RUN_TASK_COUNT", "9")], (9, 9), "Cloud Run"),
            // GitHub sets no such variables, so the workflow sets these.
            (&[(INDEX_VARIABLE, "1"), (COUNT_VARIABLE, "2"), ("CI_NODE_INDEX", "9")], (2, 2), INDEX_VARIABLE),
        ];
        for (variables, (number, count), name) in cases {
            let (actual_number, actual_count, source) = detect_shard(variables).unwrap();
            assert_eq!((actual_number, actual_count), (*number, *count), "{variables:?}");
            assert!(source.contains(name), "{source}");
        }
    }

    #[test]
    fn missing_and_contradictory_variables_are_errors() {
        let cases: &[&[(&str, &str)]] = &[
            &[],
            &[("JOB_COMPLETION_INDEX", "0")],
            &[(INDEX_VARIABLE, "0")],
            // The array 1,3,7.
            &[
                ("SLURM_ARRAY_TASK_ID", "3"),
                ("SLURM_ARRAY_TASK_COUNT", "3"),
                ("SLURM_ARRAY_TASK_MIN", "1"),
                ("SLURM_ARRAY_TASK_MAX", "7"),
            ],
            &[("CI_NODE_INDEX", "0"), ("CI_NODE_TOTAL", "3")],
            &[("CI_NODE_INDEX", "4"), ("CI_NODE_TOTAL", "3")],
            &[("CI_NODE_INDEX", "x"), ("CI_NODE_TOTAL", "3")],
            &[
                ("CI_NODE_INDEX", "1"),
                ("CI_NODE_TOTAL", "3"),
                ("BATCH_TASK_INDEX", "0"),
                ("BATCH_TASK_COUNT", "3"),
            ],
            &[("SLURM_ARRAY_TASK_ID", "7"), ("SLURM_ARRAY_TASK_COUNT", "2")],
        ];
        for variables in cases {
            assert!(detect_shard(variables).is_err(), "{variables:?}");
        }
    }
}
