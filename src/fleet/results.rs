//! The state directory: the plan, and one file for the result of each repository.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::plan::{PlanError, parse_plan};
use crate::model::{FleetPlan, FleetResult, RESULT_SCHEMA, hex};
use crate::untrusted::{ReadError, Symlinks, read};

/// Maximum size of a plan or result, in bytes.
const MAX_BYTES: u64 = 1 << 30;
const PLAN_FILE: &str = "plan.json";
const RESULT_PREFIX: &str = "repository-";

/// Why a state directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ResultsError {
    /// An operation on the file system failed.
    #[error("{} cannot be used as a state directory: {error}", path.display())]
    Io {
        /// The directory or a file in it.
        path: PathBuf,
        /// The error of the operating system.
        error: io::Error,
    },
    /// It contains no plan.
    #[error("{} is not a state directory, since it contains no plan; `friskey fleet audit --state` makes \
     one", .0.display())]
    NoPlan(PathBuf),
    /// The plan in it cannot be used.
    #[error("{}: {error}", path.display())]
    Plan {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: PlanError,
    },
}

/// The name of a result's file, and the result or why it cannot be used.
pub type NamedResult = (String, Result<FleetResult, String>);

/// A state directory.
#[derive(Clone, Debug)]
pub struct ResultsDir {
    path: PathBuf,
}

/// The file name of the result of the repository with that key.
pub fn result_name(key: &str) -> String {
    format!("{RESULT_PREFIX}{}.json", &hex(&Sha256::digest(key))[..32])
}

impl ResultsDir {
    /// Opens the directory, creating it for its owner alone if it does not exist, and stores `plan` in it.
    ///
    /// # Errors
    /// If it cannot be created or written to.
    pub fn create(path: &Path, plan: &FleetPlan) -> Result<Self, ResultsError> {
        let io = |error| ResultsError::Io { path: path.to_owned(), error };
        create_private(path).map_err(io)?;
        let dir = Self { path: path.to_owned() };
        let bytes = serde_json::to_vec_pretty(plan).map_err(|error| io(error.into()))?;
        if read(&path.join(PLAN_FILE), Symlinks::Refuse, MAX_BYTES).ok() != Some(bytes.clone()) {
            dir.write(PLAN_FILE, &bytes).map_err(io)?;
        }
        Ok(dir)
    }

    /// Opens an existing directory.
    pub fn open(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// The plan in it.
    ///
    /// # Errors
    /// If there is none, or it cannot be used.
    pub fn plan(&self) -> Result<FleetPlan, ResultsError> {
        let path = self.path.join(PLAN_FILE);
        match read(&path, Symlinks::Refuse, MAX_BYTES) {
            Ok(bytes) => parse_plan(&bytes).map_err(|error| ResultsError::Plan { path, error }),
            Err(ReadError::NotFound) => Err(ResultsError::NoPlan(self.path.clone())),
            Err(error) => Err(ResultsError::Io { path, error: io::Error::other(error) }),
        }
    }

    /// The result of the repository with that key. `None` if there is none; an error says why one cannot be used.
    pub fn result(&self, key: &str) -> Option<Result<FleetResult, String>> {
        let loaded = self.load(&result_name(key))?;
        Some(loaded.and_then(|result| match result.key() == key {
            true => Ok(result),
            false => Err("it is the result of another repository".to_owned()),
        }))
    }

    fn load(&self, name: &str) -> Option<Result<FleetResult, String>> {
        let bytes = match read(&self.path.join(name), Symlinks::Refuse, MAX_BYTES) {
            Ok(bytes) => bytes,
            Err(ReadError::NotFound) => return None,
            Err(error) => return Some(Err(error.to_string())),
        };
        // An error of serde could quote the file.
        let parsed = serde_json::from_slice(&bytes).map_err(|_| "it is damaged".to_owned());
        Some(parsed.and_then(|result: FleetResult| match result.schema == RESULT_SCHEMA {
            true => Ok(result),
            false => Err("this version of friskey cannot read its format".to_owned()),
        }))
    }

    /// The names of all results, and each result or why it cannot be used.
    ///
    /// # Errors
    /// When the directory cannot be listed.
    pub fn results(&self) -> Result<Vec<NamedResult>, ResultsError> {
        let names =
            self.result_names().map_err(|error| ResultsError::Io { path: self.path.clone(), error })?;
        Ok(names.into_iter().filter_map(|name| Some((name.clone(), self.load(&name)?))).collect())
    }

    fn result_names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            if let Some(name) = entry?.file_name().to_str()
                && name.starts_with(RESULT_PREFIX)
                && name.ends_with(".json")
            {
                names.push(name.to_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    /// Stores `result` atomically.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn store(&self, result: &FleetResult) -> Result<(), ResultsError> {
        let name = result_name(&result.key());
        let written =
            serde_json::to_vec(result).map_err(io::Error::from).and_then(|bytes| self.write(&name, &bytes));
        written.map_err(|error| ResultsError::Io { path: self.path.join(name), error })
    }

    /// Removes temporary files that killed runs left for `repositories`, given by key, and results of repositories
    /// that are no longer planned.
    ///
    /// # Errors
    /// When the directory cannot be listed, or a file cannot be removed.
    pub fn tidy(&self, plan: &FleetPlan, repositories: &[String]) -> Result<(), ResultsError> {
        let planned_names: HashSet<String> =
            plan.repositories.iter().map(|repository| result_name(&repository.key())).collect();
        let temporary_prefixes: HashSet<String> =
            repositories.iter().map(|key| temporary_prefix(&result_name(key))).collect();
        let tidy = || -> io::Result<()> {
            for entry in fs::read_dir(&self.path)? {
                let entry = entry?;
                let name = entry.file_name();
                let Some(name) = name.to_str() else { continue };
                let is_result = name.starts_with(RESULT_PREFIX) && name.ends_with(".json");
                let is_left_over =
                    name.rfind('-').is_some_and(|end| temporary_prefixes.contains(&name[..=end]));
                if (is_result && !planned_names.contains(name)) || is_left_over {
                    match fs::remove_file(entry.path()) {
                        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                        _ => {}
                    }
                }
            }
            Ok(())
        };
        tidy().map_err(|error| ResultsError::Io { path: self.path.clone(), error })
    }

    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        match self.write_once(name, bytes) {
            // Another run of the same shard began and removed the temporary file, as if this run had been killed.
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.write_once(name, bytes),
            result => result,
        }
    }

    fn write_once(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut builder = tempfile::Builder::new();
        let prefix = temporary_prefix(name);
        builder.prefix(&prefix).suffix(".tmp");
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600));
        let mut file = builder.tempfile_in(&self.path)?;
        file.write_all(bytes)?;
        file.persist(self.path.join(name)).map(drop).map_err(|error| error.error)
    }
}

/// The prefix of the names of temporary files for `name`. Repositories have different ones, and each belongs to one
/// shard.
fn temporary_prefix(name: &str) -> String {
    format!(".{}-", name.trim_end_matches(".json"))
}

/// Creates a directory and its parents, accessible only to their owner.
fn create_private(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}
