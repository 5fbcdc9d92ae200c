//! Exit statuses.

use std::process::ExitCode;

use crate::model::Status;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// No finding at or above the threshold in what was scanned, and nothing was skipped; or a command that scans
    /// nothing succeeded.
    Clean,
    /// At least one finding at or above the threshold; or a check failed.
    Findings,
    /// The work could not be done.
    Failed,
    /// No findings, but something could not be scanned.
    Incomplete,
}

impl Exit {
    /// The number that the process ends with.
    pub fn status(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::Findings => 1,
            Self::Failed => 2,
            Self::Incomplete => 3,
        }
    }
}

impl From<Status> for Exit {
    fn from(status: Status) -> Self {
        match status {
            Status::Clean => Self::Clean,
            Status::Findings => Self::Findings,
            Status::Incomplete => Self::Incomplete,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.status())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_those_of_the_contract() {
        let all = [Exit::Clean, Exit::Findings, Exit::Failed, Exit::Incomplete];
        assert_eq!(all.map(Exit::status), [0, 1, 2, 3]);
    }
}
