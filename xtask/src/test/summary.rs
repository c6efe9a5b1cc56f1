//! Counts tests by what their runners report.

/// Tests as counted by `libtest` or `wasm-bindgen-test-runner`, added up over test programs.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Summary {
    pub(super) passed: u64,
    pub(super) failed: u64,
    pub(super) ignored: u64,
}

/// Adds up every line like `test result: ok. 3 passed; 1 failed; 0 ignored; …` of a runner's output.
///
/// Only a line that begins so counts, wherever a test may have printed the words. A program that died without such a line
/// adds nothing: its exit code has to tell.
pub(super) fn parse(output: &str) -> Summary {
    let mut summary = Summary::default();
    for line in output.lines() {
        let Some(counts) = line.trim_start().strip_prefix("test result: ") else {
            continue;
        };
        let mut words = counts
            .split(|letter: char| letter.is_whitespace() || letter == ';' || letter == '.')
            .peekable();
        while let Some(word) = words.next() {
            let (Ok(number), Some(what)) = (word.parse::<u64>(), words.peek()) else {
                continue;
            };
            match *what {
                "passed" => summary.passed += number,
                "failed" => summary.failed += number,
                "ignored" => summary.ignored += number,
                _ => {}
            }
        }
    }
    summary
}

/// A test that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) name: String,
    /// What its runner kept of what it printed, if it kept it.
    pub(super) printed: Option<String>,
}

/// The tests that a runner names under `failures:`, in order. What they printed stands above, each under `---- NAME stdout ----`.
pub(super) fn failures(output: &str) -> Vec<Failure> {
    let lines: Vec<&str> = output.lines().collect();
    let mut found = Vec::new();
    let mut rest = lines.as_slice();
    while let Some(at) = rest.iter().position(|line| *line == "failures:") {
        let (before, after) = rest.split_at(at + 1);
        // The runner for browsers leaves a line empty first.
        let names = after
            .iter()
            .skip_while(|line| line.is_empty())
            .map_while(|line| line.strip_prefix("    "));
        found.extend(names.map(|name| Failure {
            name: name.to_owned(),
            printed: printed(before, name),
        }));
        rest = after;
    }
    found
}

/// What stands under a test's own heading.
fn printed(lines: &[&str], name: &str) -> Option<String> {
    let heading = [format!("---- {name} stdout ----"), format!("---- {name} output ----")];
    let at = lines.iter().position(|line| heading.iter().any(|it| it == line))?;
    let until = |line: &&&str| **line != "failures:" && !(line.starts_with("---- ") && line.ends_with(" ----"));
    let under: Vec<&str> = lines[at + 1..].iter().take_while(until).copied().collect();
    Some(under.join("\n").trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Failure, Summary, failures, parse};

    #[test]
    fn tests_that_failed_are_named_with_what_they_printed() {
        let output = "
running 3 tests
test a ... ok
test b::c ... FAILED
test d ... FAILED

failures:

---- b::c stdout ----

thread 'b::c' panicked at lib.rs:3:5:
no

---- d stdout ----
never


failures:
    b::c
    d

test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s

     Running tests/other.rs
failures:

failures:
    e
";
        let failure = |name: &str, printed: Option<&str>| Failure {
            name: name.to_owned(),
            printed: printed.map(ToOwned::to_owned),
        };
        assert_eq!(
            failures(output),
            [
                failure("b::c", Some("thread 'b::c' panicked at lib.rs:3:5:\nno")),
                failure("d", Some("never")),
                failure("e", None),
            ]
        );
        let in_browser = "failures:\n\n---- e output ----\n    error output:\n        panicked\n\nfailures:\n\n    e\n\ntest result: FAILED.\n";
        assert_eq!(
            failures(in_browser),
            [failure("e", Some("error output:\n        panicked"))]
        );
        assert_eq!(failures("failures:\n"), []);
    }

    #[test]
    fn summaries_of_several_programs_are_added_up() {
        let output = "
     Running unittests src/lib.rs (target/debug/deps/mesh-0123)
running 2 tests
test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.05s

   Doc-tests mesh
test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.02s
";
        assert_eq!(
            parse(output),
            Summary {
                passed: 15,
                failed: 2,
                ignored: 1
            }
        );
    }

    #[test]
    fn the_browser_runner_is_understood() {
        let output = "    Running headless tests in Firefox on `http://127.0.0.1:4444/`\n\
                      running 1 test\ntest seals ... ok\n\n\
                      test result: ok. 1 passed; 0 failed; 0 ignored; 0 filtered out; finished in 0.01s\n";
        assert_eq!(
            parse(output),
            Summary {
                passed: 1,
                failed: 0,
                ignored: 0
            }
        );
    }

    #[test]
    fn other_numbers_do_not_count() {
        let output = "expected test result: ok. 7 passed\n9 passed\nerror: could not compile `web`\nno tests to run!\n";
        assert_eq!(parse(output), Summary::default());
    }
}
