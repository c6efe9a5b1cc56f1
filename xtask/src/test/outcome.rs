//! The outcome of a step, and how an outcome is counted.

use super::select::TestName;
use super::summary::Summary;
use anyhow::Result;

/// Passed and failed checks.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) passed: u64,
    pub(super) failed: u64,
}

/// The outcome of a step.
#[derive(Debug)]
pub(super) struct Outcome {
    /// A few words for the step's line.
    pub(super) note: String,
    /// Whether the end of the log explains a failure.
    pub(super) log_explains: bool,
    /// Passed and failed checks.
    pub(super) tally: Tally,
}

impl Outcome {
    /// A step whose tools could not be had: failed, never skipped.
    pub(super) fn not_done(error: &anyhow::Error) -> Self {
        Self {
            note: format!("{error:#}"),
            log_explains: false,
            tally: Tally { passed: 0, failed: 1 },
        }
    }

    /// A step that either holds or does not.
    pub(super) fn check(result: Result<String>) -> Self {
        match result {
            Ok(note) => Self {
                note,
                log_explains: true,
                tally: Tally { passed: 1, failed: 0 },
            },
            Err(error) => Self {
                note: format!("{error:#}"),
                log_explains: true,
                tally: Tally { passed: 0, failed: 1 },
            },
        }
    }

    /// A step of counted tests, those that `name` chooses. `runner` says whether the runner found everything well.
    pub(super) fn tests(summary: Summary, runner: Result<()>, name: Option<&TestName>) -> Self {
        let Summary {
            passed,
            mut failed,
            ignored,
        } = summary;
        let mut note = format!("{passed} passed");
        if failed > 0 {
            note = format!("{note}, {failed} failed");
        }
        if ignored > 0 {
            note = format!("{note}, {ignored} ignored");
        }
        if let Some(name) = name {
            note = format!("{note} (only names with `{name}`)");
        }
        let mut log_explains = true;
        match runner {
            // The tests did not compile, or a test program died before it could count.
            Err(error) if failed == 0 => {
                failed = 1;
                note = format!("{note}; {error:#}");
            }
            Ok(()) if passed + failed == 0 => {
                failed = 1;
                log_explains = name.is_none();
                note = name.map_or_else(
                    || "no test was run".to_owned(),
                    |name| format!("no test was run: this step has none whose name contains `{name}`"),
                );
            }
            Ok(()) | Err(_) => {}
        }
        Self {
            note,
            log_explains,
            tally: Tally { passed, failed },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::anyhow;

    #[test]
    fn a_runner_that_fails_without_a_count_is_one_failure() {
        let counted = Summary {
            passed: 3,
            failed: 0,
            ignored: 0,
        };
        let outcome = Outcome::tests(counted, Err(anyhow!("could not compile")), None);
        assert_eq!(outcome.tally, Tally { passed: 3, failed: 1 });
        let counted = Summary {
            passed: 3,
            failed: 2,
            ignored: 0,
        };
        assert_eq!(
            Outcome::tests(counted, Err(anyhow!("failed")), None).tally,
            Tally { passed: 3, failed: 2 }
        );
    }

    #[test]
    fn no_tests_are_a_failure() {
        assert_eq!(
            Outcome::tests(Summary::default(), Ok(()), None).tally,
            Tally { passed: 0, failed: 1 }
        );
    }

    #[test]
    fn a_name_that_no_test_has_is_a_failure_that_says_so() {
        let name: TestName = "nobody".parse().unwrap();
        let outcome = Outcome::tests(Summary::default(), Ok(()), Some(&name));
        assert_eq!(outcome.tally, Tally { passed: 0, failed: 1 });
        assert!(
            outcome.note.contains("none whose name contains `nobody`"),
            "{}",
            outcome.note
        );
    }

    #[test]
    fn a_note_says_that_not_all_tests_were_run() {
        let counted = Summary {
            passed: 1,
            failed: 0,
            ignored: 0,
        };
        let outcome = Outcome::tests(counted, Ok(()), Some(&"one".parse().unwrap()));
        assert_eq!(outcome.note, "1 passed (only names with `one`)");
    }
}
