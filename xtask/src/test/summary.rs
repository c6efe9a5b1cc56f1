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

#[cfg(test)]
mod tests {
    use super::{Summary, parse};

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
